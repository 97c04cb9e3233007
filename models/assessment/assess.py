"""From the predictions and features of people to what to do next, what to expect, and what is within reach."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from habitlake.tables import MODELS
from models.assessment.rules import ACTIONS, FORECASTS, KEEP_GOING, OPPORTUNITIES, Rule

MOST_ACTIONS = 3
DECIMALS = 3
# Level by how many times the usual odds a person's are, at least; below all it is low.
LEVELS = (("high", 4.0), ("raised", 2.0), ("usual", 0.5))
LOW = "low"
NO_MODEL, NOT_FOR_PERSON = "no model in force", "not for this person"


def usual_rate(calibration: Sequence[Mapping[str, float]]) -> float:
    """Return how often the event came about among the people by whom a version was judged."""
    rows = sum(part["rows"] for part in calibration)
    return sum(part["observed"] * part["rows"] for part in calibration) / rows


def level(model: str, rate: float | None) -> pl.Expr:
    """Return high, raised, usual or low by the person's odds against the usual ones; null without a probability."""
    probability = pl.col(f"{model}_probability")
    if rate is None or not 0 < rate < 1:
        return pl.lit(None, pl.String)
    times = probability / (1 - probability) / (rate / (1 - rate))
    named = pl.when(probability.is_null()).then(None)
    for name, least in LEVELS:
        named = named.when(times >= least).then(pl.lit(name))
    return named.otherwise(pl.lit(LOW))


def _number(name: str, schema: pl.Schema) -> pl.Expr:
    return pl.col(name).round(DECIMALS) if schema[name].is_float() else pl.col(name)


def _entries(rows: pl.DataFrame, rule: Rule, order: int, name: str) -> pl.DataFrame:
    """Return row, order and the rule with its numbers as JSON."""
    numbers = pl.struct(_number(column, rows.schema).alias(column) for column in rule.because)
    entry = pl.struct(pl.lit(rule.name).alias(name), numbers.alias("because")).struct.json_encode()
    return rows.select("row", order=pl.lit(order, pl.Int32), entry=entry)


def listed(
    people: pl.DataFrame, rules: Sequence[Rule], *, name: str, most: int | None = None, otherwise: Rule | None = None
) -> pl.Series:
    """Return per row of people a JSON list of the rules that fire, in their order, with their numbers.

    Parameters
    ----------
    name
        What a rule of this kind is called in the list.
    most
        The first so many of each person; all where it is None.
    otherwise
        What is said where no rule fires.
    """
    rows = people.with_row_index("row")
    # Texts are made of those alone for whom a rule fires.
    together = pl.concat(_entries(rows.filter(rule.when), rule, order, name) for order, rule in enumerate(rules))
    if otherwise is not None:
        quiet = rows.join(together.select("row").unique(), on="row", how="anti")
        together = pl.concat([together, _entries(quiet, otherwise, len(rules), name)])
    entries = pl.col("entry") if most is None else pl.col("entry").head(most)
    lists = together.sort("row", "order").group_by("row").agg(entries.str.join(","))
    found = rows.select("row").join(lists, on="row", how="left", maintain_order="left")
    return found.select(pl.format("[{}]", pl.col("entry").fill_null(""))).to_series()


def forecasts(people: pl.DataFrame, in_force: Mapping[str, Any]) -> pl.Series:
    """Return per row of people a JSON list of what may come, each with its probability and level, or why it is not known."""
    encoded = []
    for model in FORECASTS:
        known = pl.col(f"{model}_probability").is_not_null()
        unknown = NOT_FOR_PERSON if model in in_force else NO_MODEL
        encoded.append(
            pl.struct(
                pl.lit(model).alias("what"),
                pl.col(f"{model}_probability").round(DECIMALS).alias("probability"),
                pl.col(f"{model}_level").alias("level"),
                pl.when(known).then(None).otherwise(pl.lit(unknown)).alias("not_known"),
            ).struct.json_encode()
        )
    return people.select(pl.format("[{}]", pl.concat_str(encoded, separator=","))).to_series()


def assess(people: pl.DataFrame, predictions: pl.DataFrame, rates: Mapping[str, float]) -> pl.DataFrame:
    """Return action_plan, forecasts and opportunities of people, JSON each, in their order.

    Parameters
    ----------
    people
        gold.user_features rows.
    predictions
        Columns of gold.user_predictions of the same people in the same order: the outputs of all models, null where none
        is in force or it is not for the person.
    rates
        How often the event of each model in force comes about; models of an amount need none.
    """
    outputs = [output for model in MODELS.values() for output in model.outputs]
    said = predictions.select(pl.col(output) for output in outputs)
    # A model that is not in force says nothing of anybody, as a number.
    said = said.with_columns(pl.col(pl.Null).cast(pl.Float64))
    known = pl.concat([people.drop(outputs, strict=False), said], how="horizontal")
    events = [model.name for model in MODELS.values() if not model.is_amount]
    known = known.with_columns(level(model, rates.get(model)).alias(f"{model}_level") for model in events)
    return pl.DataFrame(
        {
            "action_plan": listed(known, ACTIONS, name="action", most=MOST_ACTIONS, otherwise=KEEP_GOING),
            "forecasts": forecasts(known, rates),
            "opportunities": listed(known, OPPORTUNITIES, name="opportunity"),
        }
    )
