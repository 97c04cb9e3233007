"""How a person answers to a goal: the user model of the Behavioral Analytics Algorithm, in closed form.

A person chooses u = argmax over u >= 0 of -(u - u_b)^2 + p min(u - g, 0): the usual amount u_b, drawn towards the goal g
by p. Meeting goals feeds p: p(t+1) = 0.85 p(t) + mu [u(t) >= g(t)]. Source: CalFit (Zhou et al. 2018; Mintz et al.
2020), methods section 2. Amounts are in the units of ``interventions.goals.kinds``; arrays broadcast.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

DECAY = 0.85
# Two numbers closer than this are one: a goal at the very edge of reach counts as met.
TOLERANCE = 1e-5


def reach(baseline: Floats, responsiveness: Floats) -> Floats:
    """Return the most that a goal can bring the person to, u_b + p / 2; also the goal that does it."""
    return baseline + responsiveness / 2


def respond(baseline: Floats, responsiveness: Floats, goal: Floats) -> Floats:
    """Return what the person does: the goal where it lies between baseline and reach, else the nearer of the two.

    Without a goal (NaN) it is the baseline.
    """
    return baseline + np.fmin(np.fmax(goal - baseline, 0.0), responsiveness / 2)


def meets(baseline: Floats, responsiveness: Floats, goal: Floats) -> NDArray[np.bool_]:
    """Return whether the goal is within reach; without a goal (NaN) nothing is met."""
    return goal <= reach(baseline, responsiveness) + TOLERANCE


def next_responsiveness(responsiveness: Floats, gain: Floats, met: NDArray[np.bool_]) -> Floats:
    """Return p of the next period: it decays, and a met goal feeds it."""
    return DECAY * responsiveness + gain * met


def trajectory(
    baseline: Floats, responsiveness: Floats, gain: Floats, goals: Floats
) -> Iterator[tuple[Floats, Floats]]:
    """Yield (p, u) per period of ``goals`` (periods along the last axis), starting from p_1."""
    p = responsiveness
    for period in range(goals.shape[-1]):
        goal = goals[..., period]
        yield p, respond(baseline, p, goal)
        p = next_responsiveness(p, gain, meets(baseline, p, goal))


def plan(baseline: Floats, responsiveness: Floats, gain: Floats, periods: int) -> Floats:
    """Return the goals that maximise what the person does in every period at once, shape (..., periods).

    It is g(t) = u_b + p(t) / 2: always met, so p grows as fast as it can and each u is at its bound.
    """
    goals = []
    p = responsiveness
    for _ in range(periods):
        goals.append(reach(baseline, p))
        p = DECAY * p + gain
    return np.stack(goals, axis=-1)
