"""Fit every model's candidates and baselines on the training rows of the data set.

``python -m models.lifecycle.train --start 2026-01-05 --end 2026-04-04``
"""

import sys
import time
from collections.abc import Mapping, Sequence

import joblib
import polars as pl

from habitlake.job import JobContext, run_job
from models.catalogue import SPECS
from models.lifecycle.amounts import Ridge
from models.lifecycle.dataset import rows_of
from models.lifecycle.drift import reference
from models.lifecycle.estimators import Estimator, Logistic, lacking
from models.lifecycle.files import read_dataset, run_folder, write_json
from models.lifecycle.spec import MIN_ROWS, MIN_ROWS_PILOT, ModelSpec, Target


def snapshots(rows: pl.DataFrame) -> int:
    """Return of how many people and nights the rows are: days ahead of one night are no more people."""
    return rows.select("user_id", "batch_date").n_unique()


def not_enough(rows: pl.DataFrame, spec: ModelSpec) -> str | None:
    """Return why the rows of a model are too few to train on; None when they are not."""
    if rows.is_empty():
        return f"not enough data to train: no labelled rows, whose {spec.horizon_days} days after are known"
    if (known := snapshots(rows)) < MIN_ROWS_PILOT:
        return f"not enough data to train: {known} rows, at least {MIN_ROWS_PILOT} are needed"
    if spec.target is not Target.EVENT:
        return None
    for part, needed in (("train", spec.min_event_people), ("test", spec.min_event_people // 3)):
        own = rows.filter(pl.col("split") == part)
        for label, what in ((1, "with"), (0, "without")):
            people = own.filter(pl.col("label") == label)["user_id"].n_unique()
            if people < needed:
                return f"not enough data to train: {people} people {what} the event to {part} on, {needed} are needed"
    return None


def estimators(spec: ModelSpec) -> dict[str, Estimator]:
    """Return everything of a model that is fitted: its candidates, and its baselines on few features."""
    simple = Logistic if spec.target is Target.EVENT else Ridge
    baselines = {name: simple(features, kind=name) for name, features in spec.baselines.items()}
    return {**spec.candidates(), **baselines}


def fittable(spec: ModelSpec, train: pl.DataFrame) -> tuple[dict[str, Estimator], str]:
    """Return a model's estimators that can be fitted here on the rows; and in words which others cannot, and why."""
    wanted = estimators(spec)
    reasons = {name: lacking(estimator, train) for name, estimator in wanted.items()}
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        if reason is not None:
            names.setdefault(reason, []).append(name)
    missing = "; ".join(f"{', '.join(own)}: {reason}" for reason, own in names.items())
    return {name: wanted[name] for name, reason in reasons.items() if reason is None}, missing


def train_model(spec: ModelSpec, dataset: pl.DataFrame, newest: pl.DataFrame, context: JobContext) -> str | None:
    """Fit and store a model's estimators; return why it was refused, None when it was not."""
    folder = run_folder(spec.name, context.interval, context.settings)
    rows = rows_of(dataset, spec)
    refusal = not_enough(rows, spec)
    report: dict[str, object] = {"refused": refusal, "pilot": True, "train_rows": 0}
    if refusal is None:
        train = rows.filter(pl.col("split") == "train")
        kind = rows["split_kind"][0]
        fitted, missing = fittable(spec, train)
        if missing:
            context.log.warning("not trained", model=spec.name, candidates=missing)
        report |= {
            "candidates": [name for name in spec.candidates() if name in fitted],
            "not_trained": missing,
            "reference": reference(newest.filter(spec.eligible), spec.features),
            "split_kind": kind,
            "pilot": snapshots(rows) < MIN_ROWS or kind != "forward",
            "train_rows": train.height,
        }
        for name, estimator in fitted.items():
            started = time.monotonic()
            joblib.dump(estimator.fit(train), folder / f"{name}.joblib")
            seconds = round(time.monotonic() - started, 2)
            context.log.info("trained", model=spec.name, candidate=name, rows=train.height, seconds=seconds)
    write_json(folder / "training.json", report)
    return refusal


def run(context: JobContext) -> Mapping[str, object]:
    """Train every model; one that is refused stops no other."""
    dataset, newest = (read_dataset(context.interval, context.settings, name) for name in ("dataset", "newest"))
    refusals = {spec.name: train_model(spec, dataset, newest, context) for spec in SPECS}
    return {name: refusal or "trained" for name, refusal in refusals.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("train", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
