"""The context windows beside the simulated world's own probabilities.

People live through the simulator's days in memory. What a night would know of them goes to the platform's own functions, and
the windows of the three dates that follow are compared with the truth: the part of the day in which a session of the person
is most likely, and the true probability of a session had the day's workout been meant for the window's part of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.simulator.day import Day, live
from habitlake.simulator.draws import uniform
from habitlake.simulator.events import JITTER
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import (
    GENDERS,
    LEVELS,
    SLOT_HOURS,
    SLOTS,
    ZONES,
    State,
    Traits,
    initial_state,
    make_traits,
    zone_today,
)
from habitlake.simulator.truth import COLD_BELOW_F, HOT_ABOVE_F
from models.windows.config import BANDS, CONFIG, HOURS
from models.windows.effects import Floats
from models.windows.inputs import AVAILABLE, NOT_AVAILABLE, People
from models.windows.population import fit_population, weather_shares
from models.windows.windows import Windows, score_windows

FIRST = date(2026, 1, 1)
EPOCH = date(1970, 1, 1)
SEQUENCE_DAYS, ATTEMPT_DAYS = 30, 90
ENOUGH_SESSIONS = 20
BINS = 10
AGES = (30, 50)
SHOWN = {
    "people": "people with 20 sessions or more",
    "top_three": "true best part of the day in the top three",
    "first": "true best part of the day first",
    "top_three_unstated": "in the top three where nobody states a preference",
    "first_unstated": "first where nobody states a preference",
    "first_stated": "the stated part of the day is the best",
    "first_raw": "the part of the day of the greatest rate is the best",
    "predicted": "mean probability of all windows, predicted",
    "true": "mean probability of all windows, true",
    "error": "calibration error to the truth",
    "session_error": "calibration error to the sessions that followed",
    "recommended": "mean probability of recommended windows, predicted",
    "recommended_true": "mean probability of recommended windows, true",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What one world showed: shares of people, calibration errors, and mean probabilities of recommended windows.

    ``top_three``, ``first`` and the rivals are of people with 20 sessions or more; ``error`` is the mean distance of
    predicted from true probability over ten bins of equal size, ``session_error`` that from what happened on the days.
    ``gaps`` is by how much the prediction is above the truth on average, by group of people.
    """

    people: int
    top_three: float
    first: float
    top_three_unstated: float
    first_unstated: float
    first_stated: float
    first_raw: float
    predicted: float
    true: float
    error: float
    session_error: float
    recommended: float
    recommended_true: float
    gaps: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Lived:
    """A day as lived: what happened, and the zone, weather band and reports of each person."""

    day: Day
    zone: NDArray[np.int64]
    band: NDArray[np.int64]
    reports: NDArray[np.bool_]
    stress: Floats
    energy: Floats


def _live(seed: int, index: int, traits: Traits, state: State) -> _Lived:
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
    return _Lived(happened, zone, band[zone], reports, state.stress.copy(), state.energy.copy())


def _counts(lived: Sequence[_Lived], group: Sequence[NDArray[np.int64]], size: int) -> tuple[Floats, Floats]:
    """Return attempts and completed ones of people by the group that each day's attempt belongs to."""
    attempts, completed = (np.zeros((len(group[0]), size)) for _ in range(2))
    rows = np.arange(len(group[0]))
    for one, level in zip(lived, group, strict=True):
        attempts[rows, level] += one.day.session | one.day.skipped
        completed[rows, level] += one.day.session
    return attempts, completed


def known_people(traits: Traits, lived: Sequence[_Lived]) -> People:
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


def zone_weather(people: People) -> dict[str, Floats]:
    """Return how likely each weather band is by zone, from the attempts of the zone's people."""
    zones = people.zone.to_numpy()
    return weather_shares({zone: people.band_attempts[zones == zone].sum(axis=0) for zone in sorted(set(zones))})


def _true_probability(traits: Traits, day: Day, part: NDArray[np.int64]) -> Floats:
    """Return the probability of a session on the day had it been meant for each of the parts (people, ranks)."""
    rows = np.arange(len(traits.person))
    odds = day.probability_unsent / np.maximum(1 - day.probability_unsent, 1e-12)
    change = np.take_along_axis(traits.slot_effects, part, axis=1) - traits.slot_effects[rows, day.slot][:, None]
    odds = odds[:, None] * np.exp(change)
    return np.asarray(odds / (1 + odds))


def _error(predicted: Floats, found: Floats) -> float:
    """Return the mean distance of predicted from found means over bins of equal size."""
    bins = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    distances = [abs(predicted[rows].mean() - found[rows].mean()) * len(rows) for rows in bins]
    return float(sum(distances) / len(predicted))


def compare(seed: int, people: int, nights: int) -> Found:
    """Let people live, score the last night, and compare its windows with the days that follow."""
    traits = make_traits(seed, 0, people)
    state = initial_state(seed, traits)
    lived = [_live(seed, index, traits, state) for index in range(nights)]
    known = known_people(traits, lived)
    weather = zone_weather(known)
    windows = score_windows(known, fit_population(known), weather)
    unstated = replace(known, prefers=np.zeros_like(known.prefers))
    unaided = score_windows(unstated, fit_population(unstated), weather)
    later = [_live(seed, nights + number, traits, state) for number in range(1 + CONFIG.days_ahead)][1:]
    enough = np.sum([one.day.session for one in lived], axis=0) >= ENOUGH_SESSIONS
    return _found(traits, known, windows, unaided, [one.day for one in later], enough)


def _found(
    traits: Traits, known: People, windows: Windows, unaided: Windows, days: Sequence[Day], enough: NDArray[np.bool_]
) -> Found:
    # The simulator names the parts of the day in the same order.
    best = traits.best_slot
    tried = known.part_attempts >= CONFIG.min_attempts
    raw = np.where(tried, known.part_completed / np.maximum(known.part_attempts, 1), -1).argmax(axis=1)
    predicted, true, persons, meant, happened = [], [], [], [], []
    for number, day in enumerate(days):
        here, part = day.present, windows.part[:, number]
        predicted.append(windows.probability[here, number].ravel())
        true.append(_true_probability(traits, day, part)[here].ravel())
        persons.append(np.repeat(np.flatnonzero(here), part.shape[1]))
        rows, ranks = np.nonzero((part == day.slot[:, None]) & here[:, None])
        meant.append(windows.probability[rows, number, ranks])
        happened.append(day.session[rows].astype(np.float64))
    predictions, truths = np.concatenate(predicted), np.concatenate(true)
    chosen = predictions > CONFIG.recommended_above
    return Found(
        people=int(enough.sum()),
        top_three=float((windows.part[enough, 0] == best[enough, None]).any(axis=1).mean()),
        first=float((windows.part[enough, 0, 0] == best[enough]).mean()),
        top_three_unstated=float((unaided.part[enough, 0] == best[enough, None]).any(axis=1).mean()),
        first_unstated=float((unaided.part[enough, 0, 0] == best[enough]).mean()),
        first_stated=float((traits.slot[enough] == best[enough]).mean()),
        first_raw=float((raw[enough] == best[enough]).mean()),
        predicted=float(predictions.mean()),
        true=float(truths.mean()),
        error=_error(predictions, truths),
        session_error=_error(np.concatenate(meant), np.concatenate(happened)),
        recommended=float(predictions[chosen].mean()),
        recommended_true=float(truths[chosen].mean()),
        gaps={
            name: float((predictions - truths)[group[np.concatenate(persons)]].mean())
            for name, group in groups(traits).items()
        },
    )


def groups(traits: Traits) -> dict[str, NDArray[np.bool_]]:
    """Return who belongs to which age band, gender and fitness level."""
    middle, old = AGES
    return {
        f"under {middle}": traits.age < middle,
        f"{middle} to {old - 1}": (traits.age >= middle) & (traits.age < old),
        f"{old} and over": traits.age >= old,
        **{name: traits.gender == number for number, name in enumerate(GENDERS)},
        **{name: traits.level == number for number, name in enumerate(LEVELS)},
    }
