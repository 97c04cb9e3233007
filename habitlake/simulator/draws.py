"""Random numbers by counter: each draw depends on (seed, person, day, purpose) alone, so any sharding agrees."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_MASK = np.uint64(0xFFFFFFFFFFFFFFFF)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the SplitMix64 finaliser of each value (Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def uniform(seed: int, people: IntArray, day: int, purpose: int | IntArray) -> FloatArray:
    """Return one draw in (0, 1) for each person; ``purpose`` is one for all or one for each."""
    with np.errstate(over="ignore"):
        key = _mix(people.astype(np.uint64) + np.uint64(seed % 2**63) * np.uint64(0x9E3779B97F4A7C15))
        key = _mix(
            key
            ^ (
                np.uint64(day + 100_000) * np.uint64(0xD1B54A32D192ED03)
                + np.asarray(purpose, dtype=np.uint64) * np.uint64(0x8CB92BA72F3D8DD7)
            )
        )
    return ((key >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normal(seed: int, people: IntArray, day: int, purpose: int | IntArray) -> FloatArray:
    """Return one standard normal draw for each person."""
    return np.asarray(ndtri(uniform(seed, people, day, purpose)))
