"""What a policy would have earned, from a log of randomised decisions: inverse probability weights and doubly robust.

The value is the mean reward of a moment at the states of the log (methods section 4). With w the target's probability of
what was done over the logged one, and q the reward that a regression expects of an action:

    IPW = mean(w Y),  SNIPW = sum(w Y) / sum(w),  DR = mean(e q1 + (1 - e) q0 + w (Y - q))

The regression is fitted on the users outside of a user's fold. Intervals come from drawing whole users anew.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interventions.response.model import Floats

FOLDS = 5
DRAWS = 2_000
RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Log:
    """Randomised moments: the user's number, what the state is known by, sent or not, with which probability, reward."""

    user: NDArray[np.int64]
    features: Floats
    sent: NDArray[np.bool_]
    probability: Floats
    reward: Floats


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a policy by an estimator with a 95 % interval."""

    estimator: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The value of a policy by each estimator, and how much of the log speaks for it."""

    values: list[Value]
    sends: float  # mean probability of sending
    effective_size: float
    largest_weight: float


def _regressors(features: Floats, sent: Floats) -> Floats:
    base = np.column_stack([np.ones(len(features)), features])
    return np.concatenate([base, sent[:, None] * base], axis=1)


def crossfitted(log: Log, folds: int = FOLDS) -> tuple[Floats, Floats]:
    """Return the rewards expected of silence and of sending at each moment, by regressions that never saw the user."""
    users = np.unique(log.user)
    fold = np.searchsorted(users, log.user) % folds
    design = _regressors(log.features, log.sent.astype(float))
    silent, sent = np.empty(len(log.reward)), np.empty(len(log.reward))
    for number in range(folds):
        fitted, own = fold != number, fold == number
        x = design[fitted]
        weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ log.reward[fitted])
        silent[own] = _regressors(log.features[own], np.zeros(own.sum())) @ weights
        sent[own] = _regressors(log.features[own], np.ones(own.sum())) @ weights
    return silent, sent


def weights(log: Log, target: Floats) -> Floats:
    """Return the target's probability of what was done over the logged one."""
    return np.where(log.sent, target / log.probability, (1 - target) / (1 - log.probability))


def robust_rewards(log: Log, target: Floats, expected: tuple[Floats, Floats]) -> Floats:
    """Return the terms whose mean is the doubly robust value."""
    silent, sent = expected
    surprise = log.reward - np.where(log.sent, sent, silent)
    return target * sent + (1 - target) * silent + weights(log, target) * surprise


def evaluate(log: Log, target: Floats, expected: tuple[Floats, Floats]) -> Evaluation:
    """Return what a policy is worth.

    Parameters
    ----------
    target
        The policy's probability of sending at each moment of the log.
    expected
        Rewards expected of silence and of sending, as of ``crossfitted``.
    """
    weight = weights(log, target)
    logged = np.full(len(target), log.probability)
    robust = robust_rewards(log, target, expected)
    more = robust - robust_rewards(log, logged, expected)
    one = np.ones(len(target))
    ratios = {
        "IPW": (weight * log.reward, one),
        "SNIPW": (weight * log.reward, weight),
        "DR": (robust, one),
        "DR more than logged": (more, one),
    }
    values = [_ratio(log.user, name, *parts) for name, parts in ratios.items()]
    return Evaluation(values, float(target.mean()), float(weight.sum() ** 2 / (weight**2).sum()), float(weight.max()))


def _ratio(user: NDArray[np.int64], name: str, above: Floats, below: Floats) -> Value:
    """Return the ratio of two sums with its interval when whole users are drawn anew, the same for every ratio."""
    _, number = np.unique(user, return_inverse=True)
    sums = np.stack([np.bincount(number, values) for values in (above, below)], axis=1)
    count = len(sums)
    chosen = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), DRAWS)
    drawn = chosen @ sums
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return Value(name, float(above.sum() / below.sum()), float(low), float(high))
