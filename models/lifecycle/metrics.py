"""Figures of a probability: AUC, accuracy, F1, Brier, ECE, each with an interval by bootstrap over people."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ECE_BINS = 10
INTERVAL = (2.5, 97.5)


def auc(label: IntArray, score: FloatArray) -> float:
    """Return the area under the ROC curve by ranks (Mann-Whitney), ties counted half; NaN with one class."""
    positives = int(label.sum())
    negatives = len(label) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    return float((rankdata(score)[label == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def accuracy(label: IntArray, score: FloatArray) -> float:
    """Return the share of right calls at 0.5."""
    return float(((score >= 0.5) == (label == 1)).mean())


def f1(label: IntArray, score: FloatArray) -> float:
    """Return the F1 score at 0.5; 0 when nothing is called positive."""
    called = score >= 0.5
    hits = float((called & (label == 1)).sum())
    return 2 * hits / max(float(called.sum() + (label == 1).sum()), 1.0)


def brier(label: IntArray, score: FloatArray) -> float:
    """Return the mean squared error of the probability."""
    return float(((score - label) ** 2).mean())


def ece(label: IntArray, score: FloatArray) -> float:
    """Return the expected calibration error over 10 bins of equal size."""
    order = np.argsort(score, kind="stable")
    total = 0.0
    for part in np.array_split(order, ECE_BINS):
        if len(part):
            total += len(part) * abs(score[part].mean() - label[part].mean())
    return float(total / len(label))


METRICS: dict[str, Callable[[IntArray, FloatArray], float]] = {
    "auc": auc,
    "accuracy": accuracy,
    "f1": f1,
    "brier": brier,
    "ece": ece,
}


def _resamples(users: NDArray[np.str_], samples: int, seed: int) -> list[IntArray]:
    """Return row indices of each bootstrap sample: people are drawn, each with all of their rows."""
    _, person = np.unique(users, return_inverse=True)
    order = np.argsort(person, kind="stable")
    bounds = np.searchsorted(person[order], np.arange(person.max() + 2))
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, person.max() + 1, (samples, person.max() + 1))
    return [np.concatenate([order[bounds[who] : bounds[who + 1]] for who in sample]) for sample in drawn]


def figures(
    label: IntArray, scores: dict[str, FloatArray], users: NDArray[np.str_], samples: int, seed: int
) -> dict[str, dict[str, list[float]]]:
    """Return per score and metric: value, lower and upper end of the 95 % interval."""
    resamples = _resamples(users, samples, seed)
    result: dict[str, dict[str, list[float]]] = {}
    for name, score in scores.items():
        result[name] = {}
        for metric, function in METRICS.items():
            spread = np.array([function(label[rows], score[rows]) for rows in resamples])
            low, high = np.nanpercentile(spread, INTERVAL)
            result[name][metric] = [round(float(value), 4) for value in (function(label, score), low, high)]
    return result


def auc_difference(
    label: IntArray, better: FloatArray, other: FloatArray, users: NDArray[np.str_], samples: int, seed: int
) -> list[float]:
    """Return AUC(better) - AUC(other) with its paired 95 % interval by bootstrap over people."""
    spread = np.array(
        [auc(label[rows], better[rows]) - auc(label[rows], other[rows]) for rows in _resamples(users, samples, seed)]
    )
    low, high = np.nanpercentile(spread, INTERVAL)
    return [round(float(value), 4) for value in (auc(label, better) - auc(label, other), low, high)]
