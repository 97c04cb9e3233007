"""Successful contexts and risk factors of a person as JSON lists, from context patterns and the features of a night."""

import polars as pl

from habitlake.tables.people import ANY

LISTED = 5
CIRCUMSTANCES = ("time_slot", "weekday", "weather_band", "location", "with_whom")
NUMBERS = ("success_rate", "shrunken_rate", "frequency", "confidence", "attempts", "completed")
# Adults need at least seven hours of sleep (Watson 2015): an hour less than the eight that the debt is counted from.
SLEEP_DEBT_HOURS = 1.0
# Points a day: one and a half on the scale from 1 to 10 within the 30 days of the trend.
STRESS_RISE = 0.05
# Foster 1998.
HIGH_MONOTONY = 2.0


def _text(name: str, value: pl.Expr) -> pl.Expr:
    """Return a field of text; the texts are this package's own words, in which nothing has to be escaped."""
    return pl.concat_str(pl.lit(f'"{name}":"'), value, pl.lit('"'))


def _number(name: str, value: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit(f'"{name}":'), value.cast(pl.String))


def _entry(*fields: pl.Expr) -> pl.Expr:
    """Return an entry of a list; fields that are null are left out."""
    return pl.concat_str(pl.lit("{"), pl.concat_str(fields, separator=",", ignore_nulls=True), pl.lit("}"))


def json_list(entries: pl.Expr) -> pl.Expr:
    """Return the list of entries that are separated by commas already; empty without any."""
    return pl.concat_str(pl.lit("["), entries.fill_null(""), pl.lit("]"))


def _pattern() -> pl.Expr:
    """Return a context pattern as an entry; a dimension over which the pattern runs is left out."""
    return _entry(
        pl.lit('"kind":"context"'),
        _text("dimension", pl.col("dimension")),
        *(pl.when(pl.col(name) != ANY).then(_text(name, pl.col(name))) for name in CIRCUMSTANCES),
        *(_number(name, pl.col(name)) for name in NUMBERS),
        _text("evidence", pl.col("evidence")),
    )


def context_lists(patterns: pl.LazyFrame) -> pl.LazyFrame:
    """Return per person of a night the best patterns and the worst, the strongest first.

    Columns: user_id, success and risk, each the entries separated by commas; null without any.
    """

    def listed(verdict: str) -> pl.Expr:
        return pl.col("entry").filter(pl.col("verdict") == verdict).str.join(",").replace("", None).alias(verdict)

    return (
        patterns.filter(pl.col("verdict").is_in(["success", "risk"]) & (pl.col("rank") <= LISTED))
        .select("user_id", "verdict", "rank", entry=_pattern())
        .sort("user_id", "rank")
        .group_by("user_id")
        .agg(listed("success"), listed("risk"))
    )


def _over(kind: str, name: str, limit: float, *sentence: pl.Expr) -> pl.Expr:
    """Return the risk of a feature that is at its limit or above, else null."""
    value = pl.col(name)
    return pl.when(value >= limit).then(
        _entry(
            pl.lit(f'"kind":"{kind}"'),
            _number("value", value),
            _number("limit", pl.lit(limit)),
            _text("evidence", pl.concat_str(sentence)),
        )
    )


def body_risks() -> list[pl.Expr]:
    """Return the risks that the features tell as entries, each null where it is none."""

    def tenths(value: pl.Expr) -> pl.Expr:
        return value.round(1, mode="half_away_from_zero").cast(pl.String)

    return [
        _over(
            "sleep_debt", "sleep_debt_hours", SLEEP_DEBT_HOURS,
            tenths(pl.col("sleep_debt_hours")), pl.lit(" hours of sleep short of 8 a night over 7 days"),
        ),
        _over(
            "rising_stress", "stress_level_trend", STRESS_RISE,
            pl.lit("stress rises by "), tenths(pl.col("stress_level_trend") * 7), pl.lit(" points a week"),
        ),
        _over(
            "high_monotony", "monotony", HIGH_MONOTONY,
            pl.lit("the same load day after day: monotony "), tenths(pl.col("monotony")), pl.lit(" over 7 days"),
        ),
        pl.when(pl.col("injured") == 1).then(
            _entry(pl.lit('"kind":"injury"'), _text("evidence", pl.lit("an injury is not resolved")))
        ),
    ]  # fmt: skip


def risk_list() -> pl.Expr:
    """Return risky contexts by rank, then the risks of the body, as JSON."""
    return json_list(pl.concat_str(pl.col("risk"), *body_risks(), separator=",", ignore_nulls=True))
