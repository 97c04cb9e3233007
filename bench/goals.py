"""Goals: the estimate beside HiGHS on the same people, and twelve weeks of four ways to set goals in the user model."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interventions.goals.kinds import PERIODS, WEEKLY_SESSIONS
from interventions.goals.model import meets, next_responsiveness, respond
from interventions.goals.recommend import People, recommend, step_rule

Floats = NDArray[np.float64]
WEEKS = 12
RUN_IN_GOAL = 1.0
HIGHEST_SESSIONS = 7.0


@dataclass(frozen=True, slots=True)
class World:
    """People of the user model: their parameters and the noise of each week (people, weeks)."""

    baseline: Floats
    responsiveness: Floats
    gain: Floats
    noise: Floats


def world(people: int, seed: int) -> World:
    """Return people whose parameters are not drawn from the estimator's priors, with noise for run-in and study."""
    draw = np.random.default_rng(seed)
    return World(
        baseline=draw.gamma(4.0, 0.6, people),
        responsiveness=draw.gamma(1.5, 1.2, people),
        gain=draw.gamma(1.0, 0.3, people),
        noise=draw.laplace(0.0, 0.7, (people, PERIODS + WEEKS)),
    )


Rule = Callable[[Floats, Floats], Floats]


def planned(amounts: Floats, goals: Floats) -> Floats:
    """Set the platform's goal."""
    nobody = np.zeros(len(amounts), dtype=bool)
    unknown = np.full(len(amounts), np.nan)
    return recommend(People(amounts, goals, goals[:, -1], unknown, nobody, nobody), WEEKLY_SESSIONS).goal


def fixed(amounts: Floats, goals: Floats) -> Floats:
    """Keep the goal of the run-in."""
    return goals[:, -1]


def multiplied(amounts: Floats, goals: Floats) -> Floats:
    """Multiply by 1.1 after a met goal, by 0.9 after a missed one."""
    return np.clip(step_rule(goals[:, -1], amounts[:, -1], 1.0), 1.0, HIGHEST_SESSIONS)


def percentile(amounts: Floats, goals: Floats) -> Floats:
    """Take the 60th percentile of the weeks before."""
    return np.clip(np.ceil(np.quantile(amounts, 0.6, axis=1)), 1.0, HIGHEST_SESSIONS)


RULES: dict[str, Rule] = {
    "planned (this platform)": planned,
    "fixed": fixed,
    "x1.1 / x0.9": multiplied,
    "moving 60th percentile": percentile,
}


def live(people: World, rule: Rule) -> tuple[Floats, Floats]:
    """Return (sessions, goals) per person and week of the study under a rule, after a run-in with a fixed goal.

    The person answers by the user model; what is counted is whole sessions, the model's amount plus noise. The
    run-in's goal is one session above the baseline, so every rule starts from the same history.
    """
    p = people.responsiveness
    goals = np.empty_like(people.noise)
    sessions = np.empty_like(people.noise)
    for week in range(people.noise.shape[1]):
        if week < PERIODS:
            goals[:, week] = np.clip(np.round(people.baseline + RUN_IN_GOAL), 1.0, HIGHEST_SESSIONS)
        else:
            window = slice(week - PERIODS, week)
            goals[:, week] = rule(sessions[:, window], goals[:, window])
        sessions[:, week] = np.maximum(np.round(respond(people.baseline, p, goals[:, week]) + people.noise[:, week]), 0.0)
        p = next_responsiveness(p, people.gain, meets(people.baseline, p, goals[:, week]))
    return sessions[:, PERIODS:], goals[:, PERIODS:]
