"""What a score of days and circumstances rests on, as three factors whose shares add up to its log-odds.

A network and a kernel have no addends of their own. Their score is explained by the Shapley values (Shapley 1953) of three
factors, exactly: a factor that is left out stands at the training mean. Three, because the cost is 2 to their number in
passes over everybody, and because single days of a channel tell a reader nothing.
"""

from collections.abc import Callable, Sequence
from itertools import product
from math import factorial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.tables import FACTORS as DESCRIBED
from habitlake.tables import FEATURES as REGISTRY
from habitlake.tables.features import Group
from habitlake.tables.people import SEQUENCE_CHANNELS
from models.lifecycle.estimators import SEED, FloatArray

FACTORS = tuple(DESCRIBED)
ALL = (True, True, True)
PLANS = frozenset({"planned", "skipped", "planned_7d", "planned_next_7d", "skip_rate_30d"})
# The registry's group of the features, and the channels that belong to it.
RECOVERY_CHANNELS = frozenset({"load", "sleep_hours", "stress", "energy"})
RECOVERY = RECOVERY_CHANNELS | {feature.name for feature in REGISTRY if feature.group is Group.RECOVERY}
CHANNEL_NAMES = tuple(name for name, _ in SEQUENCE_CHANNELS)
Present = Sequence[bool]


def factor_of(name: str) -> str:
    """Return the factor that a feature or channel belongs to."""
    if name in PLANS:
        return "plans"
    return "recovery" if name in RECOVERY else "training"


def kept(names: Sequence[str], present: Present) -> FloatArray:
    """Return 1 for each name whose factor is present, else 0."""
    shown = {factor for factor, own in zip(FACTORS, present, strict=True) if own}
    return np.array([float(factor_of(name) in shown) for name in names])


def shapley(log_odds: Callable[[Present], FloatArray]) -> FloatArray:
    """Return each factor's Shapley value per row, with the log-odds of no factor as the last column.

    Parameters
    ----------
    log_odds
        The rows' log-odds when only the given factors are present. Called once for each of the 2**3 sets.

    Returns
    -------
    Rows by factors and one; a row sums to the log-odds with every factor present.
    """
    count = len(FACTORS)
    values = {present: log_odds(present) for present in product((False, True), repeat=count)}
    columns = []
    for own in range(count):
        total = np.zeros_like(values[(False,) * count])
        for present, without in values.items():
            if not present[own]:
                others = sum(present)
                weight = factorial(others) * factorial(count - others - 1) / factorial(count)
                joined = (*present[:own], True, *present[own + 1 :])
                total += weight * (values[joined] - without)
        columns.append(total)
    return np.column_stack([*columns, values[(False,) * count]])


def parts_of_people(rows: pl.DataFrame, parts: int) -> NDArray[np.int64]:
    """Return per row the part of its person, 0 to parts - 1: a person's rows stay together."""
    _, person = np.unique(rows["user_id"].to_numpy().astype(str), return_inverse=True)
    return np.asarray(person % parts, dtype=np.int64)


def thinned(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most so many of the row numbers, drawn with the seed, in their order."""
    return rows if len(rows) <= most else np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))


def logit(probability: FloatArray) -> FloatArray:
    """Return the log-odds; probabilities closer than 1e-6 to 0 or 1 are taken for that."""
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


def sigmoid(log_odds: FloatArray) -> FloatArray:
    """Return the probability of the log-odds, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)))


def platt(value: FloatArray, label: NDArray[np.int64]) -> tuple[float, float]:
    """Return slope and intercept that turn a value into log-odds (Platt 1999), by logistic regression.

    With one label alone the value says nothing: slope 0, and the log-odds of one more row of each label.
    """
    from sklearn.linear_model import LogisticRegression

    if label.min() == label.max():
        return 0.0, float(np.log((label.sum() + 1) / ((1 - label).sum() + 1)))
    model = LogisticRegression(C=1.0, max_iter=500).fit(value[:, None], label)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
