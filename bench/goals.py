"""Goals: the estimate beside HiGHS on the same people, and twelve weeks of four ways to set goals in the user model."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench import goal_solver
from bench.intervals import mean_with_interval
from interventions.goals.estimate import estimate
from interventions.goals.kinds import PERIODS, WEEKLY_SESSIONS
from interventions.goals.model import Floats, meets, next_responsiveness, plan, respond, trajectory
from interventions.goals.recommend import People, recommend, step_rule

WEEKS = 12
RUN_IN_GOAL = 1.0
HIGHEST_SESSIONS = 7.0
PLANNED_DAYS = 7
PLATFORM = "planned (this platform)"


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
    return recommend(People.under_goals(amounts, goals), WEEKLY_SESSIONS).goal


def fixed(_amounts: Floats, goals: Floats) -> Floats:
    """Keep the goal of the run-in."""
    return goals[:, -1]


def multiplied(amounts: Floats, goals: Floats) -> Floats:
    """Multiply by 1.1 after a met goal, by 0.9 after a missed one."""
    return np.clip(step_rule(goals[:, -1], amounts[:, -1], 1.0), 1.0, HIGHEST_SESSIONS)


def percentile(amounts: Floats, _goals: Floats) -> Floats:
    """Take the 60th percentile of the weeks before."""
    return np.clip(np.ceil(np.quantile(amounts, 0.6, axis=1)), 1.0, HIGHEST_SESSIONS)


RULES: dict[str, Rule] = {
    PLATFORM: planned,
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
        sessions[:, week] = np.maximum(
            np.round(respond(people.baseline, p, goals[:, week]) + people.noise[:, week]), 0.0
        )
        p = next_responsiveness(p, people.gain, meets(people.baseline, p, goals[:, week]))
    return sessions[:, PERIODS:], goals[:, PERIODS:]


@dataclass(frozen=True, slots=True)
class Gains:
    """Sessions of the study per person under a rule, and what the platform's goals give more, with a 95 % interval."""

    rule: str
    sessions: float
    met: float
    more: float
    low: float
    high: float


def closed_loop(people: int, seeds: int) -> list[Gains]:
    """Return what each rule brings, paired: every rule meets the same people and the same noise of each seed."""
    sessions: dict[str, list[float]] = {name: [] for name in RULES}
    met: dict[str, list[float]] = {name: [] for name in RULES}
    for seed in range(seeds):
        same = world(people, seed)
        for name, rule in RULES.items():
            done, goals = live(same, rule)
            sessions[name].append(float(done.sum(axis=1).mean()))
            met[name].append(float((done >= goals).mean()))
    found = []
    for name in RULES:
        difference = np.array(sessions[PLATFORM]) - np.array(sessions[name])
        found.append(
            Gains(name, float(np.mean(sessions[name])), float(np.mean(met[name])), *mean_with_interval(difference))
        )
    return found


def histories(people: int, periods: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return (amounts, goals, parameters) of people of the user model, with goals and amounts missing here and there."""
    draw = np.random.default_rng(seed)
    baseline, p, gain = draw.gamma(4.0, 1.0, people), draw.gamma(1.2, 1.2, people), draw.gamma(1.0, 0.25, people)
    goals = np.maximum(baseline[:, None] + draw.normal(0.5, 1.5, (people, periods)), 0.0)
    goals[draw.random(goals.shape) < 0.15] = np.nan
    answers = np.stack([answer for _, answer in trajectory(baseline, p, gain, goals)], axis=1)
    amounts = np.maximum(answers + draw.laplace(0.0, 0.7, answers.shape), 0.0)
    amounts[:, 1:][draw.random((people, periods - 1)) < 0.1] = np.nan
    return amounts, goals, np.stack([baseline, p, np.minimum(gain, goal_solver.UPPER_HALF_GAIN * 2)], axis=1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The estimate and plan beside a mixed integer solver on the same people."""

    people: int
    proved: int
    worst_objective: float  # ours minus the solver's, so above 0 where the solver found better
    worst_plan: float
    solver_per_second: float
    per_second: float
    per_second_of_days: float


def _speed(people: int, periods: int) -> float:
    amounts, goals, _ = histories(people, periods, seed=1)
    known = People.under_goals(amounts, goals)
    started = time.perf_counter()
    recommend(known, WEEKLY_SESSIONS)
    return people / (time.perf_counter() - started)


def compare(people: int, crowd: int) -> Comparison:
    """Return objective, plan and speed of the search beside HiGHS; ``crowd`` people for our speed."""
    amounts, goals, parameters = histories(people, PERIODS, seed=3)
    found, _ = estimate(amounts, goals)
    planned_goals = plan(parameters[:, 0], parameters[:, 1], parameters[:, 2], PLANNED_DAYS)
    started = time.perf_counter()
    solved = [goal_solver.estimate(amounts[person], goals[person]) for person in range(people)]
    plans = [
        goal_solver.plan(float(baseline), float(responsiveness), float(gain), PLANNED_DAYS)
        for baseline, responsiveness, gain in parameters
    ]
    seconds = time.perf_counter() - started
    return Comparison(
        people=people,
        proved=sum(proved for _, proved in solved),
        worst_objective=float(np.max(found.objective - [objective for objective, _ in solved])),
        worst_plan=float(np.max(np.abs(planned_goals.sum(axis=1) - plans))),
        solver_per_second=people / seconds,
        per_second=_speed(crowd, PERIODS),
        per_second_of_days=_speed(crowd, PERIODS * PLANNED_DAYS),
    )
