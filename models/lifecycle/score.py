"""Score everybody of the nights with every model in force, or with the versions that scored the night before.

Challengers score in the same pass, in shadow (``lifecycle.shadow``).

``python -m models.lifecycle.score --start 2026-01-05 [--end 2026-01-06] [--model-version adherence=3|champion|none]``
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, replace_nights_stream, scan_table
from habitlake.nights.ledger import pin_models
from habitlake.tables import MODELS, get_table
from models.assessment.assess import assess, usual_rate
from models.catalogue import SPECS
from models.lifecycle.days import Known, of_day, read_known, with_days
from models.lifecycle.estimators import FloatArray
from models.lifecycle.metrics import Z_95
from models.lifecycle.monitor import write_health
from models.lifecycle.registry import load_version
from models.lifecycle.sequences import scan_sequences, with_sequence
from models.lifecycle.shadow import load_challengers, score_in_shadow, write_shadow
from models.lifecycle.spec import ModelSpec, Target
from models.lifecycle.told import days_told, predict, rounded, skips_told, top_factors, trajectory
from models.lifecycle.versions import FEATURES, Bundles, Versions, runs_of_nights, versions_of

TABLE = "gold.predictions"
RECORDS = "gold.user_predictions"
OUTPUTS = ("probability", "value", "value_low", "value_high")
INPUTS = sorted({name for model in MODELS.values() for name in model.features})
THIN_DAYS = 7
PARTIAL_NULLS = 0.25
PEOPLE_PER_CHUNK = 100_000


def confidence(score: FloatArray, calibration: Sequence[Mapping[str, float]]) -> FloatArray:
    """Return 1 minus the width of the 95 % Wilson interval of the observed rate in the score's calibration bin.

    The people of the bin are its sample size, since rows of one person repeat one another.
    """
    uppers = np.array([part["upper"] for part in calibration])
    people = np.array([part["people"] for part in calibration], dtype=np.float64)
    rate = np.array([part["observed"] for part in calibration])
    width = 2 * Z_95 / (1 + Z_95**2 / people) * np.sqrt(rate * (1 - rate) / people + Z_95**2 / (4 * people**2))
    return np.asarray(1 - width[np.minimum(np.searchsorted(uppers, score), len(uppers) - 1)])


def amount_confidence(value: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return 1 minus half the width of the interval over the amount (at least 1), not below 0."""
    return np.asarray(np.clip(1 - (high - low) / 2 / np.maximum(value, 1), 0, 1))


def input_quality(features: Sequence[str]) -> pl.Expr:
    """Return thin below 7 observed days in 28, partial with more than a quarter of the features missing, else complete."""
    nulls = pl.sum_horizontal(pl.col(name).is_null().cast(pl.Int64) for name in features)
    return (
        pl.when(pl.col("observed_days_28d") < THIN_DAYS)
        .then(pl.lit("thin"))
        .when(nulls > PARTIAL_NULLS * len(features))
        .then(pl.lit("partial"))
        .otherwise(pl.lit("complete"))
    )


def score(people: pl.DataFrame, spec: ModelSpec, bundle: Mapping[str, Any], version: str) -> pl.DataFrame:
    """Return gold.predictions rows of the people whom the model is for.

    Parameters
    ----------
    people
        gold.user_features rows, with ``sequence`` and ``days`` where the version reads them.
    bundle
        A registered version: estimator, calibration, feature service, figures, reference (for drift).
    """
    estimator = bundle["estimator"]
    own = people.filter(spec.eligible)
    predicted, chances = predict(spec, estimator, own)
    # What speaks for and against a single number that is of the first day is of that day.
    rows = own if chances is None else of_day(own, 1)
    if spec.target is Target.EVENT:
        columns = {"probability": predicted, "confidence": confidence(predicted, bundle["calibration"])}
    else:
        low, high = (rounded(end) for end in estimator.interval(own))
        columns = {
            "value": predicted,
            "value_low": low,
            "value_high": high,
            "confidence": amount_confidence(predicted, low, high),
        }
    return own.select(
        "batch_date",
        "user_id",
        pl.lit(spec.name).alias("model"),
        pl.lit(version).alias("model_version"),
        pl.lit(bundle["feature_service"]).alias("feature_service"),
        *(pl.Series(name, rounded(values)) for name, values in columns.items()),
        *(pl.lit(None, pl.Float64).alias(name) for name in OUTPUTS if name not in columns),
        trajectory(estimator, own).alias("trajectory"),
        days_told(own, chances).alias("days"),
        skips_told(own, chances).alias("skips"),
        top_factors(rows, estimator.contributions(rows), estimator.features).alias("top_factors"),
        input_quality(spec.features).alias("input_quality"),
    )


def record(people: pl.DataFrame, scored: Mapping[str, pl.DataFrame], rates: Mapping[str, float]) -> pl.DataFrame:
    """Return gold.user_predictions of people: what each model says of them, side by side, and what follows from it.

    Parameters
    ----------
    scored
        gold.predictions rows by model.
    rates
        How often the event of each model in force comes about.
    """
    keys = ["batch_date", "user_id"]
    versions = {name: own["model_version"].first() for name, own in scored.items()}
    wide = people.select(
        *keys,
        "event_timestamp",
        "created_timestamp",
        pl.lit(json.dumps(versions)).alias("model_versions"),
        input_quality(INPUTS).alias("input_quality"),
    )
    for name, model in MODELS.items():
        if name in scored:
            own = scored[name].select(
                *keys, *(pl.col(source).alias(output) for output, source in model.outputs.items())
            )
            wide = wide.join(own, on=keys, how="left", maintain_order="left")
        else:
            wide = wide.with_columns(pl.lit(None).alias(output) for output in model.outputs)
    return wide.hstack(assess(people, wide, rates)).select(get_table(RECORDS).column_names)


@dataclass(frozen=True, slots=True)
class Run:
    """Nights that the same versions score: their gold.user_features, and what else a version reads."""

    features: pl.LazyFrame
    versions: Versions
    sequences: pl.LazyFrame | None
    days: Known | None


def score_nights(
    runs: Sequence[Run],
    bundles: Bundles,
    records: list[pl.DataFrame],
    shadow: list[pl.DataFrame],
) -> Iterator[pa.Table]:
    """Yield gold.predictions in the order of its key, some people at a time, so that memory stays bounded.

    Parameters
    ----------
    records
        Takes gold.user_predictions of the same people.
    shadow
        Takes gold.shadow_predictions of the same people.
    """
    # Each attempt to commit starts anew.
    records.clear()
    shadow.clear()
    schema = arrow_schema(get_table(TABLE))
    for nights in runs:
        in_force = nights.versions.champions
        specs = [spec for spec in SPECS if spec.name in in_force]
        calibrations = {spec.name: bundles[spec.name, in_force[spec.name]]["calibration"] for spec in specs}
        rates = {name: usual_rate(bins) for name, bins in calibrations.items() if bins}
        people = nights.features.collect().sort("batch_date", "user_id")
        sequences = None if nights.sequences is None else nights.sequences.collect()
        for features in people.iter_slices(PEOPLE_PER_CHUNK):
            part = features if sequences is None else with_sequence(features, sequences)
            part = part if nights.days is None else with_days(part, nights.days)
            if watched := score_in_shadow(part, nights.versions.challengers, bundles):
                shadow.append(pl.concat(watched).sort("batch_date", "user_id", "model"))
            scored = {
                spec.name: score(part, spec, bundles[spec.name, in_force[spec.name]], in_force[spec.name])
                for spec in specs
                if part.select(spec.eligible.any()).item()
            }
            if not scored:
                continue
            records.append(record(features, scored, rates))
            rows = pl.concat(scored.values(), how="diagonal").select(schema.names)
            yield rows.sort("batch_date", "user_id", "model").to_arrow().cast(schema)


def run(context: JobContext) -> Mapping[str, object]:
    """Score the nights and record which versions scored each."""
    settings, interval = context.settings, context.interval
    versions = versions_of(interval, context.options.model_version, settings)
    wanted = sorted({pair for own in versions.values() for pair in own.champions.items()})
    bundles = {(name, version): load_version(name, version, settings) for name, version in wanted}
    watched = sorted({pair for own in versions.values() for pair in own.challengers.items()})
    bundles = {**load_challengers(watched, settings), **bundles}
    reads_sequence = {pair for pair, own in bundles.items() if getattr(own["estimator"], "needs_sequence", False)}
    reads_days = {pair for pair in bundles if pair[0] in {spec.name for spec in SPECS if spec.days}}
    # The writer consumes the rows on its own threads, where the table's log must not be read.
    runs = [
        Run(
            scan_table(FEATURES, settings, nights=nights),
            own,
            scan_sequences(nights, settings) if reads_sequence & own.pairs else None,
            read_known([*nights.nights()], settings) if reads_days & own.pairs else None,
        )
        for nights, own in runs_of_nights(versions, settings)
        if own
    ]
    records: list[pl.DataFrame] = []
    shadow: list[pl.DataFrame] = []
    rows = replace_nights_stream(lambda: score_nights(runs, bundles, records, shadow), TABLE, interval, settings)
    replace_nights_stream(lambda: (part.to_arrow() for part in records), RECORDS, interval, settings)
    in_shadow = write_shadow(shadow, interval, settings)
    pin_models(
        {night: own.champions for night, own in versions.items()},
        {night: own.challengers for night, own in versions.items()},
        settings,
    )
    alarms = write_health(interval, versions, bundles, settings)
    if not wanted:
        context.log.warning("no model in force: decisions use features alone")
    return {
        "rows": rows,
        "in_shadow": in_shadow,
        "alarms": alarms,
        "versions": [f"{name} {version}" for name, version in wanted],
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model-version",
        action="append",
        default=[],
        help="model=version (may be given several times), champion (ignore what scored the night before) or none",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("score", run, description=__doc__ or "", argv=argv, add_arguments=_arguments)


if __name__ == "__main__":
    sys.exit(main())
