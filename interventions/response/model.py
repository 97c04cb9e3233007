"""The effect of sending: action-centred Bayesian regression per intervention, shrunk towards its type and all of them.

    Y = g'a0 + q g'a1 + (A - q) f'b + e,  g = (1, usual, dosage), f = (1, dosage)

A is 1 where the intervention was drawn and 0 where silence was; q is the probability of the one among these two.
Decisions on which another intervention was drawn say nothing about this one, so each is compared with silence alone and
the draw is a coin with probability q whatever the other arm was. Centred by q, b is the effect even where the baseline
is wrong (methods section 3; Boruvka et al. 2018). The effects b form a tree: all, types of intervention (action),
interventions. A child lies around its parent, off by what the library expects of it; how far, is estimated from the data.

Data enter as sums of products in whole millionths, so nights add up exactly, in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

BASELINE, EFFECT = 3, 2
WIDTH = 2 * BASELINE + EFFECT
MILLION = 1_000_000
PAIRS = [(i, j) for i in range(WIDTH + 1) for j in range(i, WIDTH + 1)]
SUMS = [f"sum_{i}_{j}" for i, j in PAIRS]
COUNTS = ["decisions", "sends", "sends_positive", "silent_positive", "delivered", "opened", "acted", "rated"]
GROUP = ["action", "intervention"]
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before any data, in units of the outcome (a share of days).

    ``slope`` is what one unit of dosage adds to an effect. Scales are standard deviations of (effect, slope): of all
    interventions together, of a type around all, of an intervention around its type. ``weight`` says how many groups
    the scales are worth when they are estimated, ``noise`` the outcome's variance, ``noise_weight`` how many decisions.
    """

    slope: float = -0.005
    overall: tuple[float, float] = (0.05, 0.01)
    between_actions: tuple[float, float] = (0.05, 0.01)
    within_action: tuple[float, float] = (0.02, 0.005)
    weight: float = 4.0
    noise: float = 0.2
    noise_weight: float = 20.0
    baseline_variance: float = 100.0


PRIOR = Prior()


def design() -> list[pl.Expr]:
    """Return the regression's columns and the outcome as expressions.

    Over columns ``usual``, ``dosage``, ``chance`` (q), ``drawn`` (A) and ``outcome``.
    """
    q, centred = pl.col("chance"), pl.col("drawn") - pl.col("chance")
    g = [pl.lit(1.0), pl.col("usual"), pl.col("dosage")]
    f = [pl.lit(1.0), pl.col("dosage")]
    return [*g, *(q * item for item in g), *(centred * item for item in f), pl.col("outcome")]


def contribution(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row of sums per action and intervention; columns ``GROUP``, ``COUNTS``, ``SUMS``.

    Parameters
    ----------
    rows
        One row per decision and intervention that was drawn or could have been where silence was drawn: the columns of
        ``design``, ``GROUP``, and ``delivered``, ``opened``, ``acted``, ``rated`` (0 or 1).
    """
    named = rows.select(
        *GROUP,
        *COUNTS[4:],
        *(expression.cast(pl.Float64).alias(f"z{number}") for number, expression in enumerate(design())),
        drawn=pl.col("drawn").cast(pl.Int64),
        positive=pl.col("outcome").cast(pl.Int64),
    )
    products = [
        (pl.col(f"z{i}") * pl.col(f"z{j}") * MILLION).round().cast(pl.Int64).sum().alias(name)
        for (i, j), name in zip(PAIRS, SUMS, strict=True)
    ]
    drawn = pl.col("drawn")
    return (
        named.group_by(GROUP)
        .agg(
            *products,
            *(pl.col(name).cast(pl.Int64).sum() for name in COUNTS[4:]),
            decisions=pl.len().cast(pl.Int64),
            sends=drawn.sum(),
            sends_positive=(drawn * pl.col("positive")).sum(),
            silent_positive=((1 - drawn) * pl.col("positive")).sum(),
        )
        .select(*GROUP, *COUNTS, *SUMS)
        .sort(GROUP)
    )


def added(*parts: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of all parts together."""
    return pl.concat(parts).group_by(GROUP).agg(pl.col(*COUNTS, *SUMS).sum()).sort(GROUP)


def nothing() -> pl.DataFrame:
    """Return sums of no decisions."""
    return pl.DataFrame(schema={**dict.fromkeys(GROUP, pl.String), **dict.fromkeys([*COUNTS, *SUMS], pl.Int64)})


def _gram(sums: Floats) -> Floats:
    """Return the matrix of sums of products, (WIDTH + 1) squared."""
    matrix = np.zeros((WIDTH + 1, WIDTH + 1))
    for value, (i, j) in zip(sums, PAIRS, strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What the data of one intervention say about its effect: precision, precision times mean, noise variance."""

    precision: Floats
    weighted: Floats
    noise: float


def likelihood(sums: Floats, decisions: int, prior: Prior = PRIOR) -> Likelihood:
    """Return the likelihood of the effect with the baseline integrated out; ``sums`` in units, not millionths."""
    matrix = _gram(sums)
    ridge = np.eye(WIDTH) / prior.baseline_variance
    squares, products = matrix[:WIDTH, :WIDTH] + ridge, matrix[:WIDTH, WIDTH]
    residual = matrix[WIDTH, WIDTH] - products @ np.linalg.solve(squares, products)
    noise = (prior.noise * prior.noise_weight + max(float(residual), 0.0)) / (prior.noise_weight + decisions)
    nuisance, effect = slice(0, 2 * BASELINE), slice(2 * BASELINE, WIDTH)
    through = np.linalg.solve(squares[nuisance, nuisance], squares[nuisance, effect]).T
    precision = matrix[effect, effect] - through @ squares[nuisance, effect]
    weighted = products[effect] - through @ products[nuisance]
    return Likelihood(precision / noise, weighted / noise, noise)


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes of the effects, the root first: the parent of each, what it is expected to be off by, which data it has."""

    parent: list[int]
    offset: Floats
    scale: list[int]
    data: list[Likelihood | None]


def _solve(tree: Tree, expected: float, scales: Floats, prior: Prior) -> tuple[Floats, Floats]:
    """Return (means, covariance) of the effects of all nodes together, given the variances of each level."""
    size = EFFECT * len(tree.parent)
    precision, weighted = np.zeros((size, size)), np.zeros(size)
    for node, parent in enumerate(tree.parent):
        own = slice(EFFECT * node, EFFECT * (node + 1))
        inverse = np.diag(1.0 / scales[tree.scale[node]])
        off = np.array([expected, prior.slope]) if node == 0 else np.array([tree.offset[node], 0.0])
        precision[own, own] += inverse
        weighted[own] += inverse @ off
        if node > 0:
            above = slice(EFFECT * parent, EFFECT * (parent + 1))
            precision[above, above] += inverse
            precision[own, above] -= inverse
            precision[above, own] -= inverse
            weighted[above] -= inverse @ off
        found = tree.data[node]
        if found is not None:
            precision[own, own] += found.precision
            weighted[own] += found.weighted
    covariance = np.linalg.inv(precision)
    return covariance @ weighted, (covariance + covariance.T) / 2


def _spread(tree: Tree, means: Floats, covariance: Floats, scales: Floats, prior: Prior) -> Floats:
    """Return new variances of each level: the mean square distance of children from their parents, and the prior's."""
    first = _prior_scales(prior)
    total, count = prior.weight * first, np.full(len(scales), prior.weight)
    for node, parent in enumerate(tree.parent):
        if node == 0:
            continue
        off = np.array([tree.offset[node], 0.0])
        own, above = EFFECT * node + np.arange(EFFECT), EFFECT * parent + np.arange(EFFECT)
        distance = means[own] - means[above] - off
        variance = covariance[own, own] + covariance[above, above] - 2 * covariance[own, above]
        total[tree.scale[node]] += distance**2 + variance
        count[tree.scale[node]] += 1
    estimated = total / count[:, None]
    estimated[0] = first[0]
    return estimated


def at_dosage(belief: Mapping[str, Any], dosage: Any) -> tuple[Any, Any]:
    """Return (mean, variance) of the effect at a dosage: effect + dosage times slope.

    Works alike on numbers, arrays and Polars expressions.

    Parameters
    ----------
    belief
        ``mean_effect``, ``mean_slope``, ``variance_effect``, ``covariance`` and ``variance_slope``.
    """
    mean = belief["mean_effect"] + dosage * belief["mean_slope"]
    variance = belief["variance_effect"] + 2 * dosage * belief["covariance"] + dosage**2 * belief["variance_slope"]
    return mean, variance


def _prior_scales(prior: Prior) -> Floats:
    return np.array([prior.overall, prior.between_actions, prior.within_action], dtype=np.float64) ** 2


def beliefs(sums: pl.DataFrame, library: pl.DataFrame, prior: Prior = PRIOR) -> pl.DataFrame:
    """Return what is believed about the effect of all interventions, each type, and each intervention.

    Parameters
    ----------
    sums
        As of ``contribution`` or ``added``.
    library
        Interventions of today with ``action``, ``intervention`` and ``expected`` (their effect before any data).
        What was learned about others is kept.

    Returns
    -------
    polars.DataFrame
        Columns ``level`` (overall, action, intervention), ``action``, ``intervention``, ``mean_effect`` and
        ``mean_slope`` with ``variance_effect``, ``covariance``, ``variance_slope``; ``prior_share`` (of the variance of
        the effect, what is left of the prior's); ``noise``; ``effect`` and ``effect_sd`` at the mean dosage of the
        decisions learned from. Doubles are rounded to 6 decimals (variances to 9).
    """
    leaves = library.join(sums, on=GROUP, how="full", coalesce=True).sort(GROUP)
    actions = leaves["action"].unique().sort().to_list()
    expectations = {
        action: group["expected"].mean() for (action,), group in leaves.group_by("action", maintain_order=True)
    }
    overall = library["expected"].mean() if library.height else 0.0
    parent, offset, scale = [0], [0.0], [0]
    data: list[Likelihood | None] = [None]
    for action in actions:
        parent.append(0)
        offset.append((expectations[action] if expectations[action] is not None else overall) - overall)
        scale.append(1)
        data.append(None)
    matrix = leaves.select(SUMS).fill_null(0).to_numpy() / MILLION
    decisions = leaves["decisions"].fill_null(0).to_list()
    for row, (action, expected) in enumerate(leaves.select("action", "expected").iter_rows()):
        own = expectations[action]
        parent.append(1 + actions.index(action))
        offset.append(0.0 if expected is None else expected - own)
        scale.append(2)
        data.append(likelihood(matrix[row], decisions[row], prior) if decisions[row] else None)
    tree = Tree(parent, np.array(offset), scale, data)
    scales = _prior_scales(prior)
    means, covariance = _solve(tree, overall, scales, prior)
    if any(found is not None for found in data):
        for _ in range(ROUNDS):
            scales = _spread(tree, means, covariance, scales, prior)
            means, covariance = _solve(tree, overall, scales, prior)
    return _rows(tree, leaves, actions, means, covariance, scales, matrix)


def _rows(
    tree: Tree,
    leaves: pl.DataFrame,
    actions: list[str],
    means: Floats,
    covariance: Floats,
    scales: Floats,
    matrix: Floats,
) -> pl.DataFrame:
    """Shape the solution as rows, the root first, then types, then interventions."""
    nodes = np.arange(len(tree.parent))
    effect, slope = EFFECT * nodes, EFFECT * nodes + 1
    before = np.cumsum(scales[:, 0])[tree.scale]
    weights = _dosage_weights(tree, matrix)
    dosage = weights[:, 1] / np.maximum(weights[:, 0], 1e-12)
    belief = {
        "mean_effect": means[effect],
        "mean_slope": means[slope],
        "variance_effect": covariance[effect, effect],
        "covariance": covariance[effect, slope],
        "variance_slope": covariance[slope, slope],
    }
    mean, variance = at_dosage(belief, dosage)
    return pl.DataFrame(
        {
            "level": ["overall", *(["action"] * len(actions)), *(["intervention"] * leaves.height)],
            "action": [None, *actions, *leaves["action"].to_list()],
            "intervention": [*([None] * (1 + len(actions))), *leaves["intervention"].to_list()],
            **{name: value.round(6 if name.startswith("mean") else 9) for name, value in belief.items()},
            "prior_share": np.clip(covariance[effect, effect] / before, 0.0, 1.0).round(6),
            "noise": [None if found is None else round(found.noise, 6) for found in tree.data],
            "mean_dosage": dosage.round(6),
            "effect": mean.round(6),
            "effect_sd": np.sqrt(variance).round(6),
        },
        schema_overrides={"action": pl.String, "intervention": pl.String, "noise": pl.Float64},
    )


def _dosage_weights(tree: Tree, matrix: Floats) -> Floats:
    """Return per node the sums of (A - q)^2 and of its product with dosage, those of a parent over its children."""
    first = 2 * BASELINE
    columns = [PAIRS.index((first, first)), PAIRS.index((first, first + 1))]
    weights = np.zeros((len(tree.parent), 2))
    leaves = len(tree.parent) - len(matrix)
    weights[leaves:] = matrix[:, columns]
    for node in range(len(tree.parent) - 1, 0, -1):
        weights[tree.parent[node]] += weights[node]
    return weights
