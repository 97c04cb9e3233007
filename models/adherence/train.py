"""Fit the candidates on the training rows of the data set.

``python -m models.adherence.train --start 2026-01-05 --end 2026-04-04``
"""

import sys
import time
from collections.abc import Mapping, Sequence

import joblib
import polars as pl

from habitlake.job import JobContext, run_job
from models.adherence.config import CONFIG
from models.adherence.estimators import candidates, recency_frequency
from models.lifecycle.files import read_json, run_folder, write_json


def not_enough(rows: pl.DataFrame) -> str | None:
    """Return why the data set is too small to train on; None when it is not."""
    if rows.height < CONFIG.min_rows_pilot:
        return f"not enough data to train: {rows.height} rows, at least {CONFIG.min_rows_pilot} are needed"
    for part in ("train", "test"):
        classes = rows.filter(pl.col("split") == part)["label"].n_unique()
        if classes < 2:
            return f"not enough data to train: the {part} rows hold {classes} of the 2 outcomes"
    return None


def run(context: JobContext) -> Mapping[str, object]:
    """Fit and store the candidates; refuse, without failing, when the data set is too small."""
    folder = run_folder(CONFIG.name, context.interval, context.settings)
    read_json(folder / "dataset.json")
    rows = pl.read_parquet(folder / "dataset.parquet")
    refusal = not_enough(rows) if rows.width > 1 else "not enough data to train: no labelled rows"
    report: dict[str, object] = {
        "refused": refusal,
        "pilot": rows.height < CONFIG.min_rows,
        "config": CONFIG.model_dump(),
    }
    if refusal is None:
        train = rows.filter(pl.col("split") == "train")
        for name, estimator in {**candidates(), "recency_frequency": recency_frequency()}.items():
            started = time.monotonic()
            joblib.dump(estimator.fit(train), folder / f"{name}.joblib")
            context.log.info("trained", model=name, rows=train.height, seconds=round(time.monotonic() - started, 2))
        report["train_rows"] = train.height
    write_json(folder / "training.json", report)
    return {"refused": refusal or "no", "pilot": report["pilot"]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("train", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
