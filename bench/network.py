"""How many people a second the LSTM scores: as the platform does, as a compiled TensorFlow function, and one by one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from habitlake.tables.people import SEQUENCE_DAYS
from models.adherence.factors import CHANNEL_NAMES, FloatArray
from models.adherence.lstm import CHANNELS, DENSE, UNITS, Lstm
from models.adherence.lstm_training import network

PEOPLE = 20_000
ONE_BY_ONE = 200
BATCH = 4_096
SEED = 3


@dataclass(frozen=True, slots=True)
class Scoring:
    """Way, people and people a second; and by how much the ways differ in the log-odds."""

    rates: tuple[tuple[str, int, float], ...]
    largest_difference: float


def made_people(count: int) -> pl.DataFrame:
    """Return people with random days."""
    days = np.random.default_rng(SEED).random((count, SEQUENCE_DAYS * CHANNELS), dtype=np.float32)
    days[:, CHANNEL_NAMES.index("observed") :: CHANNELS] = 1
    return pl.DataFrame({"sequence": pl.Series(days, dtype=pl.Array(pl.Float32, days.shape[1]))})


def keras_model(weights: tuple[np.ndarray, ...]) -> Any:
    """Return the same network as Keras builds it, for its log-odds."""
    import tensorflow as tf

    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((SEQUENCE_DAYS, CHANNELS)),
            tf.keras.layers.LSTM(UNITS[0], return_sequences=True),
            tf.keras.layers.Dropout(0.2),
            tf.keras.layers.LSTM(UNITS[1]),
            tf.keras.layers.Dense(DENSE, activation="relu"),
            tf.keras.layers.Dense(1),
        ]
    )
    model.set_weights(weights)
    return model


def rate(count: int, score: Callable[[], FloatArray]) -> tuple[FloatArray, float]:
    """Return the scores and people a second, after one run to warm up."""
    score()
    started = time.perf_counter()
    found = score()
    return found, count / (time.perf_counter() - started)


def measure(people: int = PEOPLE) -> Scoring:
    """Score made people in three ways with the network's starting weights."""
    import tensorflow as tf

    rows = made_people(people)
    weights = tuple(variable.numpy() for variable in network().weights)
    own = Lstm(
        mean=np.full(CHANNELS, 0.5, dtype=np.float32), scale=np.full(CHANNELS, 0.3, dtype=np.float32), weights=weights
    )
    values = ((rows["sequence"].to_numpy().reshape(people, SEQUENCE_DAYS, CHANNELS) - own.mean) / own.scale).astype(
        np.float32
    )
    model = keras_model(weights)
    compiled = tf.function(model, input_signature=[tf.TensorSpec((None, SEQUENCE_DAYS, CHANNELS), tf.float32)])

    def in_batches() -> FloatArray:
        parts = [compiled(values[start : start + BATCH]).numpy()[:, 0] for start in range(0, people, BATCH)]
        return np.concatenate(parts)

    def one_by_one() -> FloatArray:
        return np.array([model.predict(values[at : at + 1], verbose=0)[0, 0] for at in range(ONE_BY_ONE)])

    ours, ours_rate = rate(people, lambda: own.log_odds(rows))
    theirs, theirs_rate = rate(people, in_batches)
    single, single_rate = rate(ONE_BY_ONE, one_by_one)
    explained, explained_rate = rate(people, lambda: own.contributions(rows).sum(axis=1))
    return Scoring(
        (
            ("NumPy, two threads, from the frame (the platform)", people, ours_rate),
            ("the same with contributions", people, explained_rate),
            (f"tf.function in batches of {BATCH:,}, from an array", people, theirs_rate),
            ("model.predict, a person a call", ONE_BY_ONE, single_rate),
        ),
        float(
            max(np.abs(ours - theirs).max(), np.abs(ours[:ONE_BY_ONE] - single).max(), np.abs(ours - explained).max())
        ),
    )
