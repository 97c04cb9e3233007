"""Run the job from the command line: ``python -m interventions.goals --start 2026-03-01``."""

import sys

from habitlake.job import run_job
from interventions.goals import job

sys.exit(run_job("interventions.goals", job.run, description=job.__doc__ or ""))
