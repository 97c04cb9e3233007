"""The network, the regression and their blends: against TensorFlow and scikit-learn, and what holds of every score."""

import pickle
import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.svm import SVR

from habitlake.settings import PROJECT_ROOT
from habitlake.tables.people import SEQUENCE_DAYS
from models.adherence.blend import Blend, Fitting, Stacked
from models.adherence.factors import CHANNEL_NAMES, FACTORS, factor_of, logit, parts_of_people, shapley
from models.adherence.lstm import CHANNELS, PARAMETERS, UNITS, Lstm, days_begun, forward, sequence_values
from models.adherence.lstm_training import network
from models.adherence.svr import Svr
from models.lifecycle.metrics import auc, ece

INPUTS = ("sessions_7d", "planned_next_7d", "stress_level")
SESSIONS, OBSERVED = CHANNEL_NAMES.index("sessions"), CHANNEL_NAMES.index("observed")


def people(count=400, seed=5, nights=1):
    """Return rows of people whose label follows from their last week's sessions, their plan and their stress."""
    generator = np.random.default_rng(seed)
    frames = []
    for night in range(nights):
        days = generator.random((count, SEQUENCE_DAYS, CHANNELS)).astype(np.float32)
        days[:, :, OBSERVED] = 1
        days[:, :, SESSIONS] = generator.random((count, SEQUENCE_DAYS)) < generator.beta(2, 2, (count, 1))
        week = days[:, -7:, SESSIONS].sum(axis=1)
        plan, stress = generator.integers(0, 7, count), generator.uniform(1, 10, count)
        log_odds = 0.8 * (week - 3.5) + 0.4 * (plan - 3) - 0.3 * (stress - 5.5)
        frames.append(
            pl.DataFrame(
                {
                    "user_id": [f"u{number}" for number in range(count)],
                    "batch_date": [date(2026, 3, 1) + timedelta(days=3 * night)] * count,
                    "sessions_7d": week,
                    "planned_next_7d": plan,
                    "stress_level": stress,
                    "sequence": pl.Series(
                        days.reshape(count, -1), dtype=pl.Array(pl.Float32, SEQUENCE_DAYS * CHANNELS)
                    ),
                    "label": (generator.random(count) < 1 / (1 + np.exp(-log_odds))).astype(np.int64),
                    "truth": log_odds,
                }
            )
        )
    return pl.concat(frames)


def drawn_weights(seed=1):
    generator = np.random.default_rng(seed)
    first, second = UNITS
    shapes = [
        (CHANNELS, 4 * first), (first, 4 * first), (4 * first,),
        (first, 4 * second), (second, 4 * second), (4 * second,),
        (second, 16), (16,), (16, 1), (1,),
    ]  # fmt: skip
    return tuple(generator.normal(0, 0.3, shape).astype(np.float32) for shape in shapes)


@pytest.fixture(scope="module")
def fitted():
    rows = people()
    fitting = Fitting(INPUTS)
    return Blend(fitting).fit(rows), Stacked(fitting).fit(rows)


def test_weights_are_those_of_the_founding_document():
    assert sum(part.size for part in drawn_weights()) == PARAMETERS


def test_forward_pass_equals_tensorflow_with_days_before_the_first_masked():
    import tensorflow as tf

    weights = drawn_weights()
    generator = np.random.default_rng(2)
    values = generator.normal(size=(40, SEQUENCE_DAYS, CHANNELS)).astype(np.float32)
    begun = np.arange(SEQUENCE_DAYS) >= generator.integers(0, SEQUENCE_DAYS + 2, (40, 1))
    layers = [tf.keras.layers.LSTM(UNITS[0], return_sequences=True), tf.keras.layers.LSTM(UNITS[1])]
    dense = [tf.keras.layers.Dense(16, activation="relu"), tf.keras.layers.Dense(1)]
    hidden = tf.constant(values)
    for layer, own in zip(layers, (weights[:3], weights[3:6]), strict=True):
        layer.build(hidden.shape)
        layer.set_weights(own)
        hidden = layer(hidden, mask=tf.constant(begun))
    for layer, own in zip(dense, (weights[6:8], weights[8:]), strict=True):
        layer.build(hidden.shape)
        layer.set_weights(own)
        hidden = layer(hidden)
    assert not begun.any(axis=1).all()  # somebody has no day at all
    np.testing.assert_allclose(forward(weights, values, begun), hidden.numpy()[:, 0], atol=2e-6)


def test_the_same_rows_give_the_same_network_in_a_second_fit():
    rows = people(120)
    first = Lstm().fit(rows)
    network().fits.clear()
    again = Lstm().fit(rows)
    assert network().fits
    for one, other in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_person_scores_the_same_alone_and_among_others(fitted):
    rows = people(600, seed=8)
    for model in fitted:
        np.testing.assert_allclose(model.predict(rows[550:553]), model.predict(rows)[550:553], atol=1e-6)


def test_days_before_the_first_sign_of_use_are_masked_and_silent_ones_after_it_are_not():
    values = np.full((1, SEQUENCE_DAYS, CHANNELS), np.nan, dtype=np.float32)
    values[0, :, OBSERVED] = 0
    values[0, 10, OBSERVED] = 1
    assert days_begun(values)[0].tolist() == [False] * 10 + [True] * 20


def test_sequences_are_read_from_lists_with_gaps_and_people_without():
    days = [float(number) for number in range(300)]
    days[3] = None
    frame = pl.DataFrame({"sequence": [days, None]}, schema={"sequence": pl.List(pl.Float64)})
    values = sequence_values(frame)
    assert np.isnan(values[0, 0, 3])
    assert values[0, 1, 0] == 10
    assert np.isnan(values[1]).all()


def test_regression_equals_scikit_learn():
    rows = people(300)
    model = Svr(INPUTS).fit(rows)
    standard = model._standardised(rows)
    own = parts_of_people(rows, 4) != 3
    library = SVR(kernel="rbf", C=100, gamma="scale").fit(standard[own], rows["label"].to_numpy()[own])
    np.testing.assert_allclose(model.value(rows), library.predict(standard), atol=1e-8)


def test_contributions_add_up_to_the_log_odds(fitted):
    rows = people(400, seed=9)
    for model in (*fitted, fitted[0].members.lstm, fitted[0].members.svr):
        parts = model.contributions(rows)
        assert parts.shape == (400, len(model.features) + 1)
        np.testing.assert_allclose(parts.sum(axis=1), logit(model.predict(rows)), atol=2e-4)


def test_a_planted_cause_is_found(fitted):
    """Training lowers the score of a person who stopped, the plan raises that of one who planned much."""
    blend, stacked = fitted
    rows = people(400, seed=9)
    days = sequence_values(rows)
    days[:, -7:, SESSIONS] = 0
    stopped = rows.with_columns(
        sequence=pl.Series(days.reshape(400, -1), dtype=pl.Array(pl.Float32, 300)), sessions_7d=pl.lit(0.0)
    )
    assert (blend.contributions(stopped)[:, FACTORS.index("training")] < 0).mean() > 0.9
    at = stacked.features.index("planned_next_7d")
    more = rows.with_columns(planned_next_7d=pl.lit(6))
    assert stacked.contributions(more)[:, at].mean() > stacked.contributions(rows)[:, at].mean() + 0.3


def test_blends_are_calibrated_and_near_what_can_be_known(fitted):
    rows = people(2_000, seed=10)
    label = rows["label"].to_numpy()
    ceiling = auc(label, rows["truth"].to_numpy())
    for model in fitted:
        score = model.predict(rows)
        # The rate of 400 people is known to 0.05.
        assert ece(label, score) < 0.07
        assert auc(label, score) > 0.92 * ceiling
    assert auc(label, fitted[1].predict(rows)) >= auc(label, fitted[0].predict(rows)) - 0.01


def test_a_stored_blend_scores_without_tensorflow_and_holds_no_training_rows(fitted, tmp_path):
    rows = people(50, seed=11)
    rows.write_parquet(tmp_path / "rows.parquet")
    stored = pickle.dumps(fitted[1])
    (tmp_path / "model").write_bytes(stored)
    script = (
        "import pickle, sys, pathlib, polars as pl; folder = pathlib.Path(sys.argv[1]);"
        " model = pickle.loads((folder / 'model').read_bytes());"
        " score = model.predict(pl.read_parquet(folder / 'rows.parquet'));"
        " assert 'tensorflow' not in sys.modules; print(*score)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose([float(value) for value in found.stdout.split()], fitted[1].predict(rows), atol=1e-6)
    assert fitted[1].fitting.rows is not None
    assert pickle.loads(stored).fitting.rows is None


def test_shapley_values_of_an_interaction_are_shared():
    """Two factors that only matter together get half each, one that adds its own gets that."""
    values = shapley(lambda present: np.array([1.0 + 2.0 * (present[0] and present[1]) + 0.5 * present[2]]))
    assert values.tolist() == [[1.0, 1.0, 0.5, 1.0]]


def test_every_channel_and_feature_has_a_factor():
    assert {factor_of(name) for name in CHANNEL_NAMES} == set(FACTORS)
    assert factor_of("stress_level") == "recovery"
    assert factor_of("planned_next_7d") == "plans"
