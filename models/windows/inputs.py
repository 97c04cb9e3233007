"""What a night knows of people, as one frame and as arrays."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from habitlake.clock import Interval, first_day_after
from habitlake.lake import scan_table
from habitlake.settings import Settings
from models.windows.config import BANDS, CONFIG, HOURS, PART_NAMES, PARTS, WEEKDAYS
from models.windows.effects import Floats

UNKNOWN, NOT_AVAILABLE, AVAILABLE = 0, 1, 2
CLOCK_TIME = re.compile(r"(\d{1,2}):\d{2}(?:\s*-\s*(\d{1,2}):\d{2})?")
CHANNELS = ("sessions", "planned", "observed", "stress", "energy")
MINUTES_PER_DAY = 1440


@dataclass(frozen=True, slots=True)
class People:
    """Arrays alike: one row per person, sorted by user.

    ``first_date`` is the first local date that a window is for, as days since 1970; ``sessions``, ``planned`` and
    ``observed`` say of each of the last complete local days whether there was one, ``stress`` and ``energy`` are NaN
    without a report. ``planned_ahead`` says of each date that windows are for whether a workout is planned. ``usual_hour``
    is the mean hour of starting in each part of the day, NaN without a completed one.
    """

    users: pl.Series
    zone: pl.Series
    as_of: NDArray[np.int64]
    first_date: NDArray[np.int64]
    sessions: NDArray[np.bool_]
    planned: NDArray[np.bool_]
    observed: NDArray[np.bool_]
    planned_ahead: NDArray[np.bool_]
    injured: NDArray[np.bool_]
    stress: Floats
    energy: Floats
    part_attempts: Floats
    part_completed: Floats
    band_attempts: Floats
    band_completed: Floats
    usual_hour: Floats
    prefers: NDArray[np.bool_]
    available: NDArray[np.int64]
    stated_hours: NDArray[np.bool_]

    @property
    def weekdays(self) -> NDArray[np.int64]:
        """Weekday of each day of the sequence, 0 is Monday."""
        days = self.sessions.shape[1]
        return weekdays_of(self.as_of[:, None] - np.arange(days)[::-1])


def weekdays_of(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the weekdays, 0 is Monday, of dates given as days since 1970, whose first of January was a Thursday."""
    return np.asarray((days + 3) % len(WEEKDAYS))


def stated_schedule(text: str | None) -> tuple[list[int], list[list[bool]]]:
    """Return what a schedule says of each weekday: whether it is available, and at which of ``HOURS``.

    Time slots are clock times (``7:00``: that hour), ranges (``17:00-20:00``) or parts of the day; a weekday without any
    that is understood has all hours.
    """
    stated: Any = None
    try:
        stated = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        stated = None
    stated = {str(day).lower(): value for day, value in stated.items()} if isinstance(stated, dict) else {}
    available, hours = [], []
    for weekday in WEEKDAYS:
        entry = stated.get(weekday)
        entry = entry if isinstance(entry, dict) else {}
        said, slots = entry.get("available"), entry.get("timeSlots")
        slots = slots if isinstance(slots, list) else []
        named = {hour for slot in slots for hour in _hours_of(slot)}
        available.append(
            AVAILABLE if said is True or (said is None and named) else NOT_AVAILABLE if said is False else UNKNOWN
        )
        hours.append([hour in named or not named for hour in HOURS])
    return available, hours


def _hours_of(slot: object) -> Sequence[int]:
    if not isinstance(slot, str):
        return ()
    words = slot.strip().lower()
    match = CLOCK_TIME.fullmatch(words)
    if match:
        return range(int(match[1]), int(match[2]) if match[2] else int(match[1]) + 1)
    return PARTS.get(words.replace(" ", "_"), ())


def first_dates(night: date, zones: pl.Series) -> pl.DataFrame:
    """Return per zone the first local date that starts at or after the night's end."""
    names = zones.unique().sort().to_list()
    return pl.DataFrame(
        {"time_zone": names, "first_date": [first_day_after(night, name) for name in names]},
        schema={"time_zone": pl.String, "first_date": pl.Date},
    )


def _counts(night: date, settings: Settings) -> pl.LazyFrame:
    """Return per user the attempts and completed ones of 90 days by part of the day and by weather band."""
    sums = {
        f"{count}_{value}": pl.col(count).filter(pl.col(dimension) == value).sum()
        for dimension, values in (("time_slot", PART_NAMES), ("weather_band", BANDS))
        for value in values
        for count in ("attempts", "completed")
    }
    return (
        scan_table("gold.context_patterns", settings, Interval(night, night))
        .filter(pl.col("dimension").is_in(["time_slot", "weather_band"]))
        .group_by("user_id")
        .agg(**sums)
    )


def _usual_hours(ledger: pl.LazyFrame) -> pl.LazyFrame:
    """Return per user the mean minute of starting by part of the day: the mean direction on the 24-hour circle."""
    minutes = {
        f"minute_{part}": (
            pl.arctan2(
                pl.col("start_sin_permille").filter(pl.col("time_slot") == part).sum().cast(pl.Float64),
                pl.col("start_cos_permille").filter(pl.col("time_slot") == part).sum().cast(pl.Float64),
            )
            * (MINUTES_PER_DAY / (2 * math.pi))
            % MINUTES_PER_DAY
        )
        for part in PART_NAMES
    }
    done = {f"done_{part}": pl.col("completed").filter(pl.col("time_slot") == part).sum() for part in PART_NAMES}
    told = [pl.when(pl.col(f"done_{part}") > 0).then(f"minute_{part}").alias(f"minute_{part}") for part in PART_NAMES]
    return ledger.group_by("user_id").agg(**minutes, **done).select("user_id", *told)


def _profiles(night: date, settings: Settings) -> pl.LazyFrame:
    """Return each person's newest version known on the night."""
    return (
        scan_table("silver.profiles", settings, upto=night)
        .select("user_id", "event_at", "batch_date", "preferred_times", "schedule_json")
        .sort("user_id", "event_at", "batch_date")
        .unique("user_id", keep="last")
        .select("user_id", "preferred_times", "schedule_json")
    )


def _plans_ahead(night: date, settings: Settings) -> pl.LazyFrame:
    """Return per user the local dates after the night for which a workout is planned, as far as recent nights tell."""
    window = Interval(night - timedelta(days=CONFIG.ledger_nights - 1), night)
    return (
        scan_table("gold.user_day", settings, window)
        .filter((pl.col("local_date") > night) & (pl.col("workouts_planned") > 0))
        .group_by("user_id")
        .agg(planned_dates="local_date")
    )


def read_ledger(night: date, settings: Settings) -> pl.LazyFrame:
    """Return the entries of gold.user_day_context of the nights that tell usual hours and usual weather."""
    window = Interval(night - timedelta(days=CONFIG.ledger_nights - 1), night)
    return scan_table("gold.user_day_context", settings, window)


def read_people(night: date, settings: Settings) -> pl.DataFrame:
    """Return one row per person known on the night, by user: everything ``as_arrays`` needs."""
    nights = Interval(night, night)
    sequences = scan_table("gold.user_sequence", settings, nights).select("user_id", *CHANNELS)
    people = (
        scan_table("gold.user_features", settings, nights)
        .select("user_id", "time_zone", "as_of_date", injured=pl.col("injured").fill_null(0) == 1)
        .join(sequences, on="user_id", how="left")
        .join(_counts(night, settings), on="user_id", how="left")
        .join(_usual_hours(read_ledger(night, settings)), on="user_id", how="left")
        .join(_plans_ahead(night, settings), on="user_id", how="left")
        .join(_profiles(night, settings), on="user_id", how="left")
        .collect()
    )
    return people.join(first_dates(night, people["time_zone"]), on="time_zone", how="left").sort("user_id")


def _matrix(people: pl.DataFrame, names: Sequence[str]) -> Floats:
    return people.select(pl.col(name).cast(pl.Float64).fill_null(math.nan) for name in names).to_numpy()


def _sequence(people: pl.DataFrame, name: str) -> Floats:
    days = people[name].list.len().max()
    days = int(days) if isinstance(days, int) else 0
    filled = people[name].fill_null(pl.Series([[None] * days], dtype=pl.List(pl.Float32)))
    return (
        filled.explode(empty_as_null=False).cast(pl.Float64).fill_null(math.nan).to_numpy().reshape(people.height, days)
    )


def as_arrays(people: pl.DataFrame) -> People:
    """Return the rows of ``read_people`` as arrays."""
    sequences = {name: _sequence(people, name) for name in CHANNELS}
    schedules = people.select(pl.col("schedule_json").unique(maintain_order=True))["schedule_json"]
    stated = [stated_schedule(text) for text in schedules]
    own = (
        people.select("schedule_json")
        .join(
            pl.DataFrame({"schedule_json": schedules}).with_row_index("schedule"),
            on="schedule_json",
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )["schedule"]
        .to_numpy()
    )
    words = people["preferred_times"].explode(empty_as_null=False).drop_nulls().unique().to_list()
    named = {part: [word for word in words if set(_hours_of(word)) & set(PARTS[part])] for part in PART_NAMES}
    minutes = _matrix(people, [f"minute_{part}" for part in PART_NAMES])
    return People(
        users=people["user_id"],
        zone=people["time_zone"],
        as_of=people["as_of_date"].to_physical().to_numpy().astype(np.int64),
        first_date=people["first_date"].to_physical().to_numpy().astype(np.int64),
        sessions=sequences["sessions"] > 0,
        planned=sequences["planned"] > 0,
        observed=(sequences["observed"] > 0) | (sequences["sessions"] > 0),
        planned_ahead=people.select(
            pl.col("planned_dates")
            .list.contains(pl.col("first_date") + pl.duration(days=ahead))
            .fill_null(value=False)
            .alias(str(ahead))
            for ahead in range(CONFIG.days_ahead)
        ).to_numpy(),
        injured=people["injured"].to_numpy(),
        stress=sequences["stress"],
        energy=sequences["energy"],
        part_attempts=np.nan_to_num(_matrix(people, [f"attempts_{part}" for part in PART_NAMES])),
        part_completed=np.nan_to_num(_matrix(people, [f"completed_{part}" for part in PART_NAMES])),
        band_attempts=np.nan_to_num(_matrix(people, [f"attempts_{band}" for band in BANDS])),
        band_completed=np.nan_to_num(_matrix(people, [f"completed_{band}" for band in BANDS])),
        usual_hour=minutes / 60,
        prefers=people.select(
            pl.col("preferred_times")
            .list.eval(pl.element().is_in(named[part]))
            .list.any()
            .fill_null(value=False)
            .alias(part)
            for part in PART_NAMES
        ).to_numpy(),
        available=np.array([available for available, _ in stated], dtype=np.int64).reshape(-1, len(WEEKDAYS))[own],
        stated_hours=np.array([hours for _, hours in stated]).reshape(-1, len(WEEKDAYS), len(HOURS))[own],
    )
