"""Let simulated people live through days and write landing files.

``python -m habitlake.simulator --start 2026-01-01 --end 2026-01-31 --people 2000 --dirt 0.02``

The first run begins a world at --start; the next one goes on the day after. A killed run is run again as it was.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from habitlake.clock import Interval, parse_date
from habitlake.job import JobContext, run_job
from habitlake.simulator.world import release_nights, shard_days, simulate_nights


@contextmanager
def progress_bar(interval: Interval, people: int) -> Iterator[Callable[[date], None]]:
    """Show a bar on standard error where a person is looking; yield what to call after each day of each shard."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"{people:,} people", total=shard_days(interval, people))

        def lived(day: date) -> None:
            bar.update(task, advance=1, description=f"{people:,} people, {day}")

        yield lived


def run(context: JobContext) -> Mapping[str, object]:
    """Simulate the interval, or release what was held."""
    settings, options = context.settings, context.options
    if options.release:
        return {"released": [str(night) for night in release_nights(settings)]}
    people = settings.people if options.people is None else options.people
    with progress_bar(context.interval, people) as progress:
        summary = simulate_nights(
            settings,
            context.interval,
            people=people,
            dirt=settings.dirt if options.dirt is None else options.dirt,
            seed=settings.seed if options.seed is None else options.seed,
            progress=progress,
            hold=[parse_date(night) for night in options.hold],
        )
    return {"lines": summary.lines, "sessions": summary.sessions, "reached": summary.reached}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, help="how many people; default HABITLAKE_PEOPLE")
    parser.add_argument(
        "--dirt", type=float, help="share of events damaged, repeated or delayed; default HABITLAKE_DIRT"
    )
    parser.add_argument("--seed", type=int, help="seed of the world; default HABITLAKE_SEED")
    parser.add_argument(
        "--hold", action="append", default=[], metavar="DATE", help="a night that does not land yet; may be repeated"
    )
    parser.add_argument("--release", action="store_true", help="land the held nights now, and simulate nothing")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("simulator", run, description=__doc__ or "", argv=argv, add_arguments=_arguments, lock=False)


if __name__ == "__main__":
    sys.exit(main())
