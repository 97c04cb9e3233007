"""Open, close or fail the nights of an interval: the first, the last and the failure step of the nightly DAG.

``python -m habitlake.nights open --start 2026-01-05 [--end 2026-01-06]``
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from habitlake.job import JobContext, run_job
from habitlake.nights import ledger


def run(context: JobContext) -> Mapping[str, object]:
    """Change the state of the interval's nights."""
    # The ledger records when things really ran; no computation reads these instants.
    now = datetime.now(UTC)
    step: str = context.options.step
    if step == "open":
        ledger.open_nights(context.interval, context.settings, now)
        state = ledger.ledger_state(context.settings)
        later = [night for night in state.stale if night.batch_date > context.interval.end]
        if later:
            context.log.warning("later nights are stale", nights=len(later), mend="run: habitlake repair")
    elif step == "close":
        ledger.close_nights(context.interval, context.settings, now)
    else:
        ledger.fail_nights(context.interval, context.settings, context.options.task, now)
    return {"step": step, "nights": len(context.interval)}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", choices=("open", "close", "fail"), help="what to record")
    parser.add_argument("--task", default="unknown", help="task at which the night stopped (with fail)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("nights", run, description=__doc__ or "", argv=argv, add_arguments=_arguments)


if __name__ == "__main__":
    sys.exit(main())
