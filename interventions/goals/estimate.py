"""Who a person is to the goal model, and which goal suits them: exact Bayesian inference on a grid, many at once.

What was observed is the model's amount plus Laplace noise; the priors are histograms over a few points. Goals are
observed, so each combination of points gives one trajectory: the best of all is the maximum a posteriori without a
solver, and sums over all give what a goal is expected to bring.
"""

from dataclasses import dataclass

import numpy as np

from interventions.goals.model import DECAY, TOLERANCE, Floats, reach

# Points and probabilities, in units of about one session a week. Own choice: goals moved steps by a tenth to a fifth in
# trials (methods section 2), so half of p is mostly below one unit, and what a met goal adds fades in weeks.
RESPONSIVENESS_PRIOR = {0.0: 0.15, 0.5: 0.2, 1.0: 0.2, 1.5: 0.15, 2.0: 0.12, 3.0: 0.1, 4.0: 0.06, 6.0: 0.02}
GAIN_PRIOR = {0.0: 0.2, 0.1: 0.25, 0.2: 0.2, 0.3: 0.15, 0.5: 0.15, 0.8: 0.05}
# The baseline is as likely anywhere from a little below the lowest period observed up to the highest.
BASELINE_POINTS = 16
BELOW_LOWEST = 2.0
# Before anything is known of a person's noise it is one unit; that counts like so many periods.
NOISE, NOISE_WEIGHT = 1.0, 4.0
# Meeting a goal adds the gain to p: 1 / (1 - 0.85) of it over all later periods, half of which moves amounts, in the six
# of ten periods whose goals are met.
LATER = 0.6 / 2 / (1 - DECAY)

FINALISTS = 4


@dataclass(frozen=True, slots=True)
class Estimates:
    """Per person the most probable parameters; all in the units of the priors."""

    baseline: Floats
    responsiveness: Floats  # p of the first period observed
    gain: Floats
    current: Floats  # p of the period after the last
    objective: Floats  # minus the log posterior, up to a constant

    @property
    def planned(self) -> Floats:
        """The plan's goal for the next period, u_b + p / 2."""
        return reach(self.baseline, self.current)


@dataclass(frozen=True, slots=True)
class Posterior:
    """Points (people, points) with their probabilities, for the period after those observed; q = p / 2."""

    weight: Floats
    baseline: Floats
    q: Floats
    gain: Floats
    noise: Floats

    def mean(self, values: Floats) -> Floats:
        """Return the posterior mean of a value of each point."""
        return np.einsum("ij,ij->i", self.weight, values).astype(np.float64)

    def _answer(self, goal: Floats) -> Floats:
        answer = goal.astype(np.float32)[:, None] - self.baseline
        np.maximum(answer, 0.0, out=answer)
        np.minimum(answer, self.q, out=answer)
        answer += self.baseline
        return answer

    def value(self, goal: Floats) -> Floats:
        """Return what a goal is expected to bring: the period's amount, and what meeting it adds to later ones."""
        met = (goal - TOLERANCE).astype(np.float32)[:, None] - self.baseline <= self.q
        return self.mean(self._answer(goal)) + LATER * self.mean(self.gain * met)

    def success(self, goal: Floats, slack: float) -> Floats:
        """Return the probability that what is observed is above the goal or less than ``slack`` below it."""
        margin = self._answer(goal) - (goal - slack).astype(np.float32)[:, None]
        tail = 0.5 * np.exp(-np.abs(margin) / self.noise.astype(np.float32)[:, None])
        return self.mean(np.where(margin >= 0, 1.0 - tail, tail))


def noise_scale(amounts: Floats) -> Floats:
    """Return the scale of the Laplace noise per person: mean distance from the median, drawn towards one unit."""
    known = (~np.isnan(amounts)).sum(axis=1)
    # Sorting puts the unknown last; numpy's nanmedian would go person by person.
    ordered = np.sort(amounts, axis=1)
    middle = np.stack([(known - 1) // 2, known // 2], axis=1)
    median = np.take_along_axis(ordered, middle, axis=1).mean(axis=1, keepdims=True)
    return (np.nansum(np.abs(amounts - median), axis=1) + NOISE * NOISE_WEIGHT) / (known + NOISE_WEIGHT)


def baseline_points(amounts: Floats, noise: Floats) -> Floats:
    """Return the points (people, points) of the baseline's prior."""
    low = np.maximum(np.nanmin(amounts, axis=1) - BELOW_LOWEST * noise, 0.0)
    return np.linspace(low, np.nanmax(amounts, axis=1), BASELINE_POINTS, axis=1)


def _fitted(
    amounts: Floats, goals: Floats, noise: Floats, baseline: Floats, q: Floats, half_gain: Floats
) -> tuple[Floats, Floats]:
    """Return sum |amount - u| / noise, and q after the last period, per person and point.

    The loop runs in place, in the precision of ``baseline``: this is where the time of an estimate goes.
    """
    precision = baseline.dtype
    observed = ~np.isnan(amounts)
    weights = (observed / noise[:, None]).astype(precision)
    amounts = np.where(observed, amounts, 0.0).astype(precision)
    # No goal: nothing draws the person (-inf) and nothing is met (+inf).
    pulling = np.where(np.isnan(goals), -np.inf, goals).astype(precision)
    judged = np.where(np.isnan(goals), np.inf, goals - TOLERANCE).astype(precision)
    error, work, met = np.zeros_like(baseline), np.empty_like(baseline), np.empty(baseline.shape, dtype=bool)
    for period in range(amounts.shape[1]):
        np.subtract(judged[:, period, None], baseline, out=work)
        np.less_equal(work, q, out=met)
        np.subtract(pulling[:, period, None], baseline, out=work)
        np.maximum(work, 0.0, out=work)
        np.minimum(work, q, out=work)
        work += baseline
        work -= amounts[:, period, None]
        np.abs(work, out=work)
        work *= weights[:, period, None]
        error += work
        q *= DECAY
        np.multiply(half_gain, met, out=work)
        q += work
    return error, q


def estimate(amounts: Floats, goals: Floats) -> tuple[Estimates, Posterior]:
    """Return the most probable parameters of people, and their posterior, from what they did under which goals.

    Memory and speed are best for some dozens of people at a time.

    Parameters
    ----------
    amounts, goals
        (people, periods), oldest first, in the units of the priors; NaN where nothing is known, or no goal was set. At
        least one amount per person is known.
    """
    noise = noise_scale(amounts)
    points = baseline_points(amounts, noise)
    p, gain = (axis.ravel() for axis in np.meshgrid([*RESPONSIVENESS_PRIOR], [*GAIN_PRIOR], indexing="ij"))
    cost = -np.log(np.outer([*RESPONSIVENESS_PRIOR.values()], [*GAIN_PRIOR.values()])).ravel()
    people, shape = len(amounts), (len(amounts), BASELINE_POINTS, len(p))
    baseline, q, half_gain = (
        np.broadcast_to(values.astype(np.float32), shape).reshape(people, -1)
        for values in (points[:, :, None], p / 2, gain / 2)
    )
    loss, q = _fitted(amounts, goals, noise, baseline, q, half_gain)
    loss += np.tile(cost, BASELINE_POINTS).astype(np.float32)
    weight = loss.min(axis=1, keepdims=True) - loss
    np.exp(weight, out=weight)
    weight /= weight.sum(axis=1, keepdims=True)
    # Single precision tells the best few; double precision tells the best of these.
    few = np.empty((people, FINALISTS), dtype=np.int64)
    everyone = np.arange(people)
    for rank in range(FINALISTS):
        few[:, rank] = loss.argmin(axis=1)
        loss[everyone, few[:, rank]] = np.inf
    baselines = np.take_along_axis(points, few // len(p), axis=1)
    exact, finally_q = _fitted(amounts, goals, noise, baselines, p[few % len(p)] / 2, gain[few % len(p)] / 2)
    exact += cost[few % len(p)]
    best = exact.argmin(axis=1)
    chosen = few[everyone, best] % len(p)
    most_probable = Estimates(
        baseline=baselines[everyone, best],
        responsiveness=p[chosen],
        gain=gain[chosen],
        current=2.0 * finally_q[everyone, best],
        objective=exact[everyone, best],
    )
    half_gain *= 2
    return most_probable, Posterior(weight, baseline, q, half_gain, noise)
