"""People of the simulator who live in memory, and the features that are known of them each night."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.lake import arrow_schema
from habitlake.simulator.day import Day, live
from habitlake.simulator.events import opens_messages
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import GOALS, LANGUAGES, LEVELS, STYLES, State, Traits, initial_state, make_traits
from habitlake.tables import get_table
from interventions.candidates import ROW
from interventions.policy import usual_sessions
from interventions.response.effects import DOSAGE_DECAY
from interventions.response.model import Floats
from interventions.values import REPORTS, SCHEMA

FIRST = date(2026, 1, 1)


@dataclass(slots=True)
class Life:
    """Some people, their state, and what is remembered of their days, newest last."""

    seed: int
    traits: Traits
    state: State
    days: list[dict[str, NDArray[Any]]] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, people: int) -> "Life":
        """Return people on the world's first day."""
        traits = make_traits(seed, 0, people)
        return cls(seed, traits, initial_state(seed, traits))

    def live(self, actions: list[str | None]) -> Day:
        """Let everybody live through the next day and remember it."""
        index = len(self.days)
        known = (self.traits.sign_up <= index) & ~self.state.dropped
        opens = opens_messages(self.seed, index, self.traits, self.state)
        local = LocalDay(self.seed, index, FIRST + timedelta(days=index))
        day = live(self.seed, index, local, self.traits, self.state, actions)
        delivered = np.array([action is not None for action in actions]) & known
        before = self.days[-1]["streak"] if self.days else 0.0
        broken = (day.planned & ~day.session) | (self.state.days_since_session >= 7)
        self.days.append(
            {
                "present": day.present, "session": day.session, "delivered": delivered,
                "acted": delivered & opens & day.present & day.session, "partner": day.session & day.meets_friend,
                "sleep": np.where(day.present, day.sleep_hours, np.nan),
                "stress": np.where(day.present, self.state.stress, np.nan),
                "energy": np.where(day.present, self.state.energy, np.nan),
                "streak": np.where(broken, 0.0, before + day.session),
            }
        )  # fmt: skip
        return day

    def total(self, name: str, days: int) -> Floats:
        """Return the sum of a fact over the last days."""
        return np.sum([day[name] for day in self.days[-days:]], axis=0).astype(float)

    def mean(self, name: str, days: int = 7) -> Floats:
        """Return the mean of what was reported over the last days; NaN without a report."""
        values = np.array([day[name] for day in self.days[-days:]])
        count = (~np.isnan(values)).sum(axis=0)
        return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)

    def dosage(self) -> Floats:
        """Return the dosage of the next day."""
        ages = DOSAGE_DECAY ** np.arange(len(self.days))[::-1]
        return np.round(np.tensordot(ages, np.array([day["delivered"] for day in self.days]), axes=1), 6)


def features(life: Life) -> pl.DataFrame:
    """Return one row per person: what triggers, rules, scores and the policy read; what is not simulated is null.

    In place of the model's prediction stands what the last four weeks miss of the target.
    """
    traits, index = life.traits, len(life.days) - 1
    weekly, recent, present = life.total("session", 28), life.total("session", 7), life.total("present", 7)
    since = life.state.days_since_session
    columns: dict[str, object] = {
        "user_id": [f"u{person}" for person in traits.person],
        "as_of_date": [FIRST + timedelta(days=index)] * len(traits.person),
        "first_decision_date": [FIRST + timedelta(days=index + 1)] * len(traits.person),
        "zone_known": True,
        "notifications_allowed": traits.consents,
        "age": traits.age,
        "communication_style": [STYLES[style] for style in traits.style],
        "fitness_level": [LEVELS[level] for level in traits.level],
        "primary_goal": [GOALS[goal] for goal in traits.goal],
        "language": [LANGUAGES[language] for language in traits.language],
        "preferred_hour": np.array((8.0, 8.5, 11.5, 15.0, 17.5))[traits.slot],
        "target_sessions": traits.weekly_target.astype(float),
        "days_since_first_event": np.maximum(index - traits.sign_up, 0),
        "observed_days_28d": life.total("present", 28).astype(int),
        "sessions_7d": recent.astype(int),
        "sessions_28d": weekly.astype(int),
        "habitual_weekly_sessions": weekly / 4,
        "days_since_last_session": pl.Series(np.where(weekly > 0, since, np.nan)).fill_nan(None).cast(pl.Int64),
        "streak_length_current": life.days[-1]["streak"].astype(int),
        "streak_length_longest": np.max([day["streak"] for day in life.days], axis=0).astype(int),
        "goal_progress_rate": np.minimum(recent / traits.weekly_target, 2.0),
        "skip_probability": 1 - np.minimum((weekly / 4 + 0.5) / (traits.weekly_target + 0.5), 1.0),
        "sleep_hours_7d": life.mean("sleep"),
        "sleep_debt_hours": np.maximum(8 - life.mean("sleep"), 0.0),
        "stress_level": life.mean("stress"),
        "energy_level": life.mean("energy"),
        "preparation_time_avg": traits.preparation_min,
        "partner_share_30d": life.total("partner", 30) / np.maximum(life.total("session", 30), 1),
        "injured": (life.state.injured_days > 0).astype(int),
        "interventions_7d": life.total("delivered", 7).astype(int),
        "app_minutes_7d": 10 * present,
        "delivered_28n": life.total("delivered", 28).astype(int),
        "acted_28n": life.total("acted", 28).astype(int),
        "dosage": life.dosage(),
        **{name: present.astype(int) for name in REPORTS},
    }
    frame = pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))
    stored = pl.DataFrame(arrow_schema(get_table("gold.user_features")).empty_table()).schema
    missing = {name: kind for name, kind in {**stored, **SCHEMA}.items() if name not in columns}
    frame = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in missing.items())
    return frame.with_columns(usual_sessions=usual_sessions()).with_row_index(ROW)
