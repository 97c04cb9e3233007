"""Score everybody of the nights with every model in force, or with the versions that scored the night before.

``python -m models.lifecycle.score --start 2026-01-05 [--end 2026-01-06] [--model-version adherence=3|champion|none]``
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, count_rows, replace_nights_stream, scan_table
from habitlake.nights.ledger import pin_models, pinned_models
from habitlake.settings import Settings
from habitlake.tables import MODELS, get_table
from models.catalogue import SPECS
from models.lifecycle.estimators import FloatArray
from models.lifecycle.monitor import write_health
from models.lifecycle.registry import champions, load_version
from models.lifecycle.sequences import scan_sequences, with_sequence
from models.lifecycle.spec import ModelSpec, Target

TABLE = "gold.predictions"
RECORDS = "gold.user_predictions"
FEATURES = "gold.user_features"
# Every model in force, and no model at all.
CHAMPION, NONE = "champion", "none"
OUTPUTS = ("probability", "value", "value_low", "value_high")
INPUTS = sorted({name for model in MODELS.values() for name in model.features})
TOP_FACTORS = 5
DECIMALS = 6
Z_95 = 1.959964
THIN_DAYS = 7
PARTIAL_NULLS = 0.25
PEOPLE_PER_CHUNK = 100_000
ROWS_PER_RUN = 2_000_000
# Model name to version.
Versions = Mapping[str, str]


def chosen_versions(chosen: Sequence[str]) -> dict[str, str]:
    """Return the versions asked for by name, of ``model=version``.

    Raises
    ------
    PermanentError
        If a model is not known.
    """
    known = {spec.name for spec in SPECS}
    unknown = [one for one in chosen if one.partition("=")[0] not in known | {CHAMPION, NONE}]
    if unknown:
        msg = (
            f"--model-version takes model=version, champion or none, not {unknown}; models: {', '.join(sorted(known))}"
        )
        raise PermanentError(msg)
    return dict(one.split("=", 1) for one in chosen if "=" in one)


def versions_in_force(interval: Interval, chosen: Sequence[str], settings: Settings) -> dict[date, Versions]:
    """Return the versions of each night: those asked for, else those that scored it before, else the champions."""
    if NONE in chosen:
        return {night: {} for night in interval.nights()}
    asked = chosen_versions(chosen)
    pinned = {} if CHAMPION in chosen else pinned_models(interval, settings)
    in_force = champions(settings) if len(pinned) < len(interval) else {}
    known = {spec.name for spec in SPECS}
    return {
        night: {name: version for name, version in {**pinned.get(night, in_force), **asked}.items() if name in known}
        for night in interval.nights()
    }


def runs_of_nights(versions: Mapping[date, Versions], settings: Settings) -> Iterator[tuple[Interval, Versions]]:
    """Yield neighbouring nights that the same versions score, so many at a time as memory holds."""
    for own, group in itertools.groupby(versions, key=lambda night: versions[night]):
        first, rows = None, 0
        last: date | None = None
        for night in group:
            of_night = count_rows(FEATURES, settings, Interval(night, night))
            if first and last and rows + of_night > ROWS_PER_RUN:
                yield Interval(first, last), own
                first, rows = None, 0
            first, last, rows = first or night, night, rows + of_night
        if first and last:
            yield Interval(first, last), own


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


def top_factors(rows: pl.DataFrame, contributions: FloatArray, features: Sequence[str]) -> pl.Series:
    """Return the largest contributions per row as JSON, largest first."""
    parts = contributions[:, : len(features)]
    order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :TOP_FACTORS]
    # A factor of many days has no value of its own.
    columns = [pl.col(name).cast(pl.Float64) if name in rows.columns else pl.lit(None, pl.Float64) for name in features]
    values = rows.select(column.alias(name) for name, column in zip(features, columns, strict=True)).to_numpy()
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


def _rounded(values: FloatArray) -> FloatArray:
    # float32 trees and BLAS differ in the last digits between machines; six decimals are what is promised.
    return np.asarray(np.round(values, DECIMALS))


def score(people: pl.DataFrame, spec: ModelSpec, bundle: Mapping[str, Any], version: str) -> pl.DataFrame:
    """Return gold.predictions rows of the people whom the model is for.

    Parameters
    ----------
    people
        gold.user_features rows.
    bundle
        A registered version: estimator, calibration, feature service, figures, reference (for drift).
    """
    estimator = bundle["estimator"]
    own = people.filter(spec.eligible)
    predicted = _rounded(estimator.predict(own))
    if spec.target is Target.EVENT:
        columns = {"probability": predicted, "confidence": confidence(predicted, bundle["calibration"])}
    else:
        low, high = (_rounded(end) for end in estimator.interval(own))
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
        *(pl.Series(name, _rounded(values)) for name, values in columns.items()),
        *(pl.lit(None, pl.Float64).alias(name) for name in OUTPUTS if name not in columns),
        top_factors(own, estimator.contributions(own), estimator.features).alias("top_factors"),
        input_quality(spec.features).alias("input_quality"),
    )


def record(people: pl.DataFrame, scored: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return gold.user_predictions of people: what each model says of them, side by side.

    Parameters
    ----------
    scored
        gold.predictions rows by model.
    """
    keys = ["batch_date", "user_id"]
    wide = people.select(*keys, "event_timestamp", "created_timestamp", input_quality(INPUTS).alias("input_quality"))
    for name, model in MODELS.items():
        if name in scored:
            own = scored[name].select(
                *keys, *(pl.col(source).alias(output) for output, source in model.outputs.items())
            )
            wide = wide.join(own, on=keys, how="left", maintain_order="left")
        else:
            wide = wide.with_columns(pl.lit(None, pl.Float64).alias(output) for output in model.outputs)
    return wide.select(get_table(RECORDS).column_names)


def score_nights(
    runs: Sequence[tuple[pl.LazyFrame, pl.LazyFrame | None, Versions]],
    bundles: Mapping[tuple[str, str], Mapping[str, Any]],
    records: list[pl.DataFrame],
) -> Iterator[pa.Table]:
    """Yield gold.predictions in the order of its key, some people at a time, so that memory stays bounded.

    Parameters
    ----------
    runs
        Features, and days where a version reads them, of nights that the same versions score.
    records
        Takes gold.user_predictions of the same people.
    """
    # Each attempt to commit starts anew.
    records.clear()
    schema = arrow_schema(get_table(TABLE))
    for frame, sequences, versions in runs:
        specs = [spec for spec in SPECS if spec.name in versions]
        people = frame.collect().sort("batch_date", "user_id")
        days = None if sequences is None else sequences.collect()
        for features in people.iter_slices(PEOPLE_PER_CHUNK):
            part = features if days is None else with_sequence(features, days)
            scored = {
                spec.name: score(part, spec, bundles[spec.name, versions[spec.name]], versions[spec.name])
                for spec in specs
                if part.select(spec.eligible.any()).item()
            }
            if not scored:
                continue
            records.append(record(features, scored))
            rows = pl.concat(scored.values(), how="diagonal").select(schema.names)
            yield rows.sort("batch_date", "user_id", "model").to_arrow().cast(schema)


def run(context: JobContext) -> Mapping[str, object]:
    """Score the nights and record which versions scored each."""
    settings, interval = context.settings, context.interval
    versions = versions_in_force(interval, context.options.model_version, settings)
    wanted = sorted({pair for own in versions.values() for pair in own.items()})
    bundles = {(name, version): load_version(name, version, settings) for name, version in wanted}
    read_days = {pair for pair, own in bundles.items() if getattr(own["estimator"], "needs_sequence", False)}
    # The writer consumes the rows on its own threads, where the table's log must not be read.
    runs = [
        (
            scan_table(FEATURES, settings, nights=nights),
            scan_sequences(nights, settings) if read_days & set(own.items()) else None,
            own,
        )
        for nights, own in runs_of_nights(versions, settings)
        if own
    ]
    records: list[pl.DataFrame] = []
    rows = replace_nights_stream(lambda: score_nights(runs, bundles, records), TABLE, interval, settings)
    replace_nights_stream(lambda: (part.to_arrow() for part in records), RECORDS, interval, settings)
    pin_models(versions, settings)
    newest = versions[interval.end]
    alarms = write_health(
        interval.end, {name: (version, bundles[name, version]) for name, version in newest.items()}, settings
    )
    if not wanted:
        context.log.warning("no model in force: decisions use features alone")
    return {"rows": rows, "alarms": alarms, "versions": [f"{name} {version}" for name, version in wanted]}


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
