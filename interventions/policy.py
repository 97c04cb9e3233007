"""The policy: who is available, which interventions are candidates, with which probability one is sent.

Version 1. Score = 0.4 base effectiveness + 0.3 personal match + 0.2 history + 0.1 context (the founding
document's weights). The best candidate is sent with its score as probability, clipped to [0.1, 0.8], so
that the effect of sending can be estimated later. Everything here is a pure function of frames.
"""

import json

import polars as pl

from interventions.library import DEFAULT_LANGUAGE, DEFAULT_STYLE, PLACEHOLDER, Intervention, template_for
from interventions.triggers import TRIGGERS

POLICY_VERSION = "v1"
PROBABILITY_BOUNDS = (0.1, 0.8)
WEIGHTS = {"base": 0.4, "personal": 0.3, "history": 0.2, "context": 0.1}
NEUTRAL = 0.5
WEEKLY_CAP = 5
ADULT_AGE = 18
NO_ACTION = "none"
PRIORITY = {trigger.name: trigger.priority for trigger in TRIGGERS}


def unavailable_reasons() -> pl.Expr:
    """Return the list of reasons why nothing may be sent to a person; empty when something may."""
    reasons = {
        "opted_out": ~pl.col("notifications_allowed").fill_null(value=True),
        "minor": (pl.col("age") < ADULT_AGE).fill_null(value=False),
        "no_sign_of_use_28d": pl.col("observed_days_28d") == 0,
        "weekly_cap": pl.col("interventions_7d") >= WEEKLY_CAP,
        "no_trigger": pl.col("triggers").list.len() == 0,
    }
    return pl.concat_list([pl.when(condition).then(pl.lit(name)) for name, condition in reasons.items()]).list.drop_nulls()


def _pairs(library: tuple[Intervention, ...]) -> pl.DataFrame:
    """Return one row per (trigger, intervention) of the library."""
    return pl.DataFrame(
        [
            {
                "trigger": trigger,
                "action": entry.action,
                "channel": entry.channel,
                "base": entry.base_effectiveness,
                "context": round(1 - (PRIORITY[trigger] - 1) / len(PRIORITY), 6),
            }
            for entry in library
            for trigger in entry.triggers
        ]
    )


def candidates(people: pl.DataFrame, library: tuple[Intervention, ...]) -> pl.DataFrame:
    """Return every candidate of every person with its score and why it is excluded, if it is.

    Returns
    -------
    polars.DataFrame
        One row per person, trigger and intervention: user_id, trigger, action, channel, score, excluded.
    """
    entries = {entry.action: entry for entry in library}
    styles = {entry.action: {style for texts in entry.templates.values() for style in texts} for entry in library}
    pairs = people.explode("triggers", keep_nulls=False, empty_as_null=False).rename({"triggers": "trigger"}).join(
        _pairs(library), on="trigger", how="inner"
    )
    excluded = pl.when((pl.col("injured") > 0) & (pl.col("action") != "recovery_day")).then(pl.lit("injured"))
    personal = pl.lit(NEUTRAL)
    for action, entry in entries.items():
        is_action = pl.col("action") == action
        if columns := entry.placeholders():
            thin = pl.any_horizontal(
                *(pl.col(column).is_null() for column in columns),
                *(pl.col(column) < least for column, least in entry.at_least.items()),
            )
            excluded = excluded.when(is_action & thin).then(pl.lit("evidence_missing"))
        matching = is_action & pl.col("communication_style").is_in(list(styles[action]))
        personal = pl.when(matching).then(pl.lit(1.0)).otherwise(personal)
    score = (
        WEIGHTS["base"] * pl.col("base")
        + WEIGHTS["personal"] * personal
        + WEIGHTS["history"] * NEUTRAL
        + WEIGHTS["context"] * pl.col("context")
    )
    return pairs.with_columns(score=score.round(6), excluded=excluded).select(
        "user_id", "trigger", "action", "channel", "score", "excluded"
    )


def choose(people: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Add to each person the best candidate that is not excluded, and all candidates as JSON.

    Ties go to the more urgent trigger, then to the name of the action, never to the order of rows.
    """
    ranked = found.with_columns(priority=pl.col("trigger").replace_strict(PRIORITY, return_dtype=pl.Int64)).sort(
        ["user_id", pl.col("score"), "priority", "action"], descending=[False, True, False, False]
    )
    best = ranked.filter(pl.col("excluded").is_null()).unique("user_id", keep="first", maintain_order=True)
    as_json = pl.struct("action", "channel", "trigger", "score", "excluded").struct.json_encode()
    told = ranked.group_by("user_id", maintain_order=True).agg(candidates=as_json.str.join(","))
    return (
        people.join(best.select("user_id", "action", "channel", "score"), on="user_id", how="left")
        .join(told, on="user_id", how="left")
        .with_columns(candidates=pl.format("[{}]", pl.col("candidates").fill_null("")))
    )


def probabilities() -> pl.Expr:
    """Return the probability of sending: the score within its bounds for the available, 0 for the others."""
    low, high = PROBABILITY_BOUNDS
    return pl.when(pl.col("available")).then(pl.col("score").clip(low, high).round(6)).otherwise(0.0)


def _number(name: str) -> pl.Expr:
    """Return a person's own number as text: whole numbers as such, others with one decimal."""
    value = pl.col(name)
    rounded = value.cast(pl.Float64).round(1)
    return pl.when(rounded == rounded.round(0)).then(rounded.cast(pl.Int64).cast(pl.String)).otherwise(rounded.cast(pl.String))


def _filled(template: str) -> pl.Expr:
    parts: list[pl.Expr] = []
    position = 0
    for found in PLACEHOLDER.finditer(template):
        parts += [pl.lit(template[position : found.start()]), _number(found.group(1))]
        position = found.end()
    return pl.concat_str([*parts, pl.lit(template[position:])])


def messages(library: tuple[Intervention, ...]) -> pl.Expr:
    """Return the text for each person's action, language and style; null where there is no action."""
    text: pl.Expr = pl.lit(None, dtype=pl.String)
    for entry in library:
        for language, styles in entry.templates.items():
            speaks = pl.col("language").fill_null(DEFAULT_LANGUAGE) == language
            if language == DEFAULT_LANGUAGE:
                speaks = ~pl.col("language").fill_null(DEFAULT_LANGUAGE).is_in([name for name in entry.templates if name != language])
            for style in styles:
                wants = pl.col("communication_style").fill_null(DEFAULT_STYLE) == style
                if style == DEFAULT_STYLE:
                    wants = ~pl.col("communication_style").fill_null(DEFAULT_STYLE).is_in([name for name in styles if name != style])
                chosen = (pl.col("action") == entry.action) & speaks & wants
                text = pl.when(chosen).then(_filled(template_for(entry, language, style))).otherwise(text)
    return text


def payloads(library: tuple[Intervention, ...]) -> pl.Expr:
    """Return the JSON payload of each person's action."""
    by_action = {entry.action: json.dumps(entry.payload, sort_keys=True) for entry in library}
    return pl.col("action").replace_strict(by_action, default="{}", return_dtype=pl.String)
