"""Intervals over simulated worlds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964


def mean_with_interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """Return mean, lower and upper end of its 95 % interval over worlds (normal)."""
    half = Z_95 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    mean = float(np.mean(values))
    return mean, mean - half, mean + half
