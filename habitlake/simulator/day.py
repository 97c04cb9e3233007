"""One day of every person: processes, the decision to train, and what it changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from habitlake.simulator import truth
from habitlake.simulator.draws import FloatArray, IntArray, normal, uniform
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import AT_HOME, ZONES, State, Traits, zone_today

# Purposes of draws within a day.
SLEEP, STRESS, ENERGY, SESSION, SKIP, DROP, INJURY, GAP, RATE, TRAVEL, MOOD, MEET, LIFE = range(1, 14)
OUTDOORS, WEIGHS = 15, 16

MIN_WEIGHT_KG = 45.0


@dataclass(slots=True)
class Day:
    """What happened to each person on one local day; arrays of one entry per person."""

    present: NDArray[np.bool_]
    signed_up_today: NDArray[np.bool_]
    moved_today: NDArray[np.bool_]
    planned: NDArray[np.bool_]
    plans_tomorrow: NDArray[np.bool_]
    slot: IntArray
    slot_tomorrow: IntArray
    outdoors: NDArray[np.bool_]
    meets_friend: NDArray[np.bool_]
    session: NDArray[np.bool_]
    skipped: NDArray[np.bool_]
    injured_today: NDArray[np.bool_]
    recovered_today: NDArray[np.bool_]
    weighed_today: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    pull: FloatArray
    probability: FloatArray
    probability_unsent: FloatArray
    draw: FloatArray
    completion: FloatArray
    sleep_hours: FloatArray
    mood: FloatArray


def _weather_effects(local: LocalDay) -> FloatArray:
    """Return by zone what the day's weather adds to the logit of a session outdoors."""
    temperature = np.array(local.temperature)
    effects = np.where(temperature < truth.COLD_BELOW_F, truth.COLD_OUTDOORS, 0.0)
    effects = np.where(temperature > truth.HOT_ABOVE_F, truth.HOT_OUTDOORS, effects)
    return np.where(np.isin(local.weather, ("rain", "snow")), truth.WET_OUTDOORS, effects)


def live(seed: int, index: int, local: LocalDay, traits: Traits, state: State, actions: list[str | None]) -> Day:
    """Let every person live through day ``index`` of the world; changes ``state``.

    Parameters
    ----------
    local
        What the people of each zone share on that day.
    actions
        The intervention type that reaches each person today, or None.
    """
    person = traits.person

    def u(purpose: int) -> FloatArray:
        return uniform(seed, person, index, purpose)

    def z(purpose: int) -> FloatArray:
        return normal(seed, person, index, purpose)

    signed = traits.sign_up <= index
    state.gap_days = np.maximum(state.gap_days - 1, 0)
    starts_gap = (u(GAP) < truth.GAP_START) & (state.gap_days == 0) & (traits.sign_up < index)
    state.gap_days = np.where(starts_gap, 2 + (uniform(seed, person, index, 60) * 8).astype(np.int64), state.gap_days)
    hazard = truth.BASE_DROP_OUT + np.where(state.days_since_session > 10, truth.LAPSED_DROP_OUT, 0.0)
    state.dropped |= signed & (u(DROP) < hazard)
    present = signed & ~state.dropped & (state.gap_days == 0)

    state.stress = np.clip(0.75 * state.stress + 0.25 * traits.stress_mean + 0.8 * z(STRESS), 1, 10)
    sleep = np.clip(traits.sleep_need - 0.12 * (state.stress - 5) + 0.8 * z(SLEEP), 2.5, 11)
    state.energy = np.clip(
        0.5 * state.energy + 2.8 + 0.35 * (sleep - 7.2) - 0.1 * (state.stress - 5) + 0.6 * z(ENERGY), 1, 10
    )

    state.life = truth.LIFE_MEMORY * state.life + truth.LIFE_SHOCK * z(LIFE)

    reached = np.array([action is not None for action in actions]) & present
    effect = np.array([truth.TRUE_EFFECTS.get(action or "", 0.0) for action in actions])
    pull = effect * traits.responsiveness * np.exp(-truth.EFFECT_FADING * state.dosage) - truth.ANNOYANCE * state.dosage
    pull = np.where(reached, pull, 0.0)
    slot, weekday = traits.slot_of_day(seed, index), local.day.weekday()
    outdoors = u(OUTDOORS) < traits.outdoors
    planned = traits.schedule[:, weekday] & present
    meets = present & (uniform(seed, person // 2, index, MEET) < traits.sociable)
    logit = (
        truth.INTERCEPT
        + truth.HABIT_WEIGHT * state.habit
        + traits.propensity
        + truth.PLAN_WEIGHT * planned
        + truth.ENERGY_WEIGHT * (state.energy - 5.5)
        + truth.STRESS_WEIGHT * (state.stress - 4.6)
        + truth.EFFICACY_WEIGHT * (state.efficacy - 0.5)
        + truth.LAPSE_WEIGHT * np.minimum(state.days_since_session, 14)
        + truth.PARTNER_WEIGHT * meets
        + traits.slot_effects[np.arange(len(person)), slot]
        + np.where(outdoors, _weather_effects(local)[zone_today(traits, state)], 0.0)
        + state.life
    )
    able = present & (state.injured_days == 0)
    probability = np.where(able, 1 / (1 + np.exp(-logit - pull)), 0.0)
    draw = u(SESSION)
    session = draw < probability
    skipped = planned & ~session & (u(SKIP) < 0.7)

    state.dosage = truth.DOSAGE_DECAY * state.dosage + reached
    gain = truth.HABIT_GAIN * (1 - state.habit)
    loss = np.where(planned, truth.HABIT_LOSS_MISS, truth.HABIT_DECAY) * state.habit
    state.habit = np.where(signed, np.clip(state.habit + np.where(session, gain, -loss), 0.01, 0.99), state.habit)
    state.efficacy = np.where(
        planned, np.clip(truth.EFFICACY_DECAY * state.efficacy + traits.efficacy_gain * session, 0, 1.5), state.efficacy
    )
    state.load = 0.85 * state.load + session * traits.duration_min / 60
    drift = np.where(session, truth.WEIGHT_PER_SESSION, truth.WEIGHT_PER_REST_DAY)
    state.weight_kg = np.where(present, np.maximum(state.weight_kg + drift, MIN_WEIGHT_KG), state.weight_kg)
    state.days_since_session = np.where(session, 0, state.days_since_session + signed)
    recovered = (state.injured_days == 1) & present
    state.injured_days = np.maximum(state.injured_days - 1, 0)
    injured = session & (
        u(INJURY) < truth.INJURY_BASE + truth.INJURY_LOAD * np.maximum(state.load - truth.SAFE_LOAD, 0)
    )
    state.injured_days = np.where(
        injured, 8 + (uniform(seed, person, index, 61) * 10).astype(np.int64), state.injured_days
    )
    away = state.travel_zone >= 0
    moved = present & (u(TRAVEL) < np.where(away, truth.TRAVEL_END, truth.TRAVEL_START))
    destination = (uniform(seed, person, index, 62) * len(ZONES)).astype(np.int64)
    state.travel_zone = np.where(moved, np.where(away, AT_HOME, destination), state.travel_zone)
    return Day(
        present=present,
        signed_up_today=(traits.sign_up == index),
        moved_today=moved,
        planned=planned,
        plans_tomorrow=traits.schedule[:, (weekday + 1) % 7] & present,
        slot=slot,
        slot_tomorrow=traits.slot_of_day(seed, index + 1),
        outdoors=outdoors,
        meets_friend=meets,
        session=session,
        skipped=skipped,
        injured_today=injured,
        recovered_today=recovered,
        weighed_today=present & traits.loses_weight & (u(WEIGHS) < truth.WEIGHING),
        reached=reached,
        pull=pull,
        probability=probability,
        probability_unsent=np.where(able, 1 / (1 + np.exp(-logit)), 0.0),
        draw=draw,
        completion=np.clip(0.9 + 0.06 * (state.energy - 5.5) * 0.5 + 0.1 * z(RATE), 0.2, 1.0),
        sleep_hours=sleep,
        mood=np.clip(6 + 0.3 * (state.energy - 5.5) - 0.2 * (state.stress - 5) + z(MOOD), 1, 10),
    )
