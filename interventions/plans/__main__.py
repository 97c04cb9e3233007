"""Run the job from the command line: ``python -m interventions.plans --start 2026-03-01``."""

import sys

from habitlake.job import run_job
from interventions.plans import job

sys.exit(run_job("interventions.plans", job.run, description=job.__doc__ or ""))
