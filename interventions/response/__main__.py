"""Run the job from the command line: ``python -m interventions.response --start 2026-03-01``."""

import sys

from habitlake.job import run_job
from interventions.response import job

sys.exit(run_job("interventions.response", job.run, description=job.__doc__ or ""))
