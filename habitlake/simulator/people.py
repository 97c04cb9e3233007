"""The people of the world: traits that stay, and the state that each day changes."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from habitlake.simulator import truth
from habitlake.simulator.draws import FloatArray, IntArray, normal, uniform

ZONES = (
    "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata",
    "Australia/Sydney", "Europe/London", "America/Sao_Paulo", "Pacific/Auckland",
)  # fmt: skip
ZONE_SHARES = (0.25, 0.25, 0.15, 0.10, 0.06, 0.12, 0.05, 0.02)
SLOTS = ("early_morning", "morning", "midday", "afternoon", "evening")
SLOT_HOURS = (6.3, 8.2, 12.3, 16.5, 19.0)
WORKOUT_TYPES = ("hiit", "yoga", "strength", "run", "cycling", "swim")
STYLES = ("encouraging", "direct", "playful")
LANGUAGES = ("en", "de")
GENDERS = ("female", "male", "diverse")
LEVELS = ("beginner", "intermediate", "advanced")
GOALS = ("weight_loss", "strength_building", "stress_relief", "endurance", "general_fitness")
SIGN_UP_DAYS = 21
AT_HOME = -1


def _choice(draw: FloatArray, shares: tuple[float, ...]) -> IntArray:
    return np.minimum(np.searchsorted(np.cumsum(shares), draw), len(shares) - 1).astype(np.int64)


@dataclass(slots=True)
class Traits:
    """What stays the same about each person; arrays of one entry per person."""

    person: IntArray
    zone: IntArray
    sign_up: IntArray
    weekly_target: IntArray
    schedule: NDArray[np.bool_]
    slot: IntArray
    workout_type: IntArray
    duration_min: FloatArray
    propensity: FloatArray
    responsiveness: FloatArray
    efficacy_gain: FloatArray
    sleep_need: FloatArray
    stress_mean: FloatArray
    sociable: FloatArray
    engagement: FloatArray
    wears: FloatArray
    preparation_min: FloatArray
    age: IntArray
    gender: IntArray
    level: IntArray
    goal: IntArray
    style: IntArray
    language: IntArray
    consents: NDArray[np.bool_]


def make_traits(seed: int, first: int, count: int) -> Traits:
    """Return the traits of persons ``first`` to ``first + count - 1``."""
    person = np.arange(first, first + count, dtype=np.int64)

    def u(purpose: int) -> FloatArray:
        return uniform(seed, person, -1, purpose)

    def z(purpose: int) -> FloatArray:
        return normal(seed, person, -1, purpose)

    target = 2 + _choice(u(1), (0.3, 0.35, 0.2, 0.15))
    # The weekdays with the highest draws are the planned ones; weekends are a little more popular.
    preference = np.stack([u(10 + day) + (0.15 if day in {5, 6} else 0.0) for day in range(7)], axis=1)
    rank = np.argsort(np.argsort(-preference, axis=1), axis=1)
    return Traits(
        person=person,
        zone=_choice(u(2), ZONE_SHARES),
        sign_up=np.where(u(3) < 0.6, 0, u(4) * SIGN_UP_DAYS).astype(np.int64),
        weekly_target=target,
        schedule=rank < target[:, None],
        slot=_choice(u(5), (0.2, 0.2, 0.12, 0.18, 0.3)),
        workout_type=(u(6) * len(WORKOUT_TYPES)).astype(np.int64),
        duration_min=np.round(20 + 40 * u(7)),
        propensity=truth.PROPENSITY_SPREAD * z(8),
        responsiveness=np.clip(0.7 + 0.4 * z(9), 0.0, 1.6),
        efficacy_gain=0.1 + 0.2 * u(20),
        sleep_need=7.2 + 0.6 * z(21),
        stress_mean=np.clip(4.6 + 1.2 * z(22), 1.5, 8.5),
        # Friends are pairs of neighbours (2k, 2k + 1); drawing by pair lets any sharding agree on when they meet.
        sociable=0.5 * uniform(seed, person // 2, -1, 23),
        engagement=np.clip(0.55 + 0.2 * z(33), 0.05, 1.0),
        wears=np.clip(0.75 + 0.2 * z(24), 0.15, 0.98),
        preparation_min=np.clip(8 + 5 * z(25), 1, 30),
        age=np.clip(38 + 13 * z(26), 15, 80).astype(np.int64),
        gender=_choice(u(27), (0.52, 0.46, 0.02)),
        level=_choice(u(28), (0.45, 0.38, 0.17)),
        goal=(u(29) * len(GOALS)).astype(np.int64),
        style=(u(30) * len(STYLES)).astype(np.int64),
        language=_choice(u(31), (0.75, 0.25)),
        consents=u(32) < 0.94,
    )


@dataclass(slots=True)
class State:
    """What a day changes about each person; arrays of one entry per person."""

    habit: FloatArray
    efficacy: FloatArray
    stress: FloatArray
    energy: FloatArray
    life: FloatArray
    dosage: FloatArray
    load: FloatArray
    days_since_session: IntArray
    injured_days: IntArray
    gap_days: IntArray
    dropped: NDArray[np.bool_]
    travel_zone: IntArray

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the state as named arrays, for saving."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def initial_state(seed: int, traits: Traits) -> State:
    """Return the state on the world's first day."""
    count = len(traits.person)
    return State(
        habit=np.clip(0.28 + 0.2 * normal(seed, traits.person, -1, 40) + 0.08 * traits.level, 0.02, 0.9),
        efficacy=np.full(count, 0.5),
        stress=traits.stress_mean.copy(),
        energy=np.full(count, 5.5),
        life=np.zeros(count),
        dosage=np.zeros(count),
        load=np.zeros(count),
        days_since_session=np.zeros(count, dtype=np.int64),
        injured_days=np.zeros(count, dtype=np.int64),
        gap_days=np.zeros(count, dtype=np.int64),
        dropped=np.zeros(count, dtype=np.bool_),
        travel_zone=np.full(count, AT_HOME, dtype=np.int64),
    )
