"""Run the job from the command line: ``python -m interventions.onboarding --start 2026-03-01``."""

import sys

from habitlake.job import run_job
from interventions.onboarding import job

sys.exit(run_job("interventions.onboarding", job.run, description=job.__doc__ or ""))
