"""Which triggers fire, and which interventions are out of the question for a person, and why: Polars expressions."""

from collections.abc import Iterable, Mapping

import polars as pl

from habitlake.contracts.intervention import Channel
from interventions.caps import CHANNEL_CAP, full
from interventions.catalogue import Catalogue
from interventions.entries import Cap, Condition, Guard, Intervention, Operator, placeholders

COOL_DOWN = "cool_down"


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


def holds(condition: Condition) -> pl.Expr:
    """Return whether the condition holds; false when its value is not known."""
    return compares(condition.value, condition.operator, condition.threshold)


def all_hold(conditions: Iterable[Condition]) -> pl.Expr:
    """Return whether every condition holds."""
    return pl.all_horizontal([holds(condition) for condition in conditions])


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


def chosen_channel(intervention: Intervention, caps: Mapping[Channel, Cap]) -> pl.Expr:
    """Return the first channel that can reach the person and is not full; null without any."""
    open_to = [
        pl.when(reaches(channel) & ~full(channel, caps)).then(pl.lit(channel)) for channel in intervention.channels
    ]
    return pl.coalesce(*open_to, pl.lit(None, pl.String))


def guarded(guard: Guard, intervention: Intervention) -> bool:
    """Return whether the guard keeps the intervention from people for whom it holds."""
    return intervention.pushes if guard.all_but is None else guard.all_but not in intervention.triggers


def excluded(intervention: Intervention, guards: Iterable[Guard], caps: Mapping[Channel, Cap]) -> pl.Expr:
    """Return why the intervention is not for this person, or null when it is; the first reason found.

    Guards come first, then contraindications, requirements and channels. Cool-down is not among them: it needs
    what was sent before (``candidates``).
    """
    reasons = [
        pl.when(all_hold(guard.conditions)).then(pl.lit(guard.reason))
        for guard in guards
        if guarded(guard, intervention)
    ]
    for group in intervention.contraindications:
        text = "contraindicated: " + " and ".join(str(condition) for condition in group)
        reasons.append(pl.when(all_hold(group)).then(pl.lit(text)))
    reasons += [
        pl.when(~holds(condition)).then(pl.lit(f"required: {condition}")) for condition in intervention.requires
    ]
    reached = pl.any_horizontal([reaches(channel) for channel in intervention.channels])
    reasons.append(pl.when(~reached).then(pl.lit("no channel reaches the person")))
    reasons.append(pl.when(chosen_channel(intervention, caps).is_null()).then(pl.lit(CHANNEL_CAP)))
    return pl.coalesce(*reasons)


def used_values(catalogue: Catalogue) -> list[str]:
    """Return the values that any trigger, rule or message may use, sorted: what a decision must record."""
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
