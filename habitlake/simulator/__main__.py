"""Let simulated people live through days and write landing files.

``python -m habitlake.simulator --start 2026-01-01 --end 2026-01-31 --people 2000 --dirt 0.02``
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

from habitlake.job import JobContext, run_job
from habitlake.simulator import simulate_nights


def run(context: JobContext) -> Mapping[str, object]:
    """Simulate the interval."""
    settings, options = context.settings, context.options
    summary = simulate_nights(
        settings,
        context.interval,
        people=options.people or settings.people,
        dirt=settings.dirt if options.dirt is None else options.dirt,
        seed=settings.seed if options.seed is None else options.seed,
        progress=lambda day: context.log.debug("lived", day=str(day)),
    )
    return {"lines": summary.lines, "sessions": summary.sessions, "reached": summary.reached}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, help="how many people; default HABITLAKE_PEOPLE")
    parser.add_argument(
        "--dirt", type=float, help="share of lines damaged, repeated or delayed; default HABITLAKE_DIRT"
    )
    parser.add_argument("--seed", type=int, help="seed of the world; default HABITLAKE_SEED")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("simulator", run, description=__doc__ or "", argv=argv, add_arguments=_arguments, lock=False)


if __name__ == "__main__":
    sys.exit(main())
