"""Energy and stress: what a later day's report is expected to be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.windows.config import CONFIG
from models.windows.effects import DECIMALS, Floats

MAX_REPORTS = 30.0
MIDDLE_OF_SCALE = 5.5


@dataclass(frozen=True, slots=True)
class Level:
    """A daily report (energy, stress): mean of people, what the mean is worth in reports, and correlation of two days."""

    mean: float
    reports: float
    memory: float


def fit_level(reports: Floats) -> Level:
    """Return what the population says of a daily report: variances by moments, correlation of neighbouring days."""
    known = ~np.isnan(reports)
    counts = known.sum(axis=1)
    several = counts > 1
    if several.sum() < CONFIG.min_people:
        return Level(MIDDLE_OF_SCALE, MAX_REPORTS, 0.0)
    values = np.where(known, reports, 0.0)
    means = values.sum(axis=1) / np.maximum(counts, 1)
    deviations = np.where(known, values - means[:, None], 0.0)
    within = (deviations[several] ** 2).sum() / (counts[several] - 1).sum()
    between = means[several].var() - (within / counts[several]).mean()
    reports_worth = min(within / between, MAX_REPORTS) if between > 0 else MAX_REPORTS
    pairs = known[:, 1:] & known[:, :-1]
    product = (deviations[:, 1:] * deviations[:, :-1])[pairs].sum()
    square = (deviations[:, :-1] ** 2)[pairs].sum()
    memory = product / square if square > 0 else 0.0
    return Level(
        round(float(means[several].mean()), DECIMALS),
        round(float(max(reports_worth, 0.1)), DECIMALS),
        round(float(np.clip(memory, 0.0, 0.99)), DECIMALS),
    )


def own_mean(reports: Floats, level: Level) -> Floats:
    """Return each person's mean report, drawn towards the population's."""
    known = ~np.isnan(reports)
    return np.asarray(
        (np.where(known, reports, 0.0).sum(axis=1) + level.reports * level.mean) / (known.sum(axis=1) + level.reports)
    )


def expected(reports: Floats, level: Level, days_ahead: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return what a report of a later day is expected to be, (people, days ahead), and each person's mean.

    The newest report's distance from the mean fades with the days passed since it: a first-order autoregression.
    """
    known = ~np.isnan(reports)
    mean = own_mean(reports, level)
    age = np.where(known.any(axis=1), np.argmax(known[:, ::-1], axis=1), 0)
    newest = np.take_along_axis(reports, (reports.shape[1] - 1 - age)[:, None], axis=1)[:, 0]
    distance = np.where(known.any(axis=1), np.nan_to_num(newest) - mean, 0.0)
    return mean[:, None] + level.memory ** (age[:, None] + days_ahead) * distance[:, None], mean


def expected_from_day_before(reports: Floats, level: Level) -> Floats:
    """Return how far from a person's mean the report of each day is expected to be, from that of the day before."""
    distance = np.nan_to_num(reports - own_mean(reports, level)[:, None]) * level.memory
    return np.concatenate([np.zeros((len(reports), 1)), distance[:, :-1]], axis=1)
