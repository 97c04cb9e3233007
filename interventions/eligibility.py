"""Which triggers fire, and which interventions are out of the question for a person, and why."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from habitlake.contracts.intervention import Channel
from habitlake.contracts.profile import HealthCondition
from interventions.catalogue import Catalogue, per_catalogue
from interventions.entries import Condition, Guard, Intervention, Operator, placeholders
from interventions.health import STATED_CONSTRAINT, states

# What a rule asks of a person: a comparison, or whether one of some health conditions is stated.
Question = Condition | tuple[HealthCondition, ...]
COOL_DOWN = "cool_down"
UNREACHED = "no channel reaches the person"


def compares(name: str, operator: Operator, threshold: float) -> pl.Expr:
    """Return whether a value compares with a threshold; false when it is not known."""
    value = pl.col(name).cast(pl.Float64)
    compared = {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
        "==": value == threshold,
    }[operator]
    return compared.fill_null(value=False)


def holds(question: Question) -> pl.Expr:
    """Return whether what is asked holds; false when it is not known."""
    if isinstance(question, tuple):
        return states(question)
    return compares(question.value, question.operator, question.threshold)


def all_hold(conditions: Iterable[Condition]) -> pl.Expr:
    """Return whether every condition holds."""
    return pl.all_horizontal([holds(condition) for condition in conditions])


@per_catalogue
def fired_triggers(catalogue: Catalogue) -> dict[str, pl.Expr]:
    """Return per active trigger, most urgent first, whether it fires.

    One that was on last night (``triggers_before``) stays on until a value crosses its exit threshold.
    """
    fired = {}
    for trigger in catalogue.active_triggers:
        fired[trigger.name] = all_hold(trigger.conditions)
        if any(condition.exit is not None for condition in trigger.conditions):
            was_on = pl.col("triggers_before").list.contains(trigger.name).fill_null(value=False)
            stays = all_hold(condition.leaving for condition in trigger.conditions)
            fired[trigger.name] = fired[trigger.name] | (was_on & stays)
    return fired


def reaches(channel: Channel) -> pl.Expr:
    """Return whether a channel can reach the person: in-app reaches only who used the app this week."""
    return pl.col("app_minutes_7d").fill_null(0.0) > 0 if channel == "in_app" else pl.lit(value=True)


def guarded(guard: Guard, intervention: Intervention) -> bool:
    """Return whether the guard keeps the intervention from people for whom it holds."""
    return intervention.pushes if guard.all_but is None else guard.all_but not in intervention.triggers


@dataclass(frozen=True, slots=True)
class Rule:
    """Why an intervention is excluded: because all conditions hold, or (``required``) because they do not."""

    reason: str
    conditions: tuple[Question, ...]
    required: bool = False


def rules(intervention: Intervention, guards: Iterable[Guard]) -> list[Rule]:
    """Return what excludes an intervention, beside its channels and what was sent before; the first one that holds tells.

    Guards come first, then contraindications and requirements.
    """
    found = [
        Rule(guard.reason, guard.conditions or (guard.health_conditions,))
        for guard in guards
        if guarded(guard, intervention)
    ]
    if intervention.contraindicated_with:
        # Which of them is stated is not told: a reason is kept with the decision.
        found.append(Rule(f"contraindicated: {STATED_CONSTRAINT}", (intervention.contraindicated_with,)))
    found += [
        Rule("contraindicated: " + " and ".join(str(condition) for condition in group), group)
        for group in intervention.contraindications
    ]
    return found + [Rule(f"required: {condition}", (condition,), required=True) for condition in intervention.requires]


@per_catalogue
def used_values(catalogue: Catalogue) -> list[str]:
    """Return the values that any trigger, rule or message may use, sorted: what a decision must record.

    Health conditions are none of them: a decision holds their effect alone.
    """
    names = {"interventions_7d", "app_minutes_7d", "observed_days_28d", "days_since_first_event", "triggers_before"}
    for trigger in catalogue.active_triggers:
        names |= {condition.value for condition in trigger.conditions}
    for guard in catalogue.guards:
        names |= {condition.value for condition in guard.conditions}
    for item in catalogue.active_interventions:
        names |= {condition.value for group in (*item.contraindications, item.requires) for condition in group}
        names |= set(item.payload_values)
        named = {name for _, _, texts in item.texts() for text in texts for name, _ in placeholders(text)}
        names |= named | {catalogue.support[name].count for name in named & catalogue.support.keys()}
    return sorted(names)
