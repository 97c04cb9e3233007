"""What is trained where something is missing: the other candidates, and it is said."""

import sys
from argparse import Namespace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from structlog.testing import capture_logs

from habitlake.clock import Interval
from habitlake.job import JobContext
from habitlake.log import get_logger
from habitlake.settings import Settings
from models.adherence.config import SPEC
from models.lifecycle import evaluate, train
from models.lifecycle.files import read_json, run_folder
from models.lifecycle.sequences import CHANNELS, SEQUENCE_DAYS

INTERVAL = Interval(date(2026, 1, 5), date(2026, 4, 4))
PEOPLE, NIGHTS = 80, 10


def rows(with_days=PEOPLE):
    """Labelled rows in the form of the data set; the first so many people have their days."""
    random, count = np.random.default_rng(3), PEOPLE * NIGHTS
    values = {name: random.normal(size=count) for name in SPEC.features}
    label = random.random(count) < 1 / (1 + np.exp(-2 * values[SPEC.features[0]]))
    person, width = np.tile(np.arange(PEOPLE), NIGHTS), SEQUENCE_DAYS * len(CHANNELS)
    days = pl.Series("sequence", np.zeros((count, width), np.float32), dtype=pl.Array(pl.Float32, width))
    return pl.DataFrame(
        {
            "user_id": [f"u{number}" for number in person],
            "batch_date": [
                INTERVAL.start + timedelta(days=7 * int(night)) for night in np.repeat(range(NIGHTS), PEOPLE)
            ],
            **values,
            SPEC.label_column: label.astype(float),
        }
    ).with_columns(pl.when(pl.Series(person < with_days)).then(days).alias("sequence"))


@pytest.fixture
def trained(tmp_path):
    """Train and evaluate adherence on the rows given; return both reports, the card and what was logged."""

    def run(frame):
        settings = Settings(home=tmp_path, _env_file=None)
        context = JobContext("train", INTERVAL, settings, get_logger("train"), Namespace())
        groups = frame.select("user_id").unique().with_columns(age_band=None, gender=None, fitness_level=None)
        with capture_logs() as logs:
            assert train.train_model(SPEC, frame, frame, context) is None
            evaluate.evaluate_model(SPEC, frame, groups, None, context)
        folder = run_folder(SPEC.name, INTERVAL, settings)
        reports = (read_json(folder / f"{name}.json") for name in ("training", "evaluation"))
        return *reports, (folder / "MODEL_CARD.md").read_text(), logs

    return run


def test_without_tensorflow_the_other_candidates_are_trained_and_it_is_said(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    training, evaluation, card, logs = trained(rows())
    assert training["candidates"] == ["logistic_regression", "xgboost", "svr"]
    said = "lstm, blend, stacked: TensorFlow is not installed (scripts/setup.sh --tensorflow installs it)"
    assert said == evaluation["not_trained"]
    assert f"**Not trained** {said}." in card
    assert [one["candidates"] for one in logs if one["event"] == "not trained"] == [said]
    assert "svr" in evaluation["figures"]
    assert "lstm" not in evaluation["figures"]


def test_without_days_the_candidates_that_read_days_are_left_out(trained):
    training, evaluation, _, _ = trained(rows(with_days=10))
    assert training["candidates"] == ["logistic_regression", "xgboost", "svr"]
    assert "training rows have their days in gold.user_sequence, 500 are needed" in evaluation["not_trained"]
