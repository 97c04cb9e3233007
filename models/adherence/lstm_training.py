"""Fitting the LSTM's weights with TensorFlow: same rows and seed, same weights.

TensorFlow is imported when a fit begins and at no other time. The network is compiled once a process; each fit starts
from the same drawn weights.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.tables.people import SEQUENCE_DAYS
from models.adherence.factors import parts_of_people
from models.adherence.lstm import CHANNELS, DENSE, PARAMETERS, UNITS, Float32, forward
from models.lifecycle.estimators import SEED, FloatArray

DROPOUT = 0.2
LEARNING_RATE = 6e-3
LARGEST_GRADIENT = 1.0
# Small data sets get smaller batches, so that an epoch is about sixteen steps.
LARGEST_BATCH, SMALLEST_BATCH, STEPS = 1_024, 32, 16
MAX_EPOCHS = 8
# One part of the people tells when to stop.
PARTS = 5


# Weights and the epoch after which they were best.
Fitted = tuple[tuple[Float32, ...], int]


@dataclass(frozen=True, slots=True)
class Network:
    """The compiled network: its layers' weights, the optimizer's state, both as they start, and one epoch of steps.

    ``fits`` holds what was fitted by the hash of the rows: blends ask for the fit that the network made for itself.
    """

    weights: list[Any]
    state: list[Any]
    start: list[NDArray[Any]]
    epoch: Callable[..., Any]
    fits: dict[bytes, Fitted] = field(default_factory=dict)


@lru_cache(maxsize=1)
def network() -> Network:
    """Build and compile the network; imports TensorFlow, which takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(SEED)
    first = tf.keras.layers.LSTM(UNITS[0], return_sequences=True)
    second = tf.keras.layers.LSTM(UNITS[1])
    dense, last = tf.keras.layers.Dense(DENSE, activation="relu"), tf.keras.layers.Dense(1)
    first.build((None, SEQUENCE_DAYS, CHANNELS))
    second.build((None, SEQUENCE_DAYS, UNITS[0]))
    dense.build((None, UNITS[1]))
    last.build((None, DENSE))
    weights = [variable for layer in (first, second, dense, last) for variable in layer.trainable_variables]
    parameters = sum(int(np.prod(variable.shape)) for variable in weights)
    if parameters != PARAMETERS:
        msg = f"the network has {parameters} parameters, {PARAMETERS} are documented"
        raise AssertionError(msg)
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE, clipnorm=LARGEST_GRADIENT)
    optimizer.build(weights)

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, SEQUENCE_DAYS, CHANNELS), tf.float32),
            tf.TensorSpec((None, SEQUENCE_DAYS), tf.bool),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32),
        ]
    )
    def epoch(values: Any, begun: Any, label: Any, order: Any, batch: Any) -> None:
        for at in tf.range(0, tf.size(order), batch):
            rows = order[at : at + batch]
            mask = tf.gather(begun, rows)
            with tf.GradientTape() as tape:
                hidden = first(tf.gather(values, rows), mask=mask)
                # Drawn from the step's number and not from a generator, so that a second fit draws the same.
                seed = tf.stack([SEED, tf.cast(optimizer.iterations, tf.int32)])
                hidden = tf.nn.experimental.stateless_dropout(hidden, DROPOUT, seed=seed)
                log_odds = last(dense(second(hidden, mask=mask)))[:, 0]
                loss = tf.reduce_mean(
                    tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.gather(label, rows), logits=log_odds)
                )
            optimizer.apply(tape.gradient(loss, weights), weights)

    state = list(optimizer.variables)
    return Network(weights, state, [variable.numpy() for variable in (*weights, *state)], epoch)


def log_loss(log_odds: FloatArray, label: NDArray[np.int64]) -> float:
    """Return the mean negative log-likelihood."""
    return float((np.logaddexp(0, log_odds) - label * log_odds).mean())


def train(rows: pl.DataFrame, values: Float32, begun: NDArray[np.bool_]) -> Fitted:
    """Return the weights after the epoch before the first that did not help, and which one that was.

    Parameters
    ----------
    rows
        user_id and label; a fifth of the people do not train and tell when to stop.
    values, begun
        As in ``lstm.forward``.
    """
    label = rows["label"].to_numpy()
    stopping = parts_of_people(rows, PARTS) == PARTS - 1
    parts = (values, begun, label, stopping)
    key = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).digest()
    fits = network().fits
    if key not in fits:
        fits[key] = _train(*parts)
    return fits[key]


def _train(values: Float32, begun: NDArray[np.bool_], label: NDArray[np.int64], stopping: NDArray[np.bool_]) -> Fitted:
    net, generator = network(), np.random.default_rng(SEED)
    for variable, start in zip((*net.weights, *net.state), net.start, strict=True):
        variable.assign(start)
    own = np.flatnonzero(~stopping)
    batch = int(np.clip(len(own) // STEPS, SMALLEST_BATCH, LARGEST_BATCH))
    best: Fitted = ((), 0)
    least = np.inf
    for epoch in range(1, MAX_EPOCHS + 1):
        order = generator.permutation(own).astype(np.int32)
        net.epoch(values, begun, label.astype(np.float32), order, batch)
        weights = tuple(variable.numpy() for variable in net.weights)
        loss = log_loss(forward(weights, values[stopping], begun[stopping]), label[stopping])
        if loss >= least:
            break
        best, least = (weights, epoch), loss
    return best
