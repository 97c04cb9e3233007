"""Workout plans of made people, in one process: how many a second, and how large they are."""

import json
import time
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from habitlake.simulator.people import (
    EQUIPMENT,
    GOALS,
    INJURIES,
    LANGUAGES,
    LEVELS,
    SLOTS,
    STYLES,
    WEEKDAYS,
    WORKOUT_TYPES,
    make_traits,
)
from interventions.health import CONDITIONS
from interventions.plans.catalogue import REGIONS
from interventions.plans.job import made_plans
from interventions.plans.plan import RATES
from interventions.plans.shape import with_week

NIGHT = date(2026, 3, 2)


@dataclass(frozen=True, slots=True)
class Measured:
    """What making the plans took, by the clock and of the processor, and the bytes of their JSON."""

    people: int
    seconds: float
    processor_seconds: float
    plan_bytes: int


def made_people(people: int, seed: int) -> pl.DataFrame:
    """Return people of the simulator whose week is over, with features, goals and patterns drawn for the purpose."""
    traits, draw = make_traits(seed, 0, people), np.random.default_rng(seed)
    hurt = draw.random(people) < 0.02
    rates = {name: np.where(draw.random(people) < 0.4, draw.uniform(0.3, 0.9, people), np.nan) for name in RATES}
    minutes, week_ago = traits.duration_min.tolist(), NIGHT - timedelta(days=5)
    columns = {
        "user_id": [f"u{number:08d}" for number in range(people)],
        "valid_from": [NIGHT + timedelta(days=2)] * people,
        "fitness_level": [LEVELS[number] for number in traits.level],
        "primary_goal": [GOALS[number] for number in traits.goal],
        "workout_types": [[WORKOUT_TYPES[number]] for number in traits.workout_type],
        "workout_duration_min": [[max(length - 10, 10), length + 10] for length in minutes],
        "available_time_min": traits.duration_min + 10,
        "equipment": [[name for name, owned in zip(EQUIPMENT, row, strict=True) if owned] for row in traits.equipment],
        "injury_history": [[] if past < 0 else [INJURIES[past]] for past in traits.past_injury],
        "schedule_json": [
            json.dumps({name: {"available": bool(free)} for name, free in zip(WEEKDAYS, row, strict=True)})
            for row in traits.schedule
        ],
        "preferred_times": [[SLOTS[number]] for number in traits.slot],
        "target_sessions_per_week": traits.weekly_target.astype(float),
        "language": [LANGUAGES[number] for number in traits.language],
        "communication_style": [STYLES[number] for number in traits.style],
        "days_since_first_event": draw.integers(0, 90, people),
        "acute_load": draw.uniform(0, 60, people),
        "chronic_load": draw.uniform(20, 60, people),
        "monotony": draw.uniform(0.5, 2.1, people),
        "sleep_debt_hours": draw.uniform(0, 2.5, people),
        "stress_level": draw.uniform(2, 8, people),
        "energy_level": draw.uniform(2, 9, people),
        "injured": hurt,
        "injured_mask": np.where(hurt, 1 << draw.integers(0, len(REGIONS), people), 0),
        "ill": [False] * people,
        "health_conditions": [
            [CONDITIONS[number]] if number < len(CONDITIONS) else None for number in draw.integers(0, 100, people)
        ],
        "conditions_changed_on": [None] * people,
        "last_night": [week_ago] * people,
        "last_valid_from": [week_ago] * people,
        "last_block_week": draw.integers(1, 5, people),
        "last_deload": [False] * people,
        "last_injured": [False] * people,
        "last_injured_mask": [0] * people,
        "goal_sessions": np.clip(traits.weekly_target + draw.integers(-1, 2, people), 1, 7).astype(float),
        "goal_minutes": (traits.weekly_target * traits.duration_min // 5 * 5).astype(float),
        "best_place": [("home", "gym", "outdoors", None)[number] for number in draw.integers(0, 4, people)],
        "best_part": [None] * people,
        **rates,
    }
    texts = dict.fromkeys(("equipment", "injury_history", "health_conditions"), pl.List(pl.String))
    kinds = {"best_part": pl.String, "conditions_changed_on": pl.Date, **texts}
    frame = pl.DataFrame(columns, schema_overrides=kinds)
    return with_week(frame.with_columns(pl.col(RATES).fill_nan(None)))


def measure(people: int, seed: int = 7) -> Measured:
    """Make the plans of all as the job does."""
    everyone = made_people(people, seed)
    started, used = time.perf_counter(), time.process_time()
    size = sum(int(made["plan"].str.len_bytes().sum()) for made in made_plans(everyone, NIGHT, seed))
    return Measured(people, time.perf_counter() - started, time.process_time() - used, size)
