"""Success by levels of a factor (weekday, part of the day, weather), person by person, drawn towards the population's.

A random-effects logistic regression: of person i in level k, eta = x_ik' beta + a_i + b_ik with a_i ~ N(0, person
variance) and b_ik ~ N(0, level variance). The effects of a person are the mode of their posterior, by Newton steps on an
arrowhead matrix, so a million people are arrays and nothing is inverted. Fixed effects and variances are those of penalised
quasi-likelihood (Breslow and Clayton 1993, JASA 88), the variances by the EM step with the posterior's second moments. Such
variances are somewhat too small where people have few attempts, so windows are drawn a little too much to the population's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEWTON_STEPS = 12
MAX_STEP = 2.0
DECIMALS = 6
MIN_VARIANCE = 1e-4
# Standard deviation of what a column may do: a kind of weather that was met three times says little of everybody.
FIXED_SD = 1.0


@dataclass(frozen=True, slots=True)
class Prior:
    """What the population says: fixed effects of the columns of x, and the variances of people and of levels."""

    fixed: Floats
    person_variance: float
    level_variance: float


@dataclass(frozen=True, slots=True)
class Effects:
    """What is known of people: intercepts (people) and levels (people, levels), with their posterior variances.

    ``level_variances`` are those of a level given the intercept.
    """

    person: Floats
    levels: Floats
    person_variances: Floats
    level_variances: Floats


def rounded(values: Floats) -> Floats:
    """Return the values with the decimals that are written."""
    return np.asarray(np.round(values, DECIMALS), dtype=np.float64)


def sigmoid(eta: Floats) -> Floats:
    """Return the probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-eta)))


def person_effects(
    successes: Floats,
    trials: Floats,
    offset: Floats,
    prior: Prior,
    start: Effects | None = None,
    steps: int = NEWTON_STEPS,
) -> Effects:
    """Return the posterior mode of each person's effects.

    Parameters
    ----------
    successes, trials
        Counts of (people, levels).
    offset
        Fixed part of the log-odds, (people, levels).
    start
        Effects from which to go on.
    """
    person = np.zeros(len(trials)) if start is None else start.person
    levels = np.zeros(trials.shape) if start is None else start.levels
    person_precision, level_precision = 1 / prior.person_variance, 1 / prior.level_variance
    for _ in range(steps):
        probability = sigmoid(offset + person[:, None] + levels)
        weight = trials * probability * (1 - probability)
        residual = successes - trials * probability
        inner = weight + level_precision
        level_gradient = residual - level_precision * levels
        schur = person_precision + (weight * level_precision / inner).sum(axis=1)
        person_gradient = residual.sum(axis=1) - person_precision * person
        step = (person_gradient - (weight * level_gradient / inner).sum(axis=1)) / schur
        level_step = (level_gradient - weight * step[:, None]) / inner
        person = person + np.clip(step, -MAX_STEP, MAX_STEP)
        levels = levels + np.clip(level_step, -MAX_STEP, MAX_STEP)
    probability = sigmoid(offset + person[:, None] + levels)
    weight = trials * probability * (1 - probability)
    inner = weight + level_precision
    schur = person_precision + (weight * level_precision / inner).sum(axis=1)
    return Effects(person, levels, 1 / schur, 1 / inner)


def _fixed_step(successes: Floats, trials: Floats, rows: Floats, eta: Floats, fixed: Floats) -> Floats:
    """Return one Newton step of the fixed effects, which have a normal prior around 0.

    ``rows`` are the columns of x of every person and level, one person's levels after another's.
    """
    probability = sigmoid(eta)
    weight = trials * probability * (1 - probability)
    gradient = (successes - trials * probability).ravel() @ rows - fixed / FIXED_SD**2
    information = (rows * weight.reshape(-1, 1)).T @ rows
    step = np.linalg.solve(information + np.eye(len(gradient)) / FIXED_SD**2, gradient)
    return np.clip(step, -MAX_STEP, MAX_STEP)


def fit_prior(successes: Floats, trials: Floats, design: Floats, iterations: int) -> Prior:
    """Return the population's parameters from people's counts, rounded to six decimals.

    Parameters
    ----------
    design
        x of (people, levels, columns); the first column is the intercept.
    """
    rows = np.ascontiguousarray(design).reshape(-1, design.shape[2])
    fixed = np.zeros(design.shape[2])
    prior = Prior(fixed, 1.0, 0.25)
    effects: Effects | None = None
    tried = trials > 0
    for _ in range(iterations):
        offset = (rows @ prior.fixed).reshape(trials.shape)
        effects = person_effects(successes, trials, offset, prior, effects, steps=2)
        eta = offset + effects.person[:, None] + effects.levels
        fixed = prior.fixed + _fixed_step(successes, trials, rows, eta, prior.fixed)
        # The mean of the people is the intercept's; without this it would creep there.
        shift = effects.person.mean()
        fixed[0] += shift
        effects = Effects(effects.person - shift, effects.levels, effects.person_variances, effects.level_variances)
        person_variance = float(np.mean(effects.person**2 + effects.person_variances))
        pulled = (1 - effects.level_variances / prior.level_variance) ** 2 * effects.person_variances[:, None]
        level_variance = float(np.mean((effects.levels**2 + effects.level_variances + pulled)[tried]))
        prior = Prior(fixed, max(person_variance, MIN_VARIANCE), max(level_variance, MIN_VARIANCE))
    return Prior(rounded(prior.fixed), round(prior.person_variance, DECIMALS), round(prior.level_variance, DECIMALS))


def fit_slopes(successes: Floats, known: NDArray[np.bool_], offset: Floats, regressors: Floats, sd: float) -> Floats:
    """Return slopes of single days' log-odds on regressors beside a given offset: logistic regression with a normal prior.

    Parameters
    ----------
    successes, known
        0 or 1 by (people, days), and which days count.
    regressors
        (regressors, people, days).
    sd
        Standard deviation of the prior of each slope.
    """
    slopes = np.zeros(len(regressors))
    for _ in range(NEWTON_STEPS):
        probability = sigmoid(offset + np.einsum("r,rpd->pd", slopes, regressors))
        weight = np.where(known, probability * (1 - probability), 0.0)
        residual = np.where(known, successes - probability, 0.0)
        gradient = np.einsum("rpd,pd->r", regressors, residual) - slopes / sd**2
        information = np.einsum("rpd,pd,spd->rs", regressors, weight, regressors, optimize=True)
        slopes = slopes + np.linalg.solve(information + np.eye(len(slopes)) / sd**2, gradient)
    return rounded(slopes)
