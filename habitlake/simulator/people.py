"""The people of the world: traits that stay, and the state that each day changes."""

from collections.abc import Callable
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
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORKOUT_TYPES = ("hiit", "yoga", "strength", "run", "cycling", "swim")
STYLES = ("encouraging", "direct", "playful")
LANGUAGES = ("en", "de")
GENDERS = ("female", "male", "diverse")
LEVELS = ("beginner", "intermediate", "advanced")
EQUIPMENT = ("dumbbells", "mat", "bands", "kettlebell", "bicycle")
INJURIES = ("knee", "lower_back", "shoulder", "ankle")
WEIGHT_LOSS = "weight_loss"
GOALS = (WEIGHT_LOSS, "strength_building", "stress_relief", "endurance", "general_fitness")
SIGN_UP_DAYS = 21
AT_HOME = -1
NEVER_INJURED = -1
SHARE_WITH_STEPS_GOAL = 0.4

# Purpose of the draw within a day that says for which part of it a workout is planned.
SLOT_OF_DAY = 14


def _choice(draw: FloatArray, shares: tuple[float, ...]) -> IntArray:
    return np.minimum(np.searchsorted(np.cumsum(shares), draw), len(shares) - 1).astype(np.int64)


def _slots(
    preferred: IntArray, u: Callable[[int], FloatArray], z: Callable[[int], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the share of workouts in each part of the day and its effect on the logit, people by ``SLOTS``.

    Besides the preferred part each person uses one or two others; the share of the rest is 0.
    """
    everybody, count = np.arange(len(preferred)), len(SLOTS)
    second = (preferred + 1 + (u(41) * (count - 1)).astype(np.int64)) % count
    third = (preferred + 1 + (u(42) * (count - 1)).astype(np.int64)) % count
    others = np.zeros((len(preferred), count))
    others[everybody, second] += 0.6
    others[everybody, third] += 0.4
    shares = (1 - truth.PREFERRED_SLOT_SHARE) * others
    shares[everybody, preferred] = truth.PREFERRED_SLOT_SHARE
    effects = truth.OTHER_SLOT_EFFECT + truth.SLOT_SPREAD * np.stack([z(63 + slot) for slot in range(count)], axis=1)
    effects[everybody, preferred] += truth.PREFERRED_SLOT_EFFECT - truth.OTHER_SLOT_EFFECT
    swapped = np.flatnonzero(u(43) < truth.PREFERS_A_WORSE_SLOT)
    best, other = preferred[swapped], second[swapped]
    effects[swapped, best], effects[swapped, other] = effects[swapped, other], effects[swapped, best]
    return shares, effects


@dataclass(slots=True)
class Traits:
    """What stays the same about each person; arrays of one entry per person."""

    person: IntArray
    zone: IntArray
    sign_up: IntArray
    weekly_target: IntArray
    schedule: NDArray[np.bool_]
    slot: IntArray
    slot_shares: FloatArray
    slot_effects: FloatArray
    outdoors: FloatArray
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
    height_cm: FloatArray
    weight_kg: FloatArray
    target_weight_kg: FloatArray
    target_steps: IntArray
    equipment: NDArray[np.bool_]
    past_injury: IntArray
    style: IntArray
    language: IntArray
    consents: NDArray[np.bool_]

    @property
    def best_slot(self) -> IntArray:
        """The part of the day, of those the person uses, in which a session is most likely to happen."""
        return np.argmax(np.where(self.slot_shares > 0, self.slot_effects, -np.inf), axis=1)

    @property
    def loses_weight(self) -> NDArray[np.bool_]:
        """Whether the person's goal is to lose weight."""
        return np.asarray(self.goal == GOALS.index(WEIGHT_LOSS))

    def slot_of_day(self, seed: int, index: int) -> IntArray:
        """Return the part of the day for which each person's workout of a day is planned."""
        draw = uniform(seed, self.person, index, SLOT_OF_DAY)
        return np.minimum((draw[:, None] > np.cumsum(self.slot_shares, axis=1)).sum(axis=1), len(SLOTS) - 1)


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
    preferred = _choice(u(5), (0.2, 0.2, 0.12, 0.18, 0.3))
    shares, effects = _slots(preferred, u, z)
    height = np.round(170 + 9 * z(47))
    weight = np.round(28.5 * (height / 100) ** 2 + 8 * z(48), 1)
    wants_steps = u(50) < SHARE_WITH_STEPS_GOAL
    return Traits(
        person=person,
        zone=_choice(u(2), ZONE_SHARES),
        sign_up=np.where(u(3) < 0.6, 0, u(4) * SIGN_UP_DAYS).astype(np.int64),
        weekly_target=target,
        schedule=rank < target[:, None],
        slot=preferred,
        slot_shares=shares,
        slot_effects=effects,
        outdoors=np.clip(0.25 + 0.2 * z(46), 0.0, 0.9),
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
        height_cm=height,
        weight_kg=weight,
        target_weight_kg=np.round(weight * (0.88 + 0.08 * u(49))),
        target_steps=np.where(wants_steps, 6_000 + 500 * (u(51) * 13).astype(np.int64), 0),
        equipment=np.stack([u(52 + number) < 0.3 for number in range(len(EQUIPMENT))], axis=1),
        past_injury=np.where(u(57) < 0.15, (u(58) * len(INJURIES)).astype(np.int64), NEVER_INJURED),
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
    weight_kg: FloatArray
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
        weight_kg=traits.weight_kg.copy(),
        days_since_session=np.zeros(count, dtype=np.int64),
        injured_days=np.zeros(count, dtype=np.int64),
        gap_days=np.zeros(count, dtype=np.int64),
        dropped=np.zeros(count, dtype=np.bool_),
        travel_zone=np.full(count, AT_HOME, dtype=np.int64),
    )


def zone_today(traits: Traits, state: State) -> IntArray:
    """Return the number in ``ZONES`` of the zone in which each person is."""
    return np.where(state.travel_zone != AT_HOME, state.travel_zone, traits.zone)
