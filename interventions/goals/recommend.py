"""The goal to set for the next seven days, from what people did and which goals they had; pure, many people at once.

With enough history: of the multiples of the kind's step around the plan of the user model, the goal of greatest
expected value. Otherwise the rule that multiplies the last goal by 1.1 when it was met and by 0.9 when not. Then the
largest change, floor and cap, and the guards: nobody who is injured or worn out is asked for more, nor who states a health
condition that speaks against it. At last a week in which the plan unloads eases its minutes as the plan does.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from interventions.goals.estimate import Posterior, estimate
from interventions.goals.kinds import Kind
from interventions.goals.model import TOLERANCE, Floats
from interventions.plans.minutes import unloaded_minutes

Booleans = NDArray[np.bool_]
Texts = NDArray[np.str_]

PEOPLE_AT_ONCE = 192
WORKERS = 2
# Goals considered, in units of the kind from the posterior mean of what is within reach.
OFFSETS = (-1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0)
EASY, MODERATE = 0.7, 0.5
# Three parameters cannot be told from fewer periods than this.
MIN_PERIODS = 4
USUAL_PERIODS = 4
RAISED, LOWERED = 1.1, 0.9
INJURED_SHARE = 0.5

ESTIMATED, STEP_RULE, START, RECOVERY = "estimated", "step_rule", "start", "recovery"


@dataclass(frozen=True, slots=True)
class People:
    """What is known of people for one kind of goal; one row per person.

    ``amounts`` and ``goals`` are (people, periods), oldest first, NaN where unknown or none; ``last_goal`` and
    ``target`` (what the person wants, where told) are NaN where there is none. ``last_asked`` is the last goal as the
    person read it, less than ``last_goal`` where that week unloaded. ``held`` are those who state a health condition with
    which nothing rises. ``unloading_sessions`` and ``longest_session`` (minutes) tell what the plan of the week asks for;
    NaN where it does not unload, and for goals of another kind than minutes.
    """

    amounts: Floats
    goals: Floats
    last_goal: Floats
    last_asked: Floats
    target: Floats
    injured: Booleans
    worn_out: Booleans
    held: Booleans
    unloading_sessions: Floats
    longest_session: Floats

    @classmethod
    def under_goals(cls, amounts: Floats, goals: Floats) -> "People":
        """Return people of whom amounts and goals are all that is known."""
        nobody, unknown = np.zeros(len(amounts), dtype=bool), np.full(len(amounts), np.nan)
        last = goals[:, -1]
        return cls(amounts, goals, last, last, unknown, nobody, nobody, nobody, unknown, unknown)

    def part(self, start: int, length: int) -> "People":
        """Return some of the people."""
        return People(*(getattr(self, field.name)[start : start + length] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Per person the goal, what it rests on (NaN where there is none), and which rules changed it.

    ``full_goal`` is what the goal would be in a week that does not unload; the next one rises from it.
    """

    goal: Floats
    full_goal: Floats
    planned: Floats
    usual: Floats
    success_probability: Floats
    strategy: Texts
    periods: NDArray[np.int64]
    baseline: Floats
    responsiveness: Floats
    gain: Floats
    injured: Booleans
    worn_out: Booleans
    stated_constraint: Booleans
    largest_rise: Booleans
    largest_fall: Booleans
    floor: Booleans
    cap: Booleans
    unloading: Booleans


RULES = ("injured", "worn_out", "stated_constraint", "largest_rise", "largest_fall", "floor", "cap", "unloading")


def usual_amount(amounts: Floats) -> Floats:
    """Return the mean of the known amounts among the last four periods; NaN where there is none."""
    recent = amounts[:, -USUAL_PERIODS:]
    known = (~np.isnan(recent)).sum(axis=1)
    return np.where(known > 0, np.nansum(recent, axis=1) / np.maximum(known, 1), np.nan)


def best_goal(posterior: Posterior, kind: Kind) -> Floats:
    """Return the goal of greatest value; of equals, the lower.

    It lies where the next step up gains less now than it loses later when it is missed: met about six times in ten.
    """
    centre = posterior.mean(posterior.baseline + posterior.q) * kind.unit
    goal, highest = np.zeros_like(centre), np.full_like(centre, -np.inf)
    for offset in OFFSETS:
        candidate = np.clip(np.round((centre + offset * kind.unit) / kind.step) * kind.step, kind.floor, kind.cap)
        value = posterior.value(candidate / kind.unit)
        better = value > highest + TOLERANCE
        goal, highest = np.where(better, candidate, goal), np.where(better, value, highest)
    return goal


def step_rule(last_goal: Floats, last_amount: Floats, step: float, last_asked: Floats | None = None) -> Floats:
    """Return the last goal times 1.1 when it was met and times 0.9 when not, to the next step that way.

    Met is what was asked for, where that was less than the goal.
    """
    asked = last_goal if last_asked is None else last_asked
    raised = np.ceil(np.round(last_goal * RAISED / step, 6)) * step
    lowered = np.floor(np.round(last_goal * LOWERED / step, 6)) * step
    return np.where(last_amount >= asked, raised, np.where(np.isnan(last_amount), last_goal, lowered))


def first_goal(usual: Floats, target: Floats, kind: Kind) -> Floats:
    """Return a first goal: what the person wants, but not more than a step above what they do."""
    known = np.fmin(target, np.ceil(usual / kind.step) * kind.step + kind.step)
    return np.where(np.isnan(known), np.nan if kind.start is None else kind.start, known)


def limited(goal: Floats, people: People, usual: Floats, kind: Kind) -> tuple[Floats, dict[str, Booleans]]:
    """Return the goal within change, floor, cap and guards, and which of these changed it."""
    rules: dict[str, Booleans] = {}

    def apply(name: str, allowed: Floats) -> None:
        nonlocal goal
        rules[name] = np.abs(allowed - goal) > TOLERANCE
        goal = allowed

    last = people.last_goal
    # Training rises from what a person does, where that is more than was asked.
    done_or_asked = np.fmax(last, usual)
    highest = np.maximum(np.floor(done_or_asked * (1 + kind.rise) / kind.step) * kind.step, last + kind.step)
    lowest = np.minimum(np.ceil(last * (1 - kind.fall) / kind.step) * kind.step, last - kind.step)
    resting = np.fmax(np.floor(np.fmin(last, usual) / kind.step) * kind.step, kind.floor)
    # Held where it was: at the most that the last eight weeks asked for, else what the person does, else where all start.
    highest_asked = np.fmax(last, np.fmax.reduce(people.goals, axis=1))
    done = np.floor(usual / kind.step) * kind.step
    start = np.nan if kind.start is None else kind.start
    held = np.where(np.isnan(highest_asked), np.where(np.isnan(done), start, done), highest_asked)
    mended = np.floor(np.nan_to_num(usual) * INJURED_SHARE / kind.step) * kind.step
    apply("largest_rise", np.fmin(goal, highest))
    apply("largest_fall", np.fmax(goal, lowest))
    apply("floor", np.maximum(goal, kind.floor))
    apply("cap", np.minimum(goal, kind.cap))
    apply("worn_out", np.where(people.worn_out, np.fmin(goal, resting), goal))
    apply("stated_constraint", np.where(people.held, np.fmin(goal, np.fmax(held, kind.floor)), goal))
    apply("injured", np.where(people.injured, np.minimum(goal, mended), goal))
    return goal, rules


def _recommend_some(people: People, kind: Kind) -> Recommendation:
    periods = (~np.isnan(people.amounts)).sum(axis=1)
    usual = usual_amount(people.amounts)
    rich = periods >= MIN_PERIODS
    goal = step_rule(people.last_goal, people.amounts[:, -1], kind.step, people.last_asked)
    strategy = np.where(rich, ESTIMATED, np.where(np.isnan(goal), START, STEP_RULE))
    goal = np.where(np.isnan(goal), first_goal(usual, people.target, kind), goal)
    planned, baseline, responsiveness, gain = np.full((4, len(goal)), np.nan)
    posterior = None
    if rich.any():
        found, posterior = estimate(people.amounts[rich] / kind.unit, people.goals[rich] / kind.unit)
        goal[rich] = best_goal(posterior, kind)
        for column, value in (
            (planned, found.planned), (baseline, found.baseline), (responsiveness, found.current), (gain, found.gain)
        ):  # fmt: skip
            column[rich] = value * kind.unit
    full, rules = limited(goal, people, usual, kind)
    goal = np.fmin(full, unloaded_minutes(full, people.unloading_sessions, people.longest_session))
    rules["unloading"] = full - goal > TOLERANCE
    # Thin history: the share of known periods that would have met the goal, drawn towards a half.
    probability = ((people.amounts >= goal[:, None]).sum(axis=1) + 1) / (periods + 2)
    if posterior is not None:
        probability[rich] = posterior.success(goal[rich] / kind.unit, kind.step / kind.unit / 2)
    strategy = np.where(rules["injured"] | rules["worn_out"], RECOVERY, strategy)
    return Recommendation(
        goal, full, planned, usual, probability, strategy, periods, baseline, responsiveness, gain, **rules
    )  # fmt: skip


def recommend(people: People, kind: Kind) -> Recommendation:
    """Return the goals of people for one kind; NaN where there is nothing to set one by (no steps counted).

    People are handled some hundreds at a time, which is what fits in the processor's cache, on two threads.
    """
    starts = range(0, max(len(people.amounts), 1), PEOPLE_AT_ONCE)
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = list(pool.map(lambda start: _recommend_some(people.part(start, PEOPLE_AT_ONCE), kind), starts))
    return Recommendation(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Recommendation))
    )


def difficulty(probability: Floats) -> Texts:
    """Return easy (met with 0.7 or more), moderate (0.5 or more) or hard."""
    return np.where(probability >= EASY, "easy", np.where(probability >= MODERATE, "moderate", "hard"))
