"""The score job over many people with every model in force: seconds, memory, rows.

The people are drawn (``bench.online``). Labels follow from two features in a way that trees learn and straight lines do
not, so that all models in force are the dearer ones. They are trained, judged and promoted by the jobs of the DAG.
"""

import resource
import shutil
import time
from argparse import Namespace
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from bench.online import NIGHT, SEED, drawn_night
from bench.processes import run_summary
from habitlake.clock import Interval
from habitlake.job import JobContext
from habitlake.lake import replace_nights
from habitlake.log import configure_logging, get_logger
from habitlake.runtime import postgres
from habitlake.settings import Settings
from habitlake.tables import TABLES
from models.catalogue import SPECS
from models.lifecycle import evaluate, promote, train
from models.lifecycle.files import dataset_folder, write_json
from models.lifecycle.registry import model_report
from models.lifecycle.spec import Target

TRAINED = 2_000
NIGHTS = 20


@dataclass(frozen=True, slots=True)
class Scoring:
    """Seconds of training, judging and promoting, and of scoring with the start of its process; peak memory in GiB."""

    models: int
    trees: int
    training_seconds: float
    seconds: float
    predictions: int
    gib: float


def train_all(settings: Settings) -> tuple[float, int, int]:
    """Put every model in force; return seconds, how many are, and how many of these are trees."""
    interval = Interval(NIGHT - timedelta(days=90), NIGHT)
    people = pl.from_arrow(drawn_night(TABLES["gold.user_features"], TRAINED * NIGHTS))
    assert isinstance(people, pl.DataFrame)
    person = np.arange(people.height) % TRAINED
    first, second = (people[name].to_numpy() for name in ("hrv_7d", "resting_heart_rate_7d"))
    noise = np.random.default_rng(SEED).random(people.height)
    happens = ((first > 0.5) == (second > 0.5)) == (noise < 0.85)
    labels = {spec.label_column: happens * (1.0 if spec.target is Target.EVENT else 2.0 + 3 * first) for spec in SPECS}
    labels |= {stored: labels[spec.label_column] for spec in SPECS for stored in spec.week_columns}
    night = NIGHT - timedelta(days=9 * NIGHTS)
    rows = people.with_columns(
        pl.Series("user_id", [f"trained-{number}" for number in person]),
        pl.Series(
            "batch_date", [night + timedelta(days=9 * int(number)) for number in np.arange(people.height) // TRAINED]
        ),
        **{name: pl.Series(values) for name, values in labels.items()},
    )
    folder = dataset_folder(interval, settings)
    rows.write_parquet(folder / "dataset.parquet")
    people.head(TRAINED).write_parquet(folder / "newest.parquet")
    unknown = {"age_band": "unknown", "gender": "unknown", "fitness_level": "unknown"}
    pl.DataFrame({"user_id": ["nobody"], **{name: [value] for name, value in unknown.items()}}).write_parquet(
        folder / "groups.parquet"
    )
    write_json(folder / "dataset.json", {"data_version": {}})
    started = time.monotonic()
    for step in (train, evaluate, promote):
        step.run(JobContext("bench", interval, settings, get_logger("bench"), Namespace()))
    seconds = time.monotonic() - started
    champions = [model for model in model_report(settings) if model["champion"]]
    return seconds, len(champions), sum("xgboost" in model["decision"] for model in champions)


def measure(home: Path, people: int) -> Scoring:
    """Score so many people with every model.

    Raises
    ------
    PermanentError
        If the job fails.
    """
    settings = Settings(home=home / "score", _env_file=None)  # type: ignore[call-arg]
    configure_logging("WARNING", settings.log_format)
    night = Interval(NIGHT, NIGHT)
    replace_nights(drawn_night(TABLES["gold.user_features"], people), "gold.user_features", night, settings)
    training, models, trees = train_all(settings)
    postgres.start(settings)
    try:
        started = time.monotonic()
        done = run_summary("models.lifecycle.score", settings, "--start", str(NIGHT))
        seconds = time.monotonic() - started
    finally:
        postgres.stop(settings)
        shutil.rmtree(settings.home, ignore_errors=True)
    gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return Scoring(models, trees, training, seconds, done["rows"], gib)
