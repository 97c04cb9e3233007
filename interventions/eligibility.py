"""Which triggers fire, and which interventions are out of the question for a person, and why: Polars expressions."""

import polars as pl

from interventions.catalogue import Catalogue, Condition, Intervention, placeholders


def holds(condition: Condition) -> pl.Expr:
    """Return whether the condition holds; false when its value is not known."""
    value = pl.col(condition.value).cast(pl.Float64)
    compared = {
        ">": value > condition.threshold,
        ">=": value >= condition.threshold,
        "<": value < condition.threshold,
        "<=": value <= condition.threshold,
        "==": value == condition.threshold,
    }[condition.operator]
    return compared.fill_null(value=False)


def fired_triggers(catalogue: Catalogue) -> dict[str, pl.Expr]:
    """Return per active trigger, most urgent first, whether it fires."""
    return {
        trigger.name: pl.all_horizontal([holds(condition) for condition in trigger.conditions])
        for trigger in catalogue.active_triggers
    }


def chosen_channel(intervention: Intervention) -> pl.Expr:
    """Return the first channel that can reach the person: in-app reaches only who used the app this week."""
    reachable = [
        pl.when(pl.col("app_minutes_7d").fill_null(0.0) > 0).then(pl.lit(channel))
        if channel == "in_app"
        else pl.lit(channel)
        for channel in intervention.channels
    ]
    return pl.coalesce(*reachable, pl.lit(None, pl.String))


def excluded(intervention: Intervention) -> pl.Expr:
    """Return why the intervention is not for this person, or null when it is."""
    reasons = []
    if intervention.action != "recovery_day":
        reasons.append(pl.when(pl.col("injured").fill_null(0) == 1).then(pl.lit("injured: recovery alone")))
    for group in intervention.contraindications:
        text = "contraindicated: " + " and ".join(str(condition) for condition in group)
        reasons.append(pl.when(pl.all_horizontal([holds(condition) for condition in group])).then(pl.lit(text)))
    reasons += [
        pl.when(~holds(condition)).then(pl.lit(f"required: {condition}")) for condition in intervention.requires
    ]
    reasons.append(pl.when(chosen_channel(intervention).is_null()).then(pl.lit("no channel reaches the person")))
    return pl.coalesce(*reasons)


def used_values(catalogue: Catalogue) -> list[str]:
    """Return the values that any trigger, rule or message may use, sorted: what a decision must record."""
    names = {"injured", "interventions_7d", "app_minutes_7d", "observed_days_28d", "days_since_first_event"}
    for trigger in catalogue.active_triggers:
        names |= {condition.value for condition in trigger.conditions}
    for item in catalogue.interventions:
        names |= {condition.value for group in (*item.contraindications, item.requires) for condition in group}
        names |= set(item.payload_values)
        for styles in item.messages.values():
            names |= {name for texts in styles.values() for text in texts for name, _ in placeholders(text)}
    return sorted(names)
