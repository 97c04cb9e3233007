"""The model of single days against the simulated world's own probabilities: no engine."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from bench.simulated import FIRST, Life, features
from models.catalogue import SPECS
from models.lifecycle.days import WIDTH, day_features, day_rows
from models.lifecycle.estimators import Logistic
from models.lifecycle.metrics import auc, ece

PEOPLE, NIGHTS, FIRST_NIGHT, STRIDE = 400, 63, 35, 7
[SPEC] = [spec for spec in SPECS if spec.days]
TRUTH = [f"true_{ahead}" for ahead in range(1, 8)]


@pytest.fixture(scope="module")
def rows():
    """Days ahead of people who live through two months: what was known on the night, what came, how likely it was."""
    life, lived, known = Life.of(11, PEOPLE), [], []
    for index in range(NIGHTS):
        lived.append(life.live([None] * PEOPLE))
        if index >= FIRST_NIGHT and (index - FIRST_NIGHT) % STRIDE == 0 and index + 7 < NIGHTS:
            recent = (
                np.stack([getattr(day, name) for day in lived[-30:]], axis=1)
                for name in ("session", "planned", "present")
            )
            ahead = np.zeros((PEOPLE, 7), dtype=np.bool_)
            ahead[:, 0] = lived[-1].plans_tomorrow
            values = day_features(*recent, ahead).reshape(PEOPLE, WIDTH).astype(np.float32)
            days = pl.Series("days", values, dtype=pl.Array(pl.Float32, WIDTH))
            night = pl.lit(FIRST + timedelta(days=index)).alias("batch_date")
            known.append((index, features(life).select(night, "user_id", *SPEC.features, days)))
    frames = []
    for index, frame in known:
        after = lived[index + 1 : index + 8]
        columns = {
            name: pl.Series(np.where(day.present, value, np.nan)).fill_nan(None)
            for number, day in enumerate(after)
            for name, value in ((SPEC.day_columns[number], day.session), (TRUTH[number], day.probability_unsent))
        }
        frames.append(frame.with_columns(**columns))
    together = pl.concat(frames)
    outcome, truth = (
        day_rows(together.drop(other), own) for own, other in ((SPEC.day_columns, TRUTH), (TRUTH, SPEC.day_columns))
    )
    return outcome.with_columns(truth=truth["value"], label=outcome["value"].cast(pl.Int64))


def test_days_are_ranked_near_the_truth_and_calibrated_on_later_nights(rows):
    nights = rows["batch_date"].unique().sort()
    train, test = rows.filter(pl.col("batch_date") < nights[-1]), rows.filter(pl.col("batch_date") == nights[-1])
    label, truth = test["label"].to_numpy(), test["truth"].to_numpy()
    predicted = Logistic(SPEC.inputs, strength=0.01).fit(train).predict(test)
    assert ece(truth, predicted) < 0.04
    ranked = {name: auc(label, score) for name, score in (("model", predicted), ("truth", truth))}
    assert auc(label, test["weekday_session_rate"].to_numpy()) + 0.03 < ranked["model"] < ranked["truth"]
