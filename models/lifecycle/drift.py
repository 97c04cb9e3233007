"""How far the people of a night are from those of the night on which a model was trained, feature by feature.

The population stability index (PSI) is above 0 by chance alone: without drift, PSI / (1/n + 1/m) follows chi-square with
one degree of freedom less than there are bins (Yurdakul and Naranjo 2020). A feature has not drifted where chance explains
its index, and else by what is left of it when the mean of chance is taken off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

BINS = 10
# How often any feature of a model goes beyond chance in any night of a quiet week, at most (Bonferroni).
QUIET_WEEK = 0.01
WEEK_NIGHTS = 7
# They grow with the days that a person is known, whatever happens: no drift.
GROWING = frozenset({"days_since_first_event", "observed_days_28d", "streak_length_longest"})


def shares(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.float64]:
    """Return the shares of the bins between the edges and, last, of missing values; half a person in each is added."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    people = np.append(counts, len(values) - len(known)) + 0.5
    return np.asarray(people / people.sum())


def _values(rows: pl.DataFrame, feature: str) -> NDArray[np.float64]:
    return rows[feature].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def reference(rows: pl.DataFrame, features: Sequence[str]) -> dict[str, Any]:
    """Return what drift is measured against: bins of each feature with their shares, and how many people.

    Parameters
    ----------
    rows
        One row per person.
    """
    found = {}
    for name in features:
        values = _values(rows, name)
        known = values[~np.isnan(values)]
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)).tolist() if len(known) else []
        found[name] = {"edges": edges, "shares": shares(values, edges).tolist()}
    return {"people": max(rows.height, 1), "features": found}


def psi(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Return the population stability index of two lists of shares."""
    return float(((found - expected) * np.log(found / expected)).sum())


def drift(rows: pl.DataFrame, known: Mapping[str, Any]) -> dict[str, float]:
    """Return per feature the PSI beyond chance of the people of a night, one row each; 0 where chance explains it."""
    from scipy.stats import chi2

    scores = {}
    level = 1 - QUIET_WEEK / (WEEK_NIGHTS * max(len(known["features"]), 1))
    spread = 1 / known["people"] + 1 / max(rows.height, 1)
    for name, bins in known["features"].items():
        if name in GROWING:
            continue
        expected = np.array(bins["shares"])
        found, freedom = psi(expected, shares(_values(rows, name), bins["edges"])), len(expected) - 1
        beyond = found > float(chi2.ppf(level, freedom)) * spread
        scores[name] = max(0.0, found - freedom * spread) if beyond else 0.0
    return scores


def missing(rows: pl.DataFrame, known: Mapping[str, Any]) -> dict[str, float]:
    """Return per feature by how much the share of people without a value exceeds that of the training."""
    return {
        name: float(rows[name].is_null().mean() or 0.0) - bins["shares"][-1] for name, bins in known["features"].items()
    }
