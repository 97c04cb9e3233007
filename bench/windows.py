"""The context windows beside the simulated world's own probabilities, with and without its weather forecast.

People live through the simulator's days in memory. What a night would know of them goes to the platform's own functions, and
the windows of the three dates that follow are compared with the truth: the part of the day in which a session of the person
is most likely, and the true probability of a session had the day's workout been meant for the window's part of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.foreseen import Foreseen, foreseen, weather_of
from bench.lived import known_people, live_day, true_probability
from habitlake.simulator.day import Day
from habitlake.simulator.people import GENDERS, LEVELS, Traits, initial_state, make_traits
from models.windows.config import CONFIG
from models.windows.effects import Floats
from models.windows.inputs import People
from models.windows.population import fit_population
from models.windows.windows import Windows, score_windows

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


def _error(predicted: Floats, found: Floats) -> float:
    """Return the mean distance of predicted from found means over bins of equal size."""
    bins = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    distances = [abs(predicted[rows].mean() - found[rows].mean()) * len(rows) for rows in bins]
    return float(sum(distances) / len(predicted))


def compare(seed: int, people: int, nights: int) -> tuple[Found, Found, Foreseen]:
    """Let people live, score the last night, and compare its windows with the days that follow.

    Returns
    -------
    tuple
        What was found with the world's forecast, without it, and what the forecast changed.
    """
    traits = make_traits(seed, 0, people)
    state = initial_state(seed, traits)
    lived = [live_day(seed, index, traits, state) for index in range(nights)]
    known = known_people(traits, lived)
    unstated = replace(known, prefers=np.zeros_like(known.prefers))
    populations = fit_population(known), fit_population(unstated)
    later = [live_day(seed, nights + number, traits, state) for number in range(1 + CONFIG.days_ahead)][1:]
    enough = np.sum([one.day.session for one in lived], axis=0) >= ENOUGH_SESSIONS
    found, scored = [], []
    for weather in weather_of(seed, known, lived):
        windows = score_windows(known, populations[0], weather)
        unaided = score_windows(unstated, populations[1], weather)
        found.append(_found(traits, known, windows, unaided, [one.day for one in later], enough))
        scored.append(windows)
    return found[0], found[1], foreseen(traits, scored[0], scored[1], later)


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
        true.append(true_probability(traits, day, part)[here].ravel())
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
