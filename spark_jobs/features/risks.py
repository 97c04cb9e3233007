"""Successful contexts and risk factors of a person as JSON lists, from context patterns and the features of a night."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.tables.people import ANY

LISTED = 5
CIRCUMSTANCES = ("time_slot", "weekday", "weather_band", "location", "with_whom")
NUMBERS = ("success_rate", "shrunken_rate", "frequency", "confidence")
COUNTS = ("attempts", "completed")
# Adults need at least seven hours of sleep (Watson 2015): an hour less than the eight that the debt is counted from.
SLEEP_DEBT_HOURS = 1.0
# Points a day: one and a half on the scale from 1 to 10 within the 30 days of the trend.
STRESS_RISE = 0.05
# Foster 1998.
HIGH_MONOTONY = 2.0
FACTOR = {
    "kind": "string",
    **dict.fromkeys(("dimension", *CIRCUMSTANCES), "string"),
    **dict.fromkeys(NUMBERS, "double"),
    **dict.fromkeys(COUNTS, "bigint"),
    "value": "double",
    "limit": "double",
    "evidence": "string",
}


def _factor(**values: Column) -> Column:
    """Return an entry of a list; what is not given is null, and left out of the JSON."""
    nothing = F.lit(None)
    return F.struct(*(values.get(name, nothing).cast(kind).alias(name) for name, kind in FACTOR.items()))


def _pattern() -> Column:
    """Return a context pattern as an entry; a dimension over which the pattern runs is left out."""
    return _factor(
        kind=F.lit("context"),
        dimension=F.col("dimension"),
        **{name: F.nullif(F.col(name), F.lit(ANY)) for name in CIRCUMSTANCES},
        **{name: F.col(name) for name in (*NUMBERS, *COUNTS, "evidence")},
    )


def context_lists(patterns: DataFrame) -> DataFrame:
    """Return per person and night the best patterns as JSON, and the worst as an array, the strongest first.

    Columns: user_id, night, successful_contexts (JSON) and risky_contexts (array of entries).
    """

    def ranked(verdict: str) -> Column:
        entry = F.struct("rank", _pattern().alias("entry"))
        found = F.array_sort(F.collect_list(F.when(F.col("verdict") == verdict, entry)))
        return F.transform(F.slice(found, 1, LISTED), lambda item: item["entry"])

    return (
        patterns.where(F.col("verdict").isin("success", "risk") & (F.col("rank") <= LISTED))
        .groupBy("user_id", F.col("batch_date").alias("night"))
        .agg(F.to_json(ranked("success")).alias("successful_contexts"), ranked("risk").alias("risky_contexts"))
    )


def _body_risks() -> list[Column]:
    """Return the risks that the features tell, each null where it is none."""

    def over(kind: str, name: str, limit: float, sentence: str, shown: Column | None = None) -> Column:
        value = F.col(name)
        said = F.format_string(sentence, value if shown is None else shown)
        return F.when(value >= limit, _factor(kind=F.lit(kind), value=value, limit=F.lit(limit), evidence=said))

    return [
        over("sleep_debt", "sleep_debt_hours", SLEEP_DEBT_HOURS, "%.1f hours of sleep short of 8 a night over 7 days"),
        over(
            "rising_stress", "stress_level_trend", STRESS_RISE, "stress rises by %.1f points a week",
            F.col("stress_level_trend") * 7,
        ),
        over("high_monotony", "monotony", HIGH_MONOTONY, "the same load day after day: monotony %.1f over 7 days"),
        F.when(F.col("injured") == 1, _factor(kind=F.lit("injury"), evidence=F.lit("an injury is not resolved"))),
    ]  # fmt: skip


def risk_list() -> Column:
    """Return risky contexts by rank, then the risks of the body, as JSON."""
    body = F.filter(F.array(*_body_risks()), lambda factor: factor.isNotNull())
    contexts = F.coalesce("risky_contexts", F.filter(F.array(_factor()), lambda _: F.lit(False)))
    return F.to_json(F.concat(contexts, body))
