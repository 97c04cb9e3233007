"""People of the simulated world who live in memory, and what a night would know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.simulator.day import Day, live
from habitlake.simulator.draws import uniform
from habitlake.simulator.events import JITTER
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import SLOT_HOURS, SLOTS, ZONES, State, Traits, zone_today
from habitlake.simulator.truth import COLD_BELOW_F, HOT_ABOVE_F
from models.windows.config import BANDS, CONFIG, HOURS
from models.windows.effects import Floats
from models.windows.inputs import AVAILABLE, NOT_AVAILABLE, People

FIRST = date(2026, 1, 1)
EPOCH = date(1970, 1, 1)
SEQUENCE_DAYS, ATTEMPT_DAYS = 30, 90


@dataclass(frozen=True, slots=True)
class Lived:
    """A day as lived: what happened, and the zone, weather band and reports of each person."""

    day: Day
    zone: NDArray[np.int64]
    band: NDArray[np.int64]
    reports: NDArray[np.bool_]
    stress: Floats
    energy: Floats


def live_day(seed: int, index: int, traits: Traits, state: State) -> Lived:
    """Let people live through day ``index`` of the world, without messages; changes ``state``."""
    local = LocalDay(seed, index, FIRST + timedelta(days=index))
    zone = zone_today(traits, state)
    happened = live(seed, index, local, traits, state, [None] * len(traits.person))
    temperature = np.array(local.temperature)
    band = np.select(
        [np.isin(local.weather, ("rain", "snow")), temperature < COLD_BELOW_F, temperature > HOT_ABOVE_F],
        [BANDS.index("wet"), BANDS.index("cold"), BANDS.index("hot")],
        default=BANDS.index("fair"),
    )
    reports = happened.present & (uniform(seed, traits.person, index, JITTER) < traits.wears)
    return Lived(happened, zone, band[zone], reports, state.stress.copy(), state.energy.copy())


def _counts(lived: Sequence[Lived], group: Sequence[NDArray[np.int64]], size: int) -> tuple[Floats, Floats]:
    """Return attempts and completed ones of people by the group that each day's attempt belongs to."""
    attempts, completed = (np.zeros((len(group[0]), size)) for _ in range(2))
    rows = np.arange(len(group[0]))
    for one, level in zip(lived, group, strict=True):
        attempts[rows, level] += one.day.session | one.day.skipped
        completed[rows, level] += one.day.session
    return attempts, completed


def known_people(traits: Traits, lived: Sequence[Lived]) -> People:
    """Return what the night after the last day knows of the people; windows are for the second day after it on."""
    recent, window, count = lived[-SEQUENCE_DAYS:], lived[-ATTEMPT_DAYS:], len(traits.person)
    as_of = (FIRST - EPOCH).days + len(lived) - 1
    parts = _counts(window, [one.day.slot for one in window], len(SLOTS))
    bands = _counts(window, [one.band for one in window], len(BANDS))
    preferred = np.arange(len(SLOTS)) == traits.slot[:, None]
    return People(
        users=pl.Series([f"u{person:07d}" for person in traits.person]),
        zone=pl.Series([ZONES[number] for number in lived[-1].zone]),
        as_of=np.full(count, as_of),
        first_date=np.full(count, as_of + 2),
        sessions=np.stack([one.day.session for one in recent], axis=1),
        planned=np.stack([one.day.planned for one in recent], axis=1),
        observed=np.stack([one.day.present for one in recent], axis=1),
        # Plans are made on the evening before, so none is known for the second day after.
        planned_ahead=np.zeros((count, CONFIG.days_ahead), dtype=np.bool_),
        injured=np.zeros(count, dtype=np.bool_),
        stress=np.stack([np.where(one.reports, one.stress, np.nan) for one in recent], axis=1),
        energy=np.stack([np.where(one.reports, one.energy, np.nan) for one in recent], axis=1),
        part_attempts=parts[0],
        part_completed=parts[1],
        band_attempts=bands[0],
        band_completed=bands[1],
        usual_hour=np.where(parts[1] > 0, np.array(SLOT_HOURS), np.nan),
        prefers=preferred,
        available=np.where(traits.schedule, AVAILABLE, NOT_AVAILABLE),
        stated_hours=np.ones((count, 7, len(HOURS)), dtype=np.bool_),
    )


def true_probability(traits: Traits, day: Day, part: NDArray[np.int64]) -> Floats:
    """Return the probability of a session on the day had it been meant for each of the parts (people, ranks)."""
    rows = np.arange(len(traits.person))
    odds = day.probability_unsent / np.maximum(1 - day.probability_unsent, 1e-12)
    change = np.take_along_axis(traits.slot_effects, part, axis=1) - traits.slot_effects[rows, day.slot][:, None]
    odds = odds[:, None] * np.exp(change)
    return np.asarray(odds / (1 + odds))
