"""Where a training run keeps its files between its steps: HOME/models/<model>/<start>_<end>/."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.settings import Settings


def run_folder(model: str, interval: Interval, settings: Settings) -> Path:
    """Return the folder of a training run of a model."""
    folder = settings.home / "models" / model / f"{interval.start}_{interval.end}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def dataset_folder(interval: Interval, settings: Settings) -> Path:
    """Return the folder of the data set, which all models share."""
    return run_folder("dataset", interval, settings)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def _there(path: Path) -> Path:
    if not path.exists():
        msg = f"{path} is missing; run the earlier steps of the retrain DAG for this interval first"
        raise PermanentError(msg)
    return path


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of an earlier step.

    Raises
    ------
    PermanentError
        If the step has not run.
    """
    return dict(json.loads(_there(path).read_text()))


def read_dataset(interval: Interval, settings: Settings, name: str = "dataset") -> pl.DataFrame:
    """Read the data set of the interval (no columns where nothing was labelled), the newest people known to it, or their groups.

    Raises
    ------
    PermanentError
        If it was not built.
    """
    return pl.read_parquet(_there(dataset_folder(interval, settings) / f"{name}.parquet"))
