"""Where a training run keeps its files between its steps: HOME/models/<model>/<start>_<end>/."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.settings import Settings


def run_folder(model: str, interval: Interval, settings: Settings) -> Path:
    """Return the folder of a training run."""
    folder = settings.home / "models" / model / f"{interval.start}_{interval.end}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of an earlier step.

    Raises
    ------
    PermanentError
        If the step has not run.
    """
    if not path.exists():
        msg = f"{path} is missing; run the earlier steps of the retrain DAG for this interval first"
        raise PermanentError(msg)
    return dict(json.loads(path.read_text()))
