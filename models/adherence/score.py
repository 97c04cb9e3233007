"""Score every person of the nights with the version in force, or with the one that scored the night before.

``python -m models.adherence.score --start 2026-01-05 [--end 2026-01-06] [--model-version 3|champion|none]``
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from habitlake.clock import Interval
from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, replace_nights, scan_table
from habitlake.nights.ledger import pin_models, pinned_models
from habitlake.settings import Settings
from habitlake.tables import get_table
from models.adherence.config import CONFIG, FEATURES
from models.adherence.estimators import FloatArray
from models.lifecycle.registry import champion_version, load_version

TOP_FACTORS = 5
DECIMALS = 6
Z_95 = 1.959964
THIN_DAYS = 7
PARTIAL_NULLS = 0.25


def versions_in_force(interval: Interval, chosen: str | None, settings: Settings) -> dict[date, str | None]:
    """Return the model version of each night: the one asked for, else the one that scored it before, else champion."""
    if chosen == "none":
        return dict.fromkeys(interval.nights())
    if chosen not in (None, "champion"):
        return dict.fromkeys(interval.nights(), chosen)
    pinned = {} if chosen == "champion" else pinned_models(interval, settings)
    champion = champion_version(CONFIG.name, settings) if len(pinned) < len(interval) else None
    return {night: pinned[night].get(CONFIG.name) if night in pinned else champion for night in interval.nights()}


def confidence(score: FloatArray, calibration: Sequence[Mapping[str, float]]) -> FloatArray:
    """Return 1 minus the width of the 95 % Wilson interval of the observed rate in the score's calibration bin.

    The people of the bin are its sample size, since rows of one person repeat one another.
    """
    uppers = np.array([part["upper"] for part in calibration])
    people = np.array([part["people"] for part in calibration], dtype=np.float64)
    rate = np.array([part["observed"] for part in calibration])
    width = 2 * Z_95 / (1 + Z_95**2 / people) * np.sqrt(rate * (1 - rate) / people + Z_95**2 / (4 * people**2))
    return np.asarray(1 - width[np.minimum(np.searchsorted(uppers, score), len(uppers) - 1)])


def top_factors(rows: pl.DataFrame, contributions: FloatArray, features: Sequence[str]) -> pl.Series:
    """Return the largest contributions to the log-odds per row as JSON, largest first."""
    parts = contributions[:, : len(features)]
    order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :TOP_FACTORS]
    values = rows.select(pl.col(name).cast(pl.Float64) for name in features).to_numpy()
    row = np.arange(len(parts))
    names = np.array(features)
    encoded = [
        pl.DataFrame(
            {
                "feature": names[order[:, rank]],
                "value": np.round(values[row, order[:, rank]], DECIMALS),
                "contribution": np.round(parts[row, order[:, rank]], 4),
            }
        )
        .with_columns(pl.col("value").fill_nan(None))
        .select(pl.struct(pl.all()).struct.json_encode().alias(str(rank)))
        for rank in range(order.shape[1])
    ]
    return (
        pl.concat(encoded, how="horizontal")
        .select(pl.format("[{}]", pl.concat_str(pl.all(), separator=",")))
        .to_series()
    )


def input_quality() -> pl.Expr:
    """Return thin below 7 observed days in 28, partial with more than a quarter of the features missing, else complete."""
    nulls = pl.sum_horizontal(pl.col(name).is_null().cast(pl.Int64) for name in FEATURES)
    return (
        pl.when(pl.col("observed_days_28d") < THIN_DAYS)
        .then(pl.lit("thin"))
        .when(nulls > PARTIAL_NULLS * len(FEATURES))
        .then(pl.lit("partial"))
        .otherwise(pl.lit("complete"))
    )


def score(people: pl.DataFrame, bundle: Mapping[str, Any], version: str) -> pl.DataFrame:
    """Return gold.predictions rows of the people.

    Parameters
    ----------
    people
        gold.user_features rows.
    bundle
        A registered version: estimator, calibration, feature service.
    """
    estimator = bundle["estimator"]
    # float32 trees and BLAS differ in the last digits between machines; six decimals are what is promised.
    probability = np.round(estimator.predict(people), DECIMALS)
    return people.select(
        "batch_date",
        "user_id",
        pl.lit(CONFIG.name).alias("model"),
        pl.lit(version).alias("model_version"),
        pl.lit(bundle["feature_service"]).alias("feature_service"),
        pl.Series("probability", probability),
        pl.Series("confidence", np.round(confidence(probability, bundle["calibration"]), DECIMALS)),
        top_factors(people, estimator.contributions(people), estimator.features).alias("top_factors"),
        input_quality().alias("input_quality"),
    )


def run(context: JobContext) -> Mapping[str, object]:
    """Score the nights and record which version scored each."""
    settings, interval = context.settings, context.interval
    versions = versions_in_force(interval, context.options.model_version, settings)
    frames = []
    for version in sorted({version for version in versions.values() if version is not None}):
        nights = [night for night, own in versions.items() if own == version]
        people = (
            scan_table("gold.user_features", settings, nights=interval)
            .filter(pl.col("batch_date").is_in(nights))
            .collect()
        )
        if people.height:
            frames.append(score(people, load_version(CONFIG.name, version, settings), version))
    schema = arrow_schema(get_table("gold.predictions"))
    table = pl.concat(frames).select(schema.names).to_arrow().cast(schema) if frames else schema.empty_table()
    rows = replace_nights(table, "gold.predictions", interval, settings)
    pin_models({night: {CONFIG.name: version} if version else {} for night, version in versions.items()}, settings)
    if not frames:
        context.log.warning("no model in force: decisions use features alone")
    return {"rows": rows, "versions": sorted({version or "none" for version in versions.values()})}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model-version", help="a version, champion (ignore what scored the night before) or none")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("score", run, description=__doc__ or "", argv=argv, add_arguments=_arguments)


if __name__ == "__main__":
    sys.exit(main())
