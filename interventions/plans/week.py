"""On which days of the week to train: the best set of weekdays of each person, many people at once; pure."""

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from interventions.goals.model import Floats

DAYS = 7
# A day on which the person said they have no time is taken only when there are not enough others.
UNAVAILABLE = -10.0
# What a rest day between two sessions is worth, as a difference of success rates.
SPACING = 0.15


@cache
def day_sets(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return every set of ``count`` weekdays as rows of 0 and 1, and what its rest days are worth."""
    chosen = list(combinations(range(DAYS), count))
    sets = np.zeros((len(chosen), DAYS))
    for row, days in enumerate(chosen):
        sets[row, list(days)] = 1.0
    neighbours = (sets * np.roll(sets, 1, axis=1)).sum(axis=1) if count < DAYS else np.zeros(len(chosen))
    return sets, -SPACING * neighbours


def best_days(counts: NDArray[np.int64], rates: Floats, free: NDArray[np.bool_], ties: Floats) -> NDArray[np.bool_]:
    """Return per person (rows) the weekdays, Monday first, on which to train.

    Of all sets with as many days as there are sessions it is the one of the greatest sum of success rates and rest
    days, so a person's own days come before an even spread, and that before days without time.

    Parameters
    ----------
    counts
        Sessions of the week, 0 to 7.
    rates
        Success rate by weekday, 0 to 1.
    free
        Whether the person has time on the weekday.
    ties
        A small number by weekday that decides between equals.
    """
    value = rates + ties + np.where(free, 0.0, UNAVAILABLE)
    chosen = np.zeros(rates.shape, dtype=bool)
    for count in range(1, DAYS + 1):
        rows = counts == count
        if rows.any():
            sets, rest = day_sets(count)
            chosen[rows] = sets[(value[rows] @ sets.T + rest).argmax(axis=1)] > 0
    return chosen
