"""Job: the best windows for a workout on each person's next three local dates, into gold.workout_windows and gold.user_windows.

    python -m models.windows.score --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.user_sequence, gold.context_patterns, gold.user_day, gold.user_day_context, silver.profiles
and silver.weather as known on each night; replaces each night of both. The population's parameters are estimated from
the night's people, so nothing is trained or kept, and a night scored again is the same.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl
import pyarrow as pa

from habitlake.clock import Interval
from habitlake.job import JobContext, Summary, run_job
from habitlake.lake import replace_nights_stream
from habitlake.settings import Settings
from models.windows.config import CONFIG
from models.windows.inputs import as_arrays, read_people
from models.windows.population import Population, fit_population
from models.windows.rows import RECORDS, TABLE, record_rows, window_rows
from models.windows.weather import Weather, read_weather
from models.windows.windows import score_windows

PEOPLE_PER_CHUNK = 25_000


def prior_sample(people: pl.DataFrame) -> pl.DataFrame:
    """Return the people from whom the population's parameters are estimated: every k-th, so that they come from everywhere."""
    return people.gather_every(max(1, -(-people.height // CONFIG.prior_people)))


def rows_of(people: pl.DataFrame, population: Population, weather: Weather, night: date) -> Iterator[pl.DataFrame]:
    """Yield the rows of gold.workout_windows of the people, chunk by chunk, in their order."""
    for chunk in people.iter_slices(PEOPLE_PER_CHUNK):
        arrays = as_arrays(chunk)
        yield window_rows(arrays, score_windows(arrays, population, weather), night)


def write_windows(night: date, settings: Settings) -> int:
    """Write the night's windows, and the record of them that the app reads; return how many windows."""
    people = read_people(night, settings)
    if people.height:
        population = fit_population(as_arrays(prior_sample(people)))
        weather = read_weather(night, people, settings)

    records: list[pl.DataFrame] = []

    def tables() -> Iterator[pa.Table]:
        # Each attempt to commit starts anew.
        records.clear()
        if people.height:
            for rows in rows_of(people, population, weather, night):
                records.append(record_rows(rows, night))
                yield rows.to_arrow()

    nights = Interval(night, night)
    written = replace_nights_stream(tables, TABLE, nights, settings)
    replace_nights_stream(lambda: (part.to_arrow() for part in records), RECORDS, nights, settings)
    return written


def run(context: JobContext) -> Summary:
    """Score every night of the interval."""
    return {"rows": sum(write_windows(night, context.settings) for night in context.interval.nights())}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("models.windows", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
