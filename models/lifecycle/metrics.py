"""Figures of a prediction, each with an interval by bootstrap over people.

A resample of people is a weight per row (how often the row's person was drawn), so that every figure is computed for
many resamples at once, after sorting once.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
LabelArray = NDArray[np.int64] | FloatArray
ECE_BINS = 10
INTERVAL = (2.5, 97.5)
# Standard errors on either side of an estimate that its 95 % interval reaches.
Z_95 = 1.959964
# Resamples times rows that are held in memory at once.
CELLS = 4_000_000
# Takes label, score and weights (resamples x rows); returns a figure per resample.
Metric = Callable[[LabelArray, FloatArray, FloatArray], FloatArray]


def _mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _auc(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    sorted_weights = weights[:, order]
    # Sums per group of tied scores; a tie counts half.
    positives = np.add.reduceat(sorted_weights * label[order], starts, axis=1)
    negatives = np.add.reduceat(sorted_weights * (1 - label[order]), starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    ranked = (positives * (below + negatives / 2)).sum(axis=1)
    return np.divide(ranked, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def _accuracy(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    return _mean(((score >= 0.5) == (label == 1)).astype(np.float64), weights)


def _f1(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    called, true = score >= 0.5, label == 1
    hits = weights @ (called & true).astype(np.float64)
    return np.asarray(2 * hits / np.maximum(weights @ (called.astype(np.float64) + true), 1.0))


def _brier(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    return _mean((score - label) ** 2, weights)


def _ece(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    order = np.argsort(score, kind="stable")
    sorted_weights = weights[:, order]
    upto, total = np.cumsum(sorted_weights, axis=1), sorted_weights.sum(axis=1, keepdims=True)
    # A row belongs to the bin in which the middle of its weight lies.
    place = np.minimum((ECE_BINS * (upto - sorted_weights / 2) / total).astype(np.int64), ECE_BINS - 1)
    cells = place + ECE_BINS * np.arange(len(weights))[:, None]
    gaps = np.bincount(
        cells.ravel(), (sorted_weights * (score - label)[order]).ravel(), minlength=ECE_BINS * len(weights)
    )
    return np.asarray(np.abs(gaps).reshape(len(weights), ECE_BINS).sum(axis=1) / total[:, 0])


def _mae(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    return _mean(np.abs(score - label), weights)


def _rmse(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    return np.sqrt(_brier(label, score, weights))


def _r2(label: LabelArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    spread = _mean(label.astype(np.float64) ** 2, weights) - _mean(label.astype(np.float64), weights) ** 2
    return np.asarray(1 - _brier(label, score, weights) / np.maximum(spread, 1e-12))


EVENT_METRICS: dict[str, Metric] = {"auc": _auc, "accuracy": _accuracy, "f1": _f1, "brier": _brier, "ece": _ece}
AMOUNT_METRICS: dict[str, Metric] = {"mae": _mae, "rmse": _rmse, "r2": _r2}
METRICS: dict[str, Metric] = {**EVENT_METRICS, **AMOUNT_METRICS}
LOWER_IS_BETTER = frozenset({"brier", "ece", "mae", "rmse"})
# A sum of absolute gaps: resampling makes the gaps noisier and so the sum larger, to where the value itself lies outside.
BIASED = frozenset({"ece"})


def value(metric: str, label: LabelArray, score: FloatArray) -> float:
    """Return a figure over all rows."""
    return float(METRICS[metric](label, score, np.ones((1, len(label))))[0])


# AUC by ranks (Mann-Whitney), ties counted half, NaN with one class.
auc = partial(value, "auc")
# Share of right calls at 0.5.
accuracy = partial(value, "accuracy")
# F1 at 0.5; 0 when nothing is called positive.
f1 = partial(value, "f1")
# Mean squared error of the probability.
brier = partial(value, "brier")
# Expected calibration error over 10 bins of equal size.
ece = partial(value, "ece")


def _resamples(users: NDArray[np.str_], samples: int, seed: int) -> Iterator[FloatArray]:
    """Yield weights of the rows, some resamples at a time: people are drawn, each with all of their rows."""
    _, person = np.unique(users, return_inverse=True)
    people = int(person.max()) + 1
    drawn = np.random.default_rng(seed).integers(0, people, (samples, people))
    step = max(1, CELLS // len(users))
    for first in range(0, samples, step):
        part = drawn[first : first + step]
        cells = part + people * np.arange(len(part))[:, None]
        counts = np.bincount(cells.ravel(), minlength=people * len(part)).reshape(len(part), people)
        yield counts[:, person].astype(np.float64)


def _interval(found: float, spread: FloatArray, *, biased: bool = False) -> list[float]:
    """Return the value and the ends of its percentile interval, less what resampling adds where that is biased."""
    low, high = np.nanpercentile(spread, INTERVAL) - (np.nanmean(spread) - found if biased else 0.0)
    return [round(float(one), 4) for one in (found, max(low, 0.0) if biased else low, high)]


def figures(
    label: LabelArray,
    scores: dict[str, FloatArray],
    users: NDArray[np.str_],
    samples: int,
    seed: int,
    metrics: dict[str, Metric] = EVENT_METRICS,
) -> dict[str, dict[str, list[float]]]:
    """Return per score and metric: value, lower and upper end of the 95 % interval."""
    spreads: dict[tuple[str, str], list[FloatArray]] = {}
    for weights in _resamples(users, samples, seed):
        for name, score in scores.items():
            for metric, function in metrics.items():
                spreads.setdefault((name, metric), []).append(function(label, score, weights))
    return {
        name: {
            metric: _interval(
                value(metric, label, score), np.concatenate(spreads[name, metric]), biased=metric in BIASED
            )
            for metric in metrics
        }
        for name, score in scores.items()
    }


def advantage(
    label: LabelArray,
    better: FloatArray,
    other: FloatArray,
    users: NDArray[np.str_],
    samples: int,
    seed: int,
    metric: str = "auc",
) -> list[float]:
    """Return by how much a score beats another, above 0 where it does, with its paired 95 % interval over people."""
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    function = METRICS[metric]
    spread = np.concatenate(
        [
            sign * (function(label, better, weights) - function(label, other, weights))
            for weights in _resamples(users, samples, seed)
        ]
    )
    return _interval(sign * (value(metric, label, better) - value(metric, label, other)), spread)
