"""The simulated world's own forecast of a label: what comes of people's true states on the night, over many futures.

The days that were are lived again in memory (each draw is of a counter, so they are the same days). From the end of an
as-of date on, people live the coming week many times, with draws of other seeds: their sleep, their weather, their luck.
The share of those weeks in which the label holds is the best that can be said on the night by whoever sees into people
and knows the world's rules.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.settings import Settings
from habitlake.simulator.day import Day, live
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import State, Traits, initial_state, make_traits
from habitlake.simulator.received import received

DAYS = 7
FUTURES = 200
FloatArray = NDArray[np.float64]
Counts = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Weeks:
    """Of each person in each future of a week: sessions, workouts planned, days with any sign of use."""

    completed: Counts
    planned: Counts
    present: Counts


class World:
    """People of a simulated world, lived again from its first day on."""

    def __init__(self, settings: Settings) -> None:
        record = json.loads((settings.home / "simulator" / "world.json").read_text())
        self.settings, self.seed = settings, int(record["seed"])
        self.first, self.last = (date.fromisoformat(record[end]) for end in ("first", "last"))
        self.traits: Traits = make_traits(self.seed, 0, record["people"])
        self.state: State = initial_state(self.seed, self.traits)
        self.actions: dict[date, list[str | None]] = {}

    def day(self, day: date, state: State, seed: int) -> Day:
        """Let everybody live a day with the draws of a seed and the messages that they received; changes the state."""
        index = (day - self.first).days
        if day not in self.actions:
            held = received(day, self.settings) if day <= self.last else {}
            users = (held.get(f"u{person:07d}") for person in self.traits.person)
            self.actions[day] = [found.action if found else None for found in users]
        return live(seed, index, LocalDay(seed, index, day), self.traits, state, self.actions[day])

    def weeks(self, day: date, plans_tomorrow: NDArray[np.bool_], futures: int) -> Weeks:
        """Return the week after a day, whose end is the state, in so many futures."""
        shape = (len(self.traits.person), futures)
        completed, planned, present = (np.zeros(shape, dtype=np.int8) for _ in range(3))
        for future in range(futures):
            state = State(**{name: values.copy() for name, values in self.state.arrays().items()})  # type: ignore[arg-type]
            planned_next = plans_tomorrow
            for ahead in range(1, DAYS + 1):
                happened = self.day(day + timedelta(days=ahead), state, self.seed + 1 + future)
                completed[:, future] += happened.session
                planned[:, future] += planned_next
                present[:, future] += happened.present
                planned_next = happened.plans_tomorrow
        return Weeks(completed, planned, present)


@lru_cache(maxsize=1)
def weeks_after(dates: tuple[date, ...], settings: Settings, futures: int = FUTURES) -> dict[date, Weeks]:
    """Return the futures of everybody after each of the dates."""
    world, found = World(settings), {}
    for number in range((max(dates) - world.first).days + 1):
        day = world.first + timedelta(days=number)
        happened = world.day(day, world.state, world.seed)
        if day in dates:
            found[day] = world.weeks(day, happened.plans_tomorrow, futures)
    return found


def forecast(rows: pl.DataFrame, label: pl.Expr, settings: Settings, futures: int = FUTURES) -> FloatArray:
    """Return per row in which share of the futures the label holds, of those in which it can be known.

    Parameters
    ----------
    rows
        user_id, as_of_date, sessions_28d.
    label
        Over sums of the first week after the as-of date (``models.lifecycle.outcomes``) and sessions_28d.
    """
    result = np.full(rows.height, np.nan)
    numbered = rows.with_row_index("row").with_columns(person=pl.col("user_id").str.slice(1).cast(pl.Int64))
    found = weeks_after(tuple(rows["as_of_date"].unique().sort()), settings, futures)
    for (day,), own in numbered.group_by("as_of_date"):
        weeks, person = found[day], own["person"].to_numpy()  # type: ignore[index]
        lived = pl.DataFrame(
            {
                "row": np.repeat(own["row"].to_numpy(), futures),
                "sessions_28d": np.repeat(own["sessions_28d"].to_numpy(), futures),
                "workouts_planned_1": weeks.planned[person].ravel(),
                "workouts_completed_1": weeks.completed[person].ravel(),
                "events_1": weeks.present[person].ravel(),
            }
        )
        shares = lived.group_by("row").agg(label.mean().alias("share"))
        result[shares["row"].to_numpy()] = shares["share"].fill_null(float("nan")).to_numpy()
    # Whoever has left in every future is not to be seen again; the label is then never known.
    return np.nan_to_num(result, nan=float(np.nanmean(result)))
