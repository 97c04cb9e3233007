"""Build the point-in-time training set: features as known on each night, labels from what followed.

``python -m models.lifecycle.dataset --start 2026-01-05 --end 2026-04-04``
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from habitlake.clock import Interval, night_end
from habitlake.job import JobContext, run_job
from habitlake.lake import scan_table, stored_nights
from habitlake.settings import Settings
from models.adherence.config import CONFIG, FEATURES
from models.lifecycle.files import run_folder, write_json

BUCKETS = 1_000


def training_nights(stored: Sequence[date], interval: Interval) -> list[date]:
    """Return the as-of nights whose label window is complete by the interval's end, every few nights, newest kept."""
    last = interval.end - timedelta(days=CONFIG.label_days + CONFIG.label_delay_days)
    usable = [night for night in stored if interval.start <= night <= last]
    return usable[::-1][:: CONFIG.night_stride][::-1]


def labels(snapshots: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return the label of each snapshot: adherence over the 7 local days after its as-of date.

    ``adherence`` is sessions >= 80 % of the planned ones, or, where none was planned, of the habitual weekly
    count (mean of the last four weeks, rounded, at least 1). Windows without any sign of use are censored.

    Parameters
    ----------
    snapshots
        user_id, batch_date, as_of_date, sessions_28d.
    days
        user_id, local_date, workouts_completed, workouts_planned, events: facts known at training time.
    """
    window = days.join(snapshots, on="user_id").filter(
        (pl.col("local_date") > pl.col("as_of_date"))
        & (pl.col("local_date") <= pl.col("as_of_date") + pl.duration(days=CONFIG.label_days))
    )
    sums = window.group_by("user_id", "batch_date").agg(
        pl.col("workouts_completed").sum().alias("sessions"),
        pl.col("workouts_planned").sum().alias("planned"),
        pl.col("events").sum().alias("signs"),
    )
    habitual = pl.max_horizontal((pl.col("sessions_28d") / 4).round(), pl.lit(1.0))
    target = pl.when(pl.col("planned") > 0).then(pl.col("planned").cast(pl.Float64)).otherwise(habitual)
    return (
        snapshots.join(sums, on=["user_id", "batch_date"], how="inner")
        .filter(pl.col("signs") > 0)
        .with_columns(label=(pl.col("sessions") >= CONFIG.adherence_share * target).cast(pl.Int64))
        .select("user_id", "batch_date", "label", "sessions", "planned")
    )


def bucket(user_id: str) -> int:
    """Return the fixed bucket of a person, by which the unseen people are chosen."""
    return int.from_bytes(hashlib.sha256(f"unseen\x1f{user_id}".encode()).digest()[:8], "big") % BUCKETS


def split(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark each row train, test or gap: tests lie later in time, with a label window between.

    ``unseen`` marks people who never train, so that generalisation to new people is measured apart.
    """
    nights = sorted(rows["batch_date"].unique().to_list())
    first_test = nights[min(int(len(nights) * (1 - CONFIG.test_share)), len(nights) - 1)] if nights else None
    users = rows["user_id"].unique().sort()
    unseen = users.filter(pl.Series([bucket(user) < CONFIG.unseen_share * BUCKETS for user in users], dtype=pl.Boolean))
    is_test = pl.col("batch_date") >= first_test
    before_gap = pl.col("batch_date") <= pl.lit(first_test) - pl.duration(days=CONFIG.label_days)
    marked = rows.with_columns(unseen=pl.col("user_id").is_in(unseen.implode()))
    return marked.with_columns(
        split=pl.when(is_test)
        .then(pl.lit("test"))
        .when(before_gap & ~pl.col("unseen"))
        .then(pl.lit("train"))
        .otherwise(pl.lit("gap"))
    )


def historical_features(keys: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return the feature service's values as known at each (user_id, event_timestamp), through Feast."""
    from feature_repo.store import apply_definitions, feature_store

    store = feature_store(settings)
    apply_definitions(store, settings)
    job = store.get_historical_features(
        entity_df=keys.to_pandas(), features=store.get_feature_service(CONFIG.feature_service)
    )
    frame = pl.from_arrow(job.to_arrow())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - narrows the type; a table is never a series
    return frame.select("user_id", pl.col("event_timestamp").dt.cast_time_unit("us"), *FEATURES)


def build(interval: Interval, settings: Settings) -> pl.DataFrame:
    """Return the data set: user_id, batch_date, features, label, split, unseen."""
    nights = training_nights(stored_nights("gold.user_features", settings), interval)
    snapshots = (
        scan_table("gold.user_features", settings, nights=interval)
        .filter(pl.col("batch_date").is_in(nights))
        .filter((pl.col("days_since_first_event") >= CONFIG.min_history_days) & (pl.col("observed_days_28d") > 0))
        .select("user_id", "batch_date", "as_of_date", "event_timestamp", "sessions_28d")
        .collect()
    )
    days = (
        scan_table("gold.user_day", settings, upto=interval.end)
        .filter(pl.col("local_date") > interval.start - timedelta(days=2))
        .group_by("user_id", "local_date")
        .agg(pl.col("workouts_completed", "workouts_planned", "events").sum())
        .collect()
    )
    labelled = labels(snapshots, days).join(
        snapshots.select("user_id", "batch_date", "event_timestamp"), on=["user_id", "batch_date"]
    )
    if labelled.is_empty():
        return labelled
    features = historical_features(labelled.select("user_id", "event_timestamp"), settings)
    rows = labelled.join(features, on=["user_id", "event_timestamp"], how="left").sort("batch_date", "user_id")
    return split(rows)


def data_version(settings: Settings) -> dict[str, int]:
    """Return the Delta version of each table that training reads."""
    from deltalake import DeltaTable

    from habitlake.lake import storage_options, table_uri

    return {
        name: DeltaTable(table_uri(name, settings), storage_options=storage_options(settings)).version()
        for name in ("gold.user_day", "gold.user_features")
    }


def run(context: JobContext) -> Mapping[str, object]:
    """Build and store the data set of the interval."""
    folder = run_folder(CONFIG.name, context.interval, context.settings)
    rows = build(context.interval, context.settings)
    rows.write_parquet(folder / "dataset.parquet")
    counts = dict(rows["split"].value_counts().iter_rows()) if rows.height else {}
    summary = {
        "rows": rows.height,
        "people": rows["user_id"].n_unique() if rows.height else 0,
        "base_rate": round(float(rows["label"].mean() or 0), 4) if rows.height else None,
        "night_end": str(night_end(context.interval.end)),
        **{f"rows_{name}": int(count) for name, count in sorted(counts.items())},
    }
    write_json(folder / "dataset.json", {**summary, "data_version": data_version(context.settings)})
    return summary


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("dataset", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
