"""How well an intervention suits a person: the founding document's weights, over what is known today.

score = 0.4 base effectiveness + 0.3 personality + 0.2 history + 0.1 context, each in 0..1

- base effectiveness: the prior of the library.
- personality: mean over what the library says the intervention suits (style, goal, fitness level):
  1 a match, 0.25 no match, 0.5 not known; 0.5 where it suits no one in particular.
- history: (acted on + 1) / (delivered + 2) over 28 nights, so 0.5 without history. Of all interventions alike:
  answers per action are not learned in this version.
- context: 1 minus the week's messages over the weekly cap: who heard little is open to more.
"""

import polars as pl

from interventions.catalogue import Catalogue, Condition, Intervention, placeholders

WEIGHT_BASE, WEIGHT_PERSONALITY, WEIGHT_HISTORY, WEIGHT_CONTEXT = 0.4, 0.3, 0.2, 0.1
MATCH, NEUTRAL, NO_MATCH = 1.0, 0.5, 0.25
WEEKLY_CAP = 5
HISTORY_NIGHTS = 28


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


def personality(intervention: Intervention) -> pl.Expr:
    """Return how well the intervention suits what the profile says, 0.25 to 1."""
    suits = intervention.suits
    named = {"communication_style": suits.styles, "primary_goal": suits.goals, "fitness_level": suits.fitness_levels}
    matches = [
        pl.when(pl.col(column).is_null())
        .then(NEUTRAL)
        .when(pl.col(column).is_in(list(values)))
        .then(MATCH)
        .otherwise(NO_MATCH)
        for column, values in named.items()
        if values
    ]
    return sum(matches[1:], matches[0]) / len(matches) if matches else pl.lit(NEUTRAL)


def history() -> pl.Expr:
    """Return the smoothed share of delivered interventions that the person acted on."""
    rate = (pl.col("acted_28n").fill_null(0) + 1) / (pl.col("delivered_28n").fill_null(0) + 2)
    return rate.clip(0.0, 1.0)


def context() -> pl.Expr:
    """Return how open the week still is to messages."""
    return (1 - pl.col("interventions_7d").fill_null(0) / WEEKLY_CAP).clip(0.0, 1.0)


def score(intervention: Intervention) -> pl.Expr:
    """Return the score of the intervention for each person, 0 to 1, rounded to 6 decimals."""
    return (
        WEIGHT_BASE * intervention.base_effectiveness
        + WEIGHT_PERSONALITY * personality(intervention)
        + WEIGHT_HISTORY * history()
        + WEIGHT_CONTEXT * context()
    ).round(6)


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
