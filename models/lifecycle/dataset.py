"""Build the point-in-time training set of all models: features as known on each night, labels from what followed.

``python -m models.lifecycle.dataset --start 2026-01-05 --end 2026-04-04``

One row per person and as-of night, and one label per model; null where the model does not know or is not for the person.
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from habitlake.clock import Interval, night_end
from habitlake.errors import NothingToDoError
from habitlake.job import JobContext, run_job
from habitlake.lake import scan_table, stored_nights
from habitlake.settings import Settings
from models.catalogue import SPECS
from models.lifecycle.days import day_rows, read_known, with_days
from models.lifecycle.files import dataset_folder, write_json
from models.lifecycle.groups import read_groups
from models.lifecycle.outcomes import MEASURES, WEEK_DAYS, WEEKS, outcomes
from models.lifecycle.registry import retraining_due
from models.lifecycle.sequences import read_sequences, with_sequence
from models.lifecycle.spec import (
    KNOWN_LONG,
    LABEL_DELAY_DAYS,
    NIGHT_STRIDE,
    TEST_SHARE,
    UNSEEN_SHARE,
    UNSEEN_SHARE_ALONE,
    ModelSpec,
    Target,
)

BUCKETS = 1_000
PEOPLE = 20_000
# Forward in time only where this share of the nights is left to train on.
MIN_TRAIN_NIGHTS = 0.25
KEYS = ("user_id", "batch_date", "as_of_date", "event_timestamp")


def last_labelled_night(interval: Interval, horizon_days: int) -> date:
    """Return the newest as-of night whose label window is over, and known, by the interval's end."""
    return interval.end - timedelta(days=horizon_days + LABEL_DELAY_DAYS)


def training_nights(stored: Sequence[date], interval: Interval, horizon_days: int) -> list[date]:
    """Return the as-of nights whose label window is complete by the interval's end, every few nights, newest kept."""
    last = last_labelled_night(interval, horizon_days)
    usable = [night for night in stored if interval.start <= night <= last]
    return usable[::-1][::NIGHT_STRIDE][::-1]


def labelled(followed: pl.DataFrame, specs: Sequence[ModelSpec], interval: Interval) -> pl.DataFrame:
    """Return the rows with at least one label, one column per model, and one per week or day where it tells of them.

    Parameters
    ----------
    followed
        Snapshots with what followed them (``outcomes``), and the columns that eligibility asks for.
    """
    labels = [
        pl.when(spec.eligible & (pl.col("batch_date") <= last_labelled_night(interval, spec.horizon_days)))
        .then(label.cast(pl.Float64))
        .alias(name)
        for spec in specs
        for name, label in spec.labels.items()
    ]
    rows = followed.select(*KEYS, *labels)
    return rows.filter(pl.any_horizontal(pl.col(spec.label_column).is_not_null() for spec in specs))


def bucket(user_id: str) -> int:
    """Return the fixed bucket of a person, by which the unseen people are chosen."""
    return int.from_bytes(hashlib.sha256(f"unseen\x1f{user_id}".encode()).digest()[:8], "big") % BUCKETS


def split(rows: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """Mark each row train, test or gap, and the people who never train as unseen.

    Tests lie later in time, with a label window between (``forward``), the unseen people among them. Where the nights
    do not reach for that, the unseen people are the test on all nights and the others train (``people``).
    """
    nights = sorted(rows["batch_date"].unique().to_list())
    first_test = nights[min(int(len(nights) * (1 - TEST_SHARE)), len(nights) - 1)] if nights else date.max
    before_gap = [night for night in nights if night <= first_test - timedelta(days=horizon_days)]
    forward = len(before_gap) >= MIN_TRAIN_NIGHTS * len(nights)
    share = UNSEEN_SHARE if forward else UNSEEN_SHARE_ALONE
    users = rows["user_id"].unique().sort()
    unseen = users.filter(pl.Series([bucket(user) < share * BUCKETS for user in users], dtype=pl.Boolean))
    is_unseen = pl.col("user_id").is_in(unseen.implode())
    if forward:
        is_test = pl.col("batch_date") >= first_test
        is_train, kind = pl.col("batch_date").is_in(before_gap) & ~is_unseen, "forward"
    else:
        is_test, is_train, kind = is_unseen, ~is_unseen, "people"
    part = pl.when(is_test).then(pl.lit("test")).when(is_train).then(pl.lit("train")).otherwise(pl.lit("gap"))
    return rows.with_columns(unseen=is_unseen, split=part, split_kind=pl.lit(kind))


def rows_of(dataset: pl.DataFrame, spec: ModelSpec) -> pl.DataFrame:
    """Return the rows of one model: keys, inputs, value (the label as made), label (0 or 1 for events), weeks, split.

    A row is a person and a night, or, where the spec says so, one of the days ahead of it.
    """
    if spec.label_column not in dataset.columns:
        return pl.DataFrame()
    own = dataset.filter(pl.col(spec.label_column).is_not_null())
    if spec.days:
        own = day_rows(own.select("user_id", "batch_date", *spec.features, "days", *spec.day_columns), spec.day_columns)
    else:
        own = own.rename({spec.label_column: "value"})
    value = pl.col("value")
    label = (value > 0).cast(pl.Int64) if spec.target is Target.EVENT else value
    columns = ("user_id", "batch_date", *spec.inputs, *(("sequence",) if spec.needs_sequence else ()))
    weeks = [pl.col(stored).alias(name) for stored, name in spec.week_columns.items()]
    return split(own.select(*columns, *weeks, value, label.alias("label")), spec.horizon_days)


def historical_features(keys: pl.DataFrame, specs: Sequence[ModelSpec], settings: Settings) -> pl.DataFrame:
    """Return the values of all models' feature services as known at each (user_id, event_timestamp), through Feast."""
    from feature_repo.store import apply_definitions, feature_store

    store = feature_store(settings)
    apply_definitions(store, settings)
    references = {
        f"{view.name}:{feature.name}"
        for spec in specs
        for view in store.get_feature_service(spec.feature_service).feature_view_projections
        for feature in view.features
    }
    job = store.get_historical_features(entity_df=keys.to_pandas(), features=sorted(references))
    frame = pl.from_arrow(job.to_arrow())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - narrows the type; a table is never a series
    names = sorted({name for spec in specs for name in spec.features})
    return frame.select("user_id", pl.col("event_timestamp").dt.cast_time_unit("us"), *names)


def drawn(users: pl.Series) -> pl.Series:
    """Return at most 20,000 people, evenly by id: more teach, and tell, no more that matters."""
    known = users.unique().sort()
    return known.gather_every(max(1, -(-len(known) // PEOPLE)))


def read_snapshots(nights: Sequence[date], specs: Sequence[ModelSpec], settings: Settings) -> pl.DataFrame:
    """Return people of the nights who are known long enough, with what labels and eligibility ask for."""
    expressions = [one for spec in specs for one in (spec.eligible, *spec.labels.values())]
    asked = {name for one in expressions for name in one.meta.root_names()}
    frame = scan_table("gold.user_features", settings)
    known = set(frame.collect_schema().names()) - set(KEYS)
    # Whoever is known on a night is known on every later one.
    users = drawn(frame.filter(pl.col("batch_date").is_in(sorted(nights)[-1:])).select("user_id").collect()["user_id"])
    return (
        frame.filter(pl.col("batch_date").is_in(nights), pl.col("user_id").is_in(users.implode()))
        .filter(KNOWN_LONG)
        .select(*KEYS, *sorted(asked & known))
        .collect()
    )


def newest_people(interval: Interval, specs: Sequence[ModelSpec], settings: Settings) -> pl.DataFrame:
    """Return the people of the newest night that is known: what drift of the models trained now is measured against."""
    nights = [night for night in stored_nights("gold.user_features", settings) if night <= interval.end][-1:]
    names = {name for spec in specs for name in (*spec.features, *spec.eligible.meta.root_names())}
    people = scan_table("gold.user_features", settings).filter(pl.col("batch_date").is_in(nights), KNOWN_LONG)
    found = people.select("user_id", *sorted(names)).collect()
    return found.filter(pl.col("user_id").is_in(drawn(found["user_id"]).implode()))


def read_days(interval: Interval, users: pl.Series, settings: Settings) -> pl.DataFrame:
    """Return the people's facts per local date as known at the interval's end, from four weeks before its start."""
    first = interval.start - timedelta(days=WEEKS * WEEK_DAYS + LABEL_DELAY_DAYS)
    return (
        scan_table("gold.user_day", settings, upto=interval.end)
        .filter(pl.col("local_date") >= first, pl.col("user_id").is_in(users.unique().implode()))
        .group_by("user_id", "local_date")
        .agg(pl.col(MEASURES).sum())
        .collect()
    )


def build(interval: Interval, settings: Settings, specs: Sequence[ModelSpec] = SPECS) -> pl.DataFrame:
    """Return the data set: user_id, batch_date, the features and labels of all models; no column without any row."""
    nights = training_nights(
        stored_nights("gold.user_features", settings), interval, min(spec.horizon_days for spec in specs)
    )
    snapshots = read_snapshots(nights, specs, settings)
    rows = labelled(outcomes(snapshots, read_days(interval, snapshots["user_id"], settings)), specs, interval)
    if rows.is_empty():
        return pl.DataFrame()
    features = historical_features(rows.select("user_id", "event_timestamp"), specs, settings)
    if any(spec.needs_sequence for spec in specs):
        rows = with_sequence(rows, read_sequences(rows, interval, settings))
    if any(spec.days for spec in specs):
        rows = with_days(rows, read_known(nights, settings, rows["user_id"]))
    return (
        rows.join(features, on=["user_id", "event_timestamp"], how="left")
        .drop("event_timestamp", "as_of_date")
        .sort("batch_date", "user_id")
    )


def data_version(settings: Settings) -> dict[str, int]:
    """Return the Delta version of each table that training reads."""
    from deltalake import DeltaTable

    from habitlake.lake import storage_options, table_uri

    return {
        name: DeltaTable(table_uri(name, settings), storage_options=storage_options(settings)).version()
        for name in ("gold.user_day", "gold.user_features", "gold.user_sequence")
    }


def run(context: JobContext) -> Mapping[str, object]:
    """Build and store the data set of the interval.

    Raises
    ------
    NothingToDoError
        If it was asked for only if retraining is due, and it is not.
    """
    if context.options.if_due:
        due = {name: why for name, why in retraining_due(context.interval.end, context.settings).items() if why}
        if not due:
            msg = f"retraining is not due by {context.interval.end}; by hand: habitlake retrain"
            raise NothingToDoError(msg)
        context.log.info("retraining is due", **due)
    folder = dataset_folder(context.interval, context.settings)
    rows = build(context.interval, context.settings)
    rows.write_parquet(folder / "dataset.parquet")
    newest_people(context.interval, SPECS, context.settings).write_parquet(folder / "newest.parquet")
    read_groups(context.interval.end, context.settings).write_parquet(folder / "groups.parquet")
    summary = {
        "rows": rows.height,
        "people": rows["user_id"].n_unique() if rows.height else 0,
        "night_end": str(night_end(context.interval.end)),
        **{spec.label_column: rows[spec.label_column].count() if rows.height else 0 for spec in SPECS},
    }
    write_json(folder / "dataset.json", {**summary, "data_version": data_version(context.settings)})
    return summary


def _arguments(parser: argparse.ArgumentParser) -> None:
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--if-due", action="store_true", help="only if `habitlake models` says that retraining is due")
    when.add_argument("--anyway", action="store_false", dest="if_due", help="without asking (default)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("dataset", run, description=__doc__ or "", argv=argv, add_arguments=_arguments)


if __name__ == "__main__":
    sys.exit(main())
