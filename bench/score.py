"""The score job over many people with every model in force: seconds, memory, rows.

The people and their last thirty days are drawn (``bench.online``), and half of them plan the next day. Labels follow from
two features in a way that trees learn and straight lines do not, so that all models in force are the dearer ones. They are
trained, judged and promoted by the jobs of the DAG.
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
import pyarrow as pa

from bench.online import NIGHT, SEED, drawn_night
from bench.processes import run_summary
from habitlake.clock import Interval
from habitlake.job import JobContext
from habitlake.lake import arrow_schema, replace_nights
from habitlake.log import configure_logging, get_logger
from habitlake.runtime import postgres
from habitlake.settings import Settings
from habitlake.tables import TABLES
from habitlake.tables.people import SEQUENCE_CHANNELS, SEQUENCE_DAYS
from models.catalogue import SPECS
from models.lifecycle import evaluate, promote, train
from models.lifecycle.days import Known, with_days
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


def drawn_days(people: int) -> pa.Table:
    """Return gold.user_sequence of the night: three sessions a week, some of them planned, and use on most days."""
    draw, schema = np.random.default_rng(SEED), arrow_schema(TABLES["gold.user_sequence"])
    night = drawn_night(TABLES["gold.user_sequence"], people)
    often = {"sessions": 0.4, "planned": 0.3, "observed": 0.8}
    offsets = pa.array(np.arange(0, people * SEQUENCE_DAYS + 1, SEQUENCE_DAYS, dtype=np.int32))
    lists = {
        name: pa.ListArray.from_arrays(
            offsets, pa.array((draw.random(people * SEQUENCE_DAYS) < often.get(name, 0.5)).astype(np.float32))
        )
        for name, _ in SEQUENCE_CHANNELS
    }
    columns = [lists.get(field.name, night[field.name]) for field in schema]
    return pa.table(columns, schema=schema)


def drawn_plans(people: int) -> pa.Table:
    """Return entries of gold.user_day: every other person plans a workout for the next day."""
    night, next_day = pl.from_arrow(drawn_night(TABLES["gold.user_day"], people)), NIGHT + timedelta(days=1)
    assert isinstance(night, pl.DataFrame)
    plans = night.gather_every(2).with_columns(local_date=pl.lit(next_day), workouts_planned=pl.lit(1, pl.Int64))
    return plans.to_arrow().cast(arrow_schema(TABLES["gold.user_day"]))


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
    labels |= {
        stored: labels[spec.label_column] for spec in SPECS for stored in (*spec.week_columns, *spec.day_columns)
    }
    night = NIGHT - timedelta(days=9 * NIGHTS)
    known = Known(pl.DataFrame(drawn_days(people.height)).lazy(), pl.DataFrame(drawn_plans(people.height)))
    rows = with_days(people.with_columns(as_of_date=pl.lit(NIGHT)), known).with_columns(
        pl.Series("user_id", [f"trained-{number}" for number in person]),
        pl.Series(
            "batch_date", [night + timedelta(days=9 * int(number)) for number in np.arange(people.height) // TRAINED]
        ),
        sequence=pl.lit(None),
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
    features = pl.from_arrow(drawn_night(TABLES["gold.user_features"], people))
    assert isinstance(features, pl.DataFrame)
    features = features.with_columns(as_of_date=pl.lit(NIGHT))
    replace_nights(features.to_arrow(), "gold.user_features", night, settings)
    replace_nights(drawn_days(people), "gold.user_sequence", night, settings)
    replace_nights(drawn_plans(people), "gold.user_day", night, settings)
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
