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
    """Probabilities of points (people, baselines, others) for the period after those observed; q = p / 2.

    ``baseline`` is (people, baselines, 1) and ``gain`` (others): what does not differ along an axis has no length there.
    """

    weight: Floats
    baseline: Floats
    q: Floats
    gain: Floats
    noise: Floats

    def mean(self, values: Floats) -> Floats:
        """Return the posterior mean of a value of each point."""
        people = len(self.weight)
        every = np.broadcast_to(values, self.weight.shape)
        return np.einsum("ij,ij->i", self.weight.reshape(people, -1), every.reshape(people, -1)).astype(np.float64)

    def _above(self, goal: Floats) -> Floats:
        """Return how far a goal is above each baseline."""
        return np.asarray(goal.astype(np.float32)[:, None, None] - self.baseline)

    def _drawn(self, goal: Floats) -> Floats:
        """Return how far a goal draws the person above each baseline, which is q at most."""
        return np.minimum(np.maximum(self._above(goal), 0.0), self.q)

    def value(self, goal: Floats) -> Floats:
        """Return what a goal brings above the baseline: in the period, and by what meeting it adds to later ones."""
        brought = self._drawn(goal)
        brought += self.gain * np.float32(LATER) * (self._above(goal - TOLERANCE) <= self.q)
        return self.mean(brought)

    def success(self, goal: Floats, slack: float) -> Floats:
        """Return the probability that what is observed is above the goal or less than ``slack`` below it."""
        margin = self._drawn(goal)
        margin -= self._above(goal - slack)
        tail = 0.5 * np.exp(-np.abs(margin) / self.noise.astype(np.float32)[:, None, None])
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

    The loop runs in place, in the precision of ``q``: this is where the time of an estimate goes. What only differs by
    baseline is worked out for the baselines alone.

    Parameters
    ----------
    q
        (people, points), or points on several axes; is changed.
    baseline, half_gain
        As q, with length 1 or no axis where they do not differ.
    """
    points = (..., *(None,) * (q.ndim - 1))
    amounts, goals = (values.astype(q.dtype) for values in (amounts, goals))
    error, work, met = np.zeros_like(q), np.empty_like(q), np.empty(q.shape, dtype=bool)
    for amount, goal in zip(amounts.T, goals.T, strict=True):
        above = goal[points] - baseline
        # No goal (NaN) draws nobody and is never met.
        np.less_equal(above - q.dtype.type(TOLERANCE), q, out=met)
        np.minimum(np.fmax(above, 0.0), q, out=work)
        work -= amount[points] - baseline
        np.abs(work, out=work)
        work[np.isnan(amount)] = 0.0
        error += work
        q *= q.dtype.type(DECAY)
        np.multiply(half_gain, met, out=work)
        q += work
    error /= noise.astype(q.dtype)[points]
    return error, q


def estimate(amounts: Floats, goals: Floats) -> tuple[Estimates, Posterior]:
    """Return the most probable parameters of people, and their posterior, from what they did under which goals.

    Memory and speed are best for some hundreds of people at a time.

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
    baseline, q = points[:, :, None].astype(np.float32), np.broadcast_to((p / 2).astype(np.float32), shape).copy()
    loss, q = _fitted(amounts, goals, noise, baseline, q, (gain / 2).astype(np.float32))
    loss += cost.astype(np.float32)
    loss = loss.reshape(people, -1)
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
    return most_probable, Posterior(weight.reshape(shape), baseline, q, gain.astype(np.float32), noise)
