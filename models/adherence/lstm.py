"""The founding document's LSTM over the last 30 days: 10 channels -> 64 -> dropout 0.2 -> 32 -> 16 -> 1.

TensorFlow fits the weights; from then on they are arrays. A score needs no TensorFlow: loading it costs a night
seconds, and on batches of people NumPy's matrix products are as fast.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from habitlake.errors import PermanentError
from habitlake.tables.people import SEQUENCE_DAYS
from models.adherence.factors import ALL, CHANNEL_NAMES, FACTORS, Present, kept, shapley, sigmoid, thinned
from models.lifecycle.estimators import FloatArray

Float32 = NDArray[np.float32]
CHANNELS = len(CHANNEL_NAMES)
OBSERVED = CHANNEL_NAMES.index("observed")
UNITS = (64, 32)
DENSE = 16
PARAMETERS = 32_161
# Channels are standardised; a rare day of very much training counts as one of much.
WIDEST = 5.0
PEOPLE_AT_ONCE = 512
# A fit passes over its rows a few times at 5,000 a second and processor; of more so many are drawn with the seed.
MAX_ROWS = 40_000
THREADS = 2


def sequence_values(rows: pl.DataFrame) -> Float32:
    """Return the days of people: rows by 30 days by 10 channels, NaN where nothing is known.

    Parameters
    ----------
    rows
        Has ``sequence``: 300 values, day after day; null for a person without.
    """
    column = rows["sequence"]
    values = np.full((rows.height, SEQUENCE_DAYS * CHANNELS), np.nan, dtype=np.float32)
    known = column.is_not_null().to_numpy()
    if known.any():
        values[known] = column.drop_nulls().explode().cast(pl.Float32).to_numpy().reshape(int(known.sum()), -1)
    return values.reshape(rows.height, SEQUENCE_DAYS, CHANNELS)


def days_begun(values: Float32) -> NDArray[np.bool_]:
    """Return per person and day whether a first sign of use has been seen.

    Days before it are masked. Silent days after it are not: silence is what comes before a lapse, and the channel
    ``observed`` tells it from days without a session.
    """
    return np.maximum.accumulate(np.nan_to_num(values[:, :, OBSERVED]) > 0, axis=1)


def _joined(kernel: Float32, recurrent: Float32, bias: Float32) -> Float32:
    """Return a layer's weights as one matrix: gates by hidden state, inputs and one.

    The gates' logistic function is taken as (1 + tanh(x / 2)) / 2, which NumPy has vectorised, with x / 2 in here.
    """
    joined = np.concatenate([recurrent, kernel, bias[None]]).T
    units = len(recurrent)
    joined[: 2 * units] *= 0.5
    joined[3 * units :] *= 0.5
    return np.ascontiguousarray(joined)


def _step(joined: Float32, state: Float32, cell: Float32) -> None:
    """Change hidden state (the first rows of ``state``) and cell of people by one day.

    Gates in Keras' order: input, forget, candidate, output. People are columns, so that each gate is one block of memory.
    """
    units = len(cell)
    gates = joined @ state
    np.tanh(gates, out=gates)
    gate, forget, candidate, output = (gates[at : at + units] for at in range(0, 4 * units, units))
    for logistic in (gates[: 2 * units], output):
        np.add(logistic, 1, out=logistic)
        np.multiply(logistic, 0.5, out=logistic)
    cell *= forget
    gate *= candidate
    cell += gate
    np.tanh(cell, out=state[:units])
    state[:units] *= output


def forward(weights: tuple[Float32, ...], values: Float32, begun: NDArray[np.bool_]) -> FloatArray:
    """Return the log-odds of people.

    Parameters
    ----------
    weights
        Kernel, recurrent kernel and bias of both layers, then kernel and bias of both dense ones, as Keras orders them.
    values
        People by days by channels, standardised, no NaN.
    begun
        People by days; the state stays empty until the first true.
    """
    people, first, second = len(values), _joined(*weights[:3]), _joined(*weights[3:6])
    dense, dense_bias, last, last_bias = weights[6:]
    states = [np.zeros((matrix.shape[1], people), dtype=np.float32) for matrix in (first, second)]
    cells = [np.zeros((units, people), dtype=np.float32) for units in UNITS]
    for state in states:
        state[-1] = 1
    for day in range(values.shape[1]):
        states[0][UNITS[0] : -1] = values[:, day].T
        _step(first, states[0], cells[0])
        states[1][UNITS[1] : -1] = states[0][: UNITS[0]]
        _step(second, states[1], cells[1])
        if not begun[:, day].all():
            for state, cell in zip(states, cells, strict=True):
                np.multiply(cell, begun[:, day], out=cell)
                np.multiply(state[: len(cell)], begun[:, day], out=state[: len(cell)])
    inside = np.maximum(states[1][: UNITS[1]].T @ dense + dense_bias, 0)
    return np.asarray((inside @ last + last_bias)[:, 0], dtype=np.float64)


@dataclass(slots=True)
class Lstm:
    """Two stacked LSTM layers; missing values stand at the channel's training mean."""

    features: tuple[str, ...] = FACTORS
    kind: str = "lstm"
    needs_sequence: bool = True
    needs_tensorflow: bool = True
    mean: Float32 = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    scale: Float32 = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    weights: tuple[Float32, ...] = ()
    epochs: int = 0

    def fit(self, rows: pl.DataFrame) -> "Lstm":
        """Fit on the rows with a label and a sequence.

        Raises
        ------
        PermanentError
            If no row has a sequence.
        """
        from models.adherence.lstm_training import train

        rows = rows.filter(pl.col("sequence").is_not_null())
        if rows.is_empty():
            msg = "no training row has a sequence; gold.user_sequence holds none of its nights"
            raise PermanentError(msg)
        rows = rows[thinned(np.arange(rows.height), MAX_ROWS)]
        values = sequence_values(rows)
        days = np.where(days_begun(values)[:, :, None], values, np.nan).reshape(-1, CHANNELS)
        known = np.isfinite(days)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, days, 0).sum(axis=0, dtype=np.float64) / count
        spread = np.sqrt(np.where(known, (days - mean) ** 2, 0).sum(axis=0, dtype=np.float64) / count)
        self.mean, self.scale = mean.astype(np.float32), np.maximum(spread, 1e-3).astype(np.float32)
        self.weights, self.epochs = train(rows, *self._prepared(rows))
        return self

    def _prepared(self, rows: pl.DataFrame) -> tuple[Float32, NDArray[np.bool_]]:
        values = sequence_values(rows)
        begun = days_begun(values)
        standard = np.nan_to_num((values - self.mean) / self.scale)
        return np.clip(standard, -WIDEST, WIDEST, out=standard), begun

    def log_odds(self, rows: pl.DataFrame, present: Present = ALL) -> FloatArray:
        """Return the log-odds of the label; factors that are not present stand at the training mean."""
        own = kept(CHANNEL_NAMES, present).astype(np.float32)

        def of_part(start: int) -> FloatArray:
            values, begun = self._prepared(rows[start : start + PEOPLE_AT_ONCE])
            return forward(self.weights, values * own, begun)

        # NumPy leaves Python free while it computes, so two halves run at once; its products then take a thread each.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(of_part, range(0, rows.height, PEOPLE_AT_ONCE)))
        return np.concatenate(parts) if parts else np.empty(0)

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each factor's Shapley value of the log-odds, with the rest as the last column."""
        return shapley(lambda present: self.log_odds(rows, present))

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        return sigmoid(self.log_odds(rows))
