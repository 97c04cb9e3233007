"""Ten people written out: every feature, habit and analytics value of each equals the one worked by hand.

The night is Tuesday 31 March 2026; all live in UTC unless said otherwise, so their last complete day is the 31st
(age 0). A feature that a person's expectation does not name is 0, or null where it may be.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from math import cos, log, pi, sin, sqrt

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.tables import FEATURES
from spark_jobs.common.delta import conform
from spark_jobs.features import categories, contexts
from spark_jobs.features.analytics import TABLE, known_of_people, user_analytics
from spark_jobs.features.as_known import people_by_night, with_profile
from spark_jobs.features.categories import category_entries
from spark_jobs.features.contexts import context_entries
from spark_jobs.features.habit import habit_states, origin_of
from spark_jobs.features.run import EVENT_TABLES
from spark_jobs.features.strength import DECAY, GAIN
from spark_jobs.features.user_day import ledger_entries
from spark_jobs.features.user_features import snapshots
from tests.integration.features.sessions import small_session
from tests.integration.features.silver import event, frame

NIGHT = date(2026, 3, 31)


def instant(age, clock, offset="+00:00"):
    """The moment of a wall clock ``age`` days before the 31st."""
    return f"{NIGHT - timedelta(days=age)}T{clock}:00{offset}"


def batch_of(text):
    return min(datetime.fromisoformat(text).astimezone(UTC).date(), NIGHT)


class Person:
    """Collects one person's events; a day's events arrive on the UTC date on which they happen."""

    def __init__(self, name):
        self.name = name
        self.events = {name: [] for name in EVENT_TABLES}

    def _add(self, table, text, event_type, **values):
        self.events[table].append(event(self.name, text, event_type, values.pop("batch", batch_of(text)), **values))

    def profile(self, text="2026-01-01T00:00:00+00:00", **values):
        self._add("silver.profiles", text, "profile_updated", **({"time_zone": "UTC"} | values))

    def session(self, age, clock, minutes, offset="+00:00", **values):
        """A workout that started at the wall clock."""
        start = datetime.fromisoformat(instant(age, clock, offset))
        end = (start + timedelta(minutes=minutes)).isoformat()
        self._add("silver.workouts", end, "workout_completed", duration_s=minutes * 60.0, **values)

    def skip(self, age, clock, **values):
        self._add("silver.workouts", instant(age, clock), "workout_skipped", **values)

    def plan(self, age, clock):
        at = datetime.fromisoformat(instant(age, clock))
        text = instant(max(age, -6) + 5 if age >= 0 else 0, "12:00")
        self._add("silver.workouts", text, "workout_planned", planned_for=at)

    def visit(self, age, clock="12:00", **values):
        self._add("silver.interactions", instant(age, clock), "app_interaction", **values)

    def state(self, age, **values):
        self._add("silver.wellbeing", instant(age, "21:00"), "daily_wellbeing", **values)

    def sleep(self, age, hours):
        self._add("silver.wellbeing", instant(age, "07:00"), "sleep_logged", sleep_duration_s=hours * 3600.0)


def ewma(loads, span):
    """Exponentially weighted mean of {age: load}, lambda = 2 / (span + 1)."""
    rate = 2 / (span + 1)
    # Weights are stored as whole millionths; the written value is rounded to 6 decimals.
    return sum(round(1e6 * rate * (1 - rate) ** age) * load for age, load in loads.items()) / 1e6


def resultant(*hours):
    """Mean resultant length of starts on the 24-hour circle; cosines and sines are summed as thousandths."""
    angles = [hour / 24 * 2 * pi for hour in hours]
    return min(
        1,
        sqrt(sum(round(1000 * cos(a)) for a in angles) ** 2 + sum(round(1000 * sin(a)) for a in angles) ** 2)
        / 1000
        / len(hours),
    )


def daily():
    """Trains at 07:00 every day of March from the 2nd on: 30 minutes, medium, alone at home in fair weather."""
    person = Person("daily")
    person.profile("2026-03-02T06:00:00+00:00", target_sessions_per_week=5.0, preferred_times=["morning"])
    for age in range(30):
        person.session(
            age, "07:00", 30, intensity="medium", completion_rate=0.9, workout_type="run", location="home",
            weather="clear", social_context="alone",
        )  # fmt: skip
    load = dict.fromkeys(range(30), 60.0)  # 30 minutes x 2
    return person, {
        "workout_frequency_7d": 1, "workout_frequency_30d": 1, "sessions_7d": 7, "sessions_28d": 28,
        "active_days_28d": 28, "observed_days_28d": 28, "days_since_last_session": 0, "days_since_first_event": 29,
        "streak_length_current": 30, "streak_length_longest": 30,
        # Each week has 7 of 5 expected days, at most 1.
        "consistency_score": 1,
        "time_of_day_consistency": 1,
        # 30 days from Monday the 2nd to Tuesday the 31st: two weekdays five times, five of them four times.
        "day_of_week_consistency": 1 + (2 * 5 / 30 * log(5 / 30) + 5 * 4 / 30 * log(4 / 30)) / log(7),
        "completion_rate_30d": 0.9, "completion_rate_trend": 0, "intensity_progression": 0, "workout_variety_score": 0,
        "skip_rate_30d": 0, "habitual_weekly_sessions": 7, "preferred_time_consistency": 1, "partner_share_30d": 0,
        # The same load every day has no monotony (it would be infinite).
        "load_7d": 420, "load_28d": 420, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
        # 28 / 4 weeks / 5 is more than the goal; 7 / 5.
        "goal_progress": 1, "goal_progress_rate": 1.4,
    }  # fmt: skip


def weekend_only():
    """Four weekends of an hour at 10:00, low; the weeks between break no streak."""
    person = Person("weekend_only")
    ages = (2, 3, 9, 10, 16, 17, 23, 24)  # Sundays and Saturdays from 29 March back to 7 March
    for age, pulse in zip(ages, (132, 132, 138, 138, 144, 144, 150, 150), strict=True):
        person.session(age, "10:00", 60, intensity="low", heart_rate_avg=float(pulse))
    load = dict.fromkeys(ages, 60.0)
    # Loads of the week 0, 0, 60, 60, 0, 0, 0: mean 120/7, variance (7200 - 120^2 / 7) / 6.
    monotony = 120 / 7 / sqrt((7200 - 14400 / 7) / 6)
    return person, {
        "workout_frequency_7d": 2 / 7, "workout_frequency_30d": 8 / 30, "sessions_7d": 2, "sessions_28d": 8,
        "active_days_28d": 8, "observed_days_28d": 8, "days_since_last_session": 2, "days_since_first_event": 24,
        "streak_length_current": 8, "streak_length_longest": 8,
        # Habitual 8 / 4 = 2; known for 25 days, so three whole weeks count, each with 2 of 2.
        "consistency_score": 1,
        "time_of_day_consistency": resultant(*[10] * 8),
        "day_of_week_consistency": 1 - log(2) / log(7),
        "intensity_progression": 0, "skip_rate_30d": 0, "habitual_weekly_sessions": 2, "partner_share_30d": 0,
        "load_7d": 120, "load_28d": 120, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
        "monotony": monotony, "strain": 120 * monotony,
    }  # fmt: skip


def lapsed():
    """Trained on days 40, 38 and 36; since then one look at the app, today. Stress fell from 8 to 6."""
    person = Person("lapsed")
    person.state(80, stress=8.0)
    person.state(1, stress=6.0)
    for age in (40, 38, 36):
        person.session(age, "18:00", 20)
    person.visit(
        0, screen_time_s=90.0, motivation_level=3.0, barriers=["Work", "family", "work"], features_used=["Library"]
    )
    load = dict.fromkeys((40, 38, 36), 40.0)  # unknown intensity counts 2
    return person, {
        "days_since_last_session": 36, "days_since_first_event": 80, "observed_days_28d": 2, "stress_level": 6,
        # Six empty days in a row break nothing, 36 do; the three days were one streak.
        "streak_length_longest": 3,
        # No session in four weeks of one expected each.
        "consistency_score": 0,
        "app_minutes_7d": 1.5, "barrier_frequency": 3, "top_barrier": "work", "features_used_30d": 1,
        "motivation_level": 3, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
    }  # fmt: skip


def shift_worker():
    """Starts at 23:00, midnight and 01:00: close together on the circle, far apart on a line."""
    person = Person("shift_worker")
    person.session(6, "23:00", 90)  # ends at 00:30 of day 5: that is the session's day
    person.session(3, "00:00", 30)
    person.session(1, "01:00", 30)
    # 180, 60 and 60 on days 5, 3 and 1; sum 300, squares 32,400 + 3,600 + 3,600.
    monotony = 300 / 7 / sqrt((39_600 - 90_000 / 7) / 6)
    load = {5: 180.0, 3: 60.0, 1: 60.0}
    return person, {
        "workout_frequency_7d": 3 / 7, "workout_frequency_30d": 3 / 30, "sessions_7d": 3, "sessions_28d": 3,
        "active_days_28d": 3, "observed_days_28d": 3, "days_since_last_session": 1, "days_since_first_event": 5,
        "streak_length_current": 3, "streak_length_longest": 3,
        # Angles -15, 0 and 15 degrees: cosines 966, 1000, 966 and sines that cancel.
        "time_of_day_consistency": 2.932 / 3,
        # Thursday, Saturday, Monday.
        "day_of_week_consistency": 1 - log(3) / log(7),
        "skip_rate_30d": 0, "habitual_weekly_sessions": 0.75, "partner_share_30d": 0,
        "load_7d": 300, "load_28d": 75, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
        "monotony": monotony, "strain": 300 * monotony,
    }  # fmt: skip


def traveller():
    """Berlin over the clock change of the 29th, then Tokyo from the 30th on: three days at 08:00 local time."""
    person = Person("traveller")
    person.profile("2026-03-01T00:00:00+00:00", time_zone="Europe/Berlin", preferred_times=["evening"])
    person.profile("2026-03-29T20:00:00+00:00", time_zone="Asia/Tokyo", preferred_times=["evening"])
    person.session(3, "08:00", 45, "+01:00", intensity="high")  # Saturday 28 March, before the change
    person.session(2, "08:00", 45, "+02:00", intensity="high")  # Sunday 29 March, after it
    person.session(1, "08:00", 45, "+09:00", intensity="high")  # Monday 30 March in Tokyo: still the 29th in UTC
    # In Tokyo the night's end, midnight UTC, is 09:00 of 1 April: the last complete day is still the 31st.
    monotony = 405 / 7 / sqrt((3 * 135**2 - 405**2 / 7) / 6)
    load = dict.fromkeys((1, 2, 3), 135.0)
    return person, {
        "workout_frequency_7d": 3 / 7, "workout_frequency_30d": 3 / 30, "sessions_7d": 3, "sessions_28d": 3,
        # Days of use: the three, and 1 March, when the profile came (day 30 is outside of 28).
        "active_days_28d": 3, "observed_days_28d": 3, "days_since_last_session": 1, "days_since_first_event": 30,
        "streak_length_current": 3, "streak_length_longest": 3,
        # Habitual 0.75, so 1 is expected; of four weeks the first is met.
        "consistency_score": 0.25,
        "time_of_day_consistency": resultant(8, 8, 8),
        "day_of_week_consistency": 1 - log(3) / log(7),
        "intensity_progression": 0, "skip_rate_30d": 0, "habitual_weekly_sessions": 0.75, "partner_share_30d": 0,
        "preferred_time_consistency": 0,
        "load_7d": 405, "load_28d": 101.25, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
        "monotony": monotony, "strain": 405 * monotony,
    }  # fmt: skip


def newcomer():
    """Signed up today with a target and a plan for tomorrow; no workout yet."""
    person = Person("newcomer")
    person.profile(instant(0, "09:00"), target_sessions_per_week=3.0)
    person.plan(-1, "18:00")
    person.visit(0, screen_time_s=30.0, preparation_time_min=4.0)
    return person, {
        "observed_days_28d": 1, "planned_next_7d": 1, "app_minutes_7d": 0.5, "preparation_time_avg": 4,
        "barrier_frequency": 0, "goal_progress": 0, "goal_progress_rate": 0,
    }  # fmt: skip


def only_skips():
    """Planned four Mondays and Tuesday the 31st, skipped them all but never trained."""
    person = Person("only_skips")
    for age in (22, 15, 8, 1, 0):  # Mondays 9, 16, 23, 30 March and Tuesday 31
        person.plan(age, "18:00")
        person.skip(age, "19:00", skip_reason="tired", time_of_day="evening", weather="rain")
    person.visit(0, barriers=["weather"])
    person.visit(1, barriers=["time"])
    return person, {
        # Plans arrive five days before their day, and are a sign of use on the day they were made.
        # Skips on 22, 15, 8, 1, 0; plans made on 27, 20, 13, 6 and 5.
        "observed_days_28d": 10, "days_since_first_event": 27, "consistency_score": 0,
        "planned_7d": 2, "skip_rate_30d": 1, "skip_pattern_frequency": 4 / 5,
        # One barrier each: the first in the alphabet.
        "barrier_frequency": 1, "top_barrier": "time",
    }  # fmt: skip


def night_owl():
    """Evening plans fail, late workouts work: four of five at 23:00 done, one of four at 19:00."""
    person = Person("night_owl")
    person.profile("2026-03-20T10:00:00+00:00", preferred_times=["Evening", "morning"])
    for age in (1, 3, 5, 8):
        person.session(age, "23:00", 30, weather_temperature=68.0)
    person.session(9, "19:00", 30, weather_temperature=35.0)
    for age in (2, 4, 6):
        person.skip(age, "19:00", weather_temperature=35.0)
    person.skip(10, "23:00", weather="clear")
    load = dict.fromkeys((1, 3, 5, 8, 9), 60.0)
    monotony = 180 / 7 / sqrt((3 * 3600 - 180**2 / 7) / 6)
    return person, {
        "workout_frequency_7d": 3 / 7, "workout_frequency_30d": 5 / 30, "sessions_7d": 3, "sessions_28d": 5,
        # Days 1 to 6, 8, 9, 10 and the profile's day 11.
        "active_days_28d": 5, "observed_days_28d": 10, "days_since_last_session": 1, "days_since_first_event": 11,
        "streak_length_current": 5, "streak_length_longest": 5,
        # Habitual 5 / 4, so 1 is expected; known for 12 days, so one week counts.
        "consistency_score": 1,
        "time_of_day_consistency": resultant(23, 23, 23, 23, 19),
        # Days 1, 3, 5, 8, 9: Monday, Saturday, Thursday, Monday, Sunday.
        "day_of_week_consistency": 1 + (2 / 5 * log(2 / 5) + 3 * 1 / 5 * log(1 / 5)) / log(7),
        "skip_rate_30d": 4 / 9, "habitual_weekly_sessions": 1.25, "partner_share_30d": 0,
        # Skips on Sunday 29, Friday 27, Wednesday 25, Saturday 21: all different.
        "skip_pattern_frequency": 1 / 4,
        "preferred_time_consistency": 1 / 5,
        # Night 4 of 5, evening 1 of 4.
        "success_rate_variance_by_time": 0.8 - 0.25,
        # Fair 4 of 5; cold (35 F) 1 of 4.
        "weather_sensitivity": 0.8 - 0.25,
        "load_7d": 180, "load_28d": 75, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
        "monotony": monotony, "strain": 180 * monotony,
    }  # fmt: skip


def group_exerciser():
    """With others three of three, alone one of four; two kinds of workout, ever harder and ever more complete."""
    person = Person("group_exerciser")
    for age, rate, intensity, kind in ((21, 0.4, "low", "Yoga"), (12, 0.6, "medium", "yoga"), (3, 0.8, "high", "hiit")):
        person.session(
            age, "18:00", 30, social_context="group", completion_rate=rate, intensity=intensity, workout_type=kind
        )
    person.session(27, "18:00", 30, social_context="alone", completion_rate=0.2, workout_type="yoga")
    for age in (24, 18, 9):
        person.skip(age, "18:00", social_context="alone")
    load = {21: 30.0, 12: 60.0, 3: 90.0, 27: 60.0}
    monotony = 90 / 7 / sqrt((8100 - 8100 / 7) / 6)
    # Five-day periods: 3 in period 0 (0.8), 12 in 2 (0.6), 21 in 4 (0.4), 27 in 5 (0.2).
    # Slopes per day: .02, .02, .6/25 = .024, .02, .4/15 = .026667, .2/5 = .04; the middle two are .02 and .024.
    return person, {
        "workout_frequency_7d": 1 / 7, "workout_frequency_30d": 4 / 30, "sessions_7d": 1, "sessions_28d": 4,
        "active_days_28d": 4, "observed_days_28d": 7, "days_since_last_session": 3, "days_since_first_event": 27,
        # From day 21 to 12 and from 12 to 3 are eight empty days; a skip of no plan breaks nothing by itself.
        "streak_length_current": 1, "streak_length_longest": 2,
        # One expected a week; sessions on days 3, 12, 21 and 27, which are weeks 0, 1, 3 and 3.
        "consistency_score": 3 / 4,
        "time_of_day_consistency": resultant(*[18] * 4),
        # Saturday 28, Thursday 19, Tuesday 10, Wednesday 4.
        "day_of_week_consistency": 1 - log(4) / log(7),
        "completion_rate_30d": 0.5, "completion_rate_trend": 0.022,
        # Intensities 1, 2, 3 on days 21, 12 and 3: one step in nine days.
        "intensity_progression": 1 / 9,
        # Three times yoga, once hiit.
        "workout_variety_score": 1 - 9 / 16 - 1 / 16,
        # Skips on Saturday 7, Friday 13, Sunday 22.
        "skip_rate_30d": 3 / 7, "skip_pattern_frequency": 1 / 3, "habitual_weekly_sessions": 1,
        "social_context_impact": 1 - 1 / 4, "partner_share_30d": 3 / 4,
        "load_7d": 90, "load_28d": 60, "acute_load": ewma(load, 7), "chronic_load": ewma(load, 28),
        "monotony": monotony, "strain": 90 * monotony,
    }  # fmt: skip


def data_gap():
    """Wore the watch for three days, lost it for two weeks, wore it again; wants to lose ten kilograms."""
    person = Person("data_gap")
    person.profile("2026-02-24T08:00:00+00:00", weight_kg=90.0, target_weight_kg=80.0, primary_goal="weight_loss")
    person.profile("2026-03-24T08:00:00+00:00", weight_kg=88.0, target_weight_kg=80.0, primary_goal="weight_loss")
    for age, hours, stress, hrv, pulse in (
        (20, 8, 3.0, 60.0, 60.0),
        (19, 7, 4.0, 58.0, 61.0),
        (2, 6, 5.0, 41.0, 64.0),
        (1, 5, 6.0, 41.0, 65.0),
    ):
        person.sleep(age, hours)
        person.state(age, stress=stress, energy=5.0, hrv_ms=hrv, resting_heart_rate=pulse, steps=4000)
    person.visit(20, motivation_level=8.0)
    person.visit(19, motivation_level=7.0)
    person.visit(2, motivation_level=2.0)
    # Days x = 10, 11, 28, 29 (30 - age), mean 19.5, squares about it 90.25 + 72.25 + 72.25 + 90.25 = 325.
    # Hours 8, 7, 6, 5 about 6.5: -9.5 * 1.5 - 8.5 * 0.5 - 8.5 * 0.5 - 9.5 * 1.5 = -37.
    # Stress rises as sleep falls: +37. HRV 60, 58, 41, 41 about 50: -95 - 68 - 76.5 - 85.5 = -325.
    # Pulse 60, 61, 64, 65 about 62.5: 23.75 + 12.75 + 12.75 + 23.75 = 73.
    # Motivation 8, 7, 2 on days 10, 11, 28: mean 49/3 and 17/3; products -52 1/3 - ... = -101 1/3 + 6 (below).
    x, y = (10, 11, 28), (8, 7, 2)
    motivation = (3 * sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y)) / (
        3 * sum(a * a for a in x) - sum(x) ** 2
    )
    return person, {
        # Four days with the watch, and the day of the second profile (day 7).
        "observed_days_28d": 5, "days_since_first_event": 35, "consistency_score": 0,
        "sleep_hours_7d": 5.5, "sleep_debt_hours": 2.5, "sleep_quality_trend": -37 / 325,
        "stress_level": 5.5, "stress_level_trend": 37 / 325, "energy_level": 5,
        "hrv_7d": 41, "hrv_trend": -1, "resting_heart_rate_7d": 64.5, "resting_heart_rate_trend": 73 / 325,
        "steps_7d": 4000, "barrier_frequency": 0, "motivation_level": 2, "motivation_trend": motivation,
        # Two of ten kilograms in four weeks: eight to go take sixteen.
        "goal_progress": 0.2, "weeks_to_goal": 16,
    }  # fmt: skip


PEOPLE = (
    daily,
    weekend_only,
    lapsed,
    shift_worker,
    traveller,
    newcomer,
    only_skips,
    night_owl,
    group_exerciser,
    data_gap,
)


def grown(*ages, since=None):
    """Strength after sessions at these ages, day by day from the oldest; no missed plans."""
    value = 0.0
    for age in range(since if since is not None else max(ages), -1, -1):
        value = value + GAIN * (1 - value) if age in ages else value * (1 - DECAY)
    return value


NOT_STARTED = {"habit_score": 0, "strength": 0, "status": "not_started"}
FORMING = {"status": "forming", "status_at_66_days": "not_yet"}
# What a person's expectation does not name is null.
HABITS = {
    # 28 session days of 28 x 5 / 7 expected; 1 - (1 - gain)^30; 2/3 is reached on the 25th day, 26 March.
    "daily": {
        "days_since_start": 29, "frequency": 1, "consistency": 1, "context_stability": 1, "habit_score": 1,
        "strength": 1 - (1 - GAIN) ** 30, "status": "automatic", "status_at_66_days": "reached",
        "automatic_on": date(2026, 3, 26),
    },
    # 8 of 25 x 3 / 7; the same weekdays every week.
    "weekend_only": {
        "days_since_start": 24, "frequency": 56 / 75, "consistency": 1,
        "context_stability": (resultant(*[10] * 8) + 1) / 2,
        "habit_score": 0.4 * 56 / 75 + 0.4 + 0.1 * (resultant(*[10] * 8) + 1),
        "strength": grown(2, 3, 9, 10, 16, 17, 23, 24), **FORMING,
    },
    "lapsed": {
        "days_since_start": 40, "frequency": 0, "consistency": 0, "habit_score": 0, "strength": grown(40, 38, 36),
        "status": "lapsed", "status_at_66_days": "not_yet",
    },
    # 3 of the 3 of a week; the week is too short for a consistency, which adds nothing; one week repeats nothing.
    "shift_worker": {
        "days_since_start": 5, "frequency": 1, "context_stability": 2.932 / 3, "habit_score": 0.4 + 0.2 * 2.932 / 3,
        "strength": grown(5, 3, 1), **FORMING,
    },
    "traveller": {
        "days_since_start": 3, "frequency": 1, "consistency": 0.25, "context_stability": resultant(8, 8, 8),
        "habit_score": 0.5 + 0.2 * resultant(8, 8, 8), "strength": grown(3, 2, 1), **FORMING,
    },
    "newcomer": NOT_STARTED,
    "only_skips": NOT_STARTED,
    # 5 of 10 x 3 / 7, more than expected; days 1, 3, 5 of this week and 1, 2 of the week before: one of four.
    "night_owl": {
        "days_since_start": 9, "frequency": 1, "consistency": 1,
        "context_stability": (resultant(23, 23, 23, 23, 19) + 0.25) / 2,
        "habit_score": 0.8 + 0.1 * (resultant(23, 23, 23, 23, 19) + 0.25), "strength": grown(1, 3, 5, 8, 9), **FORMING,
    },
    # 4 of 12; the two neighbouring weeks with sessions share no weekday.
    "group_exerciser": {
        "days_since_start": 27, "frequency": 1 / 3, "consistency": 0.75, "context_stability": resultant(*[18] * 4) / 2,
        "habit_score": 0.4 / 3 + 0.3 + 0.1 * resultant(*[18] * 4), "strength": grown(3, 12, 21, 27), **FORMING,
    },
    "data_gap": NOT_STARTED,
}  # fmt: skip

# Load 60 per session over pulses 132 (this week), 138, 144, 150; six slopes, of which the middle two count.
OUTPUT = [60 / pulse for pulse in (132, 138, 144, 150)]
SLOPES = sorted(
    (OUTPUT[newer] - OUTPUT[older]) / (older - newer) for newer in range(4) for older in range(newer + 1, 4)
)
ANALYTICS = {
    # Always 30 minutes: no change. One kind of workout, which is not strength.
    "daily": {
        "performance_improvement": 0, "goal_progress_sessions": 1, "goal_progress_strength": 0, "goal_progress": 1,
        "goal_kind": "sessions", "engagement_score": 0,
    },
    "weekend_only": {"performance_improvement": (SLOPES[2] + SLOPES[3]) / 2 * 4 / (sum(OUTPUT) / 4), "engagement_score": 0},
    # One of 28 days with a visit, no plan, no report of state (stress alone is none); from 8 to 6 on the way to 4.
    "lapsed": {"engagement_score": 1 / 28 / 3, "goal_progress_strength": 0, "goal_progress_stress": 0.5},
    "shift_worker": {"engagement_score": 0},
    "traveller": {"engagement_score": 0},
    # The one day known has a visit; the plan is for tomorrow.
    "newcomer": {
        "engagement_score": 1 / 3, "goal_progress_sessions": 0, "goal_progress": 0, "goal_kind": "sessions",
        "goal_progress_strength": 0,
    },
    # Two of 28 days with a visit, a plan in each of four weeks.
    "only_skips": {"engagement_score": (2 / 28 + 1) / 3, "goal_progress_strength": 0},
    "night_owl": {"engagement_score": 0},
    # 30 minutes in each of three weeks.
    "group_exerciser": {"performance_improvement": 0, "goal_progress_strength": 0, "engagement_score": 0},
    # Three days with a visit and four with sleep and state of 28; 4,000 of 8,000 steps; two of ten kilograms.
    "data_gap": {
        "engagement_score": (3 + 4) / 28 / 3, "goal_progress_steps": 0.5, "goal_progress_weight": 0.2,
        "goal_progress": 0.2, "goal_kind": "weight", "goal_progress_strength": 0,
    },
}  # fmt: skip
WORKED = (
    "performance_improvement", "goal_progress", "goal_kind", "engagement_score",
    *(f"goal_progress_{kind}" for kind in ("weight", "sessions", "steps", "strength", "stress")),
)  # fmt: skip


@pytest.fixture(scope="module")
def gold(engines, module_settings):
    """Features, habit and analytics of the night, by table and person."""
    interval = Interval(NIGHT, NIGHT)
    people = [build()[0] for build in PEOPLE]
    with small_session("test-people", module_settings()) as spark:
        spark.conf.set("spark.sql.shuffle.partitions", "2")
        events = {
            name: frame(spark, name, [row for person in people for row in person.events[name]]) for name in EVENT_TABLES
        }
        profiles, workouts = events["silver.profiles"], events["silver.workouts"]
        ledgers = {
            "gold.user_day": ledger_entries(events, profiles),
            contexts.LEDGER: context_entries(workouts, profiles),
            categories.LEDGER: category_entries(workouts, events["silver.interactions"], profiles),
        }
        days = ledgers["gold.user_day"]
        features = snapshots(ledgers, with_profile(people_by_night(days, None, interval), profiles), interval).cache()
        origin = origin_of(None, min(row.batch_date for row in days.select("batch_date").distinct().collect()))
        habit = conform(
            habit_states(features, days, None, profiles, interval, origin=origin, snapshot=None), "gold.habit_state"
        )
        found = {"gold.user_features": features, "gold.habit_state": habit, "gold.context_patterns": patterns(spark)}
        frames = {name: pl.from_arrow(rows.toArrow()).lazy() for name, rows in {**found, **ledgers}.items()}
        known = known_of_people(frames, frames, pl.from_arrow(profiles.toArrow()).lazy(), NIGHT)
        gold = {name: {row.user_id: row.asDict() for row in rows.collect()} for name, rows in found.items()}
        return gold | {TABLE: {row["user_id"]: row for row in user_analytics(known).iter_rows(named=True)}}


def patterns(spark):
    """Two findings on one person, as gold.context_patterns holds them."""
    any_of = dict.fromkeys(("time_slot", "weekday", "weather_band", "location", "with_whom"), "any")
    base = {"batch_date": NIGHT, "user_id": "night_owl", "dimension": "time_slot", **any_of, "frequency": 1.2}
    best = base | {"time_slot": "night", "verdict": "success", "attempts": 5, "completed": 4, "success_rate": 0.8}
    worst = base | {"time_slot": "evening", "verdict": "risk", "attempts": 4, "completed": 1, "success_rate": 0.25}
    rows = [best | {"rank": 1, "evidence": "nights 80 % of 5"}, worst | {"rank": 1, "evidence": "evenings 25 % of 4"}]
    return frame(spark, "gold.context_patterns", rows)


@pytest.fixture(scope="module")
def rows(gold):
    """The feature snapshot of the night, by person."""
    return gold["gold.user_features"]


def close_to(value):
    return pytest.approx(value, abs=1.5e-6) if isinstance(value, int | float) else value


@pytest.mark.parametrize("build", PEOPLE, ids=lambda build: build.__name__)
def test_habit_and_analytics_of_a_person_worked_by_hand(gold, build):
    name = build.__name__
    habit, analytics, features = (
        gold[f"gold.{table}"][name] for table in ("habit_state", "user_analytics", "user_features")
    )
    names = (
        "days_since_start", "frequency", "consistency", "context_stability", "habit_score", "strength", "automatic_on",
        "status", "status_at_66_days",
    )  # fmt: skip
    assert {key: habit[key] for key in names} == {key: close_to(HABITS[name].get(key)) for key in names}
    assert {key: analytics[key] for key in WORKED} == {key: close_to(ANALYTICS[name].get(key)) for key in WORKED}
    taken_over = {"workout_consistency": "consistency_score", "average_completion_rate": "completion_rate_30d"}
    taken_over |= {"streak_length": "streak_length_current"}
    assert analytics["event_timestamp"].replace(tzinfo=None) == features["event_timestamp"]
    assert {key: analytics[key] for key in taken_over} == {key: features[of] for key, of in taken_over.items()}
    assert (analytics["habit_score"], analytics["habit_strength"]) == (habit["habit_score"], habit["strength"])


def test_contexts_and_risks_are_lists_with_their_evidence(gold):
    analytics = gold["gold.user_analytics"]
    (best,) = json.loads(analytics["night_owl"]["successful_contexts"])
    assert best == {
        "kind": "context", "dimension": "time_slot", "time_slot": "night", "success_rate": 0.8, "frequency": 1.2,
        "attempts": 5, "completed": 4, "evidence": "nights 80 % of 5",
    }  # fmt: skip
    assert [risk["evidence"] for risk in json.loads(analytics["night_owl"]["risk_factors"])] == ["evenings 25 % of 4"]
    # 2.5 hours a night; stress rises by 37 / 325 points a day.
    assert [(risk["kind"], risk["evidence"]) for risk in json.loads(analytics["data_gap"]["risk_factors"])] == [
        ("sleep_debt", "2.5 hours of sleep short of 8 a night over 7 days"),
        ("rising_stress", "stress rises by 0.8 points a week"),
    ]
    assert analytics["daily"]["risk_factors"] == analytics["daily"]["successful_contexts"] == "[]"


@pytest.mark.parametrize("build", PEOPLE, ids=lambda build: build.__name__)
def test_every_feature_of_a_person_worked_by_hand(rows, build):
    person, expected = build()
    row = rows[person.name]
    assert set(expected) <= {feature.name for feature in FEATURES}
    for feature in FEATURES:
        value = expected.get(feature.name, 0 if feature.null_means is None else None)
        found = row[feature.name]
        close = pytest.approx(value, abs=1.5e-6) if isinstance(value, int | float) else value
        assert found == close, (feature.name, found, value)
    assert row["as_of_date"] == NIGHT
    assert row["event_timestamp"].replace(tzinfo=UTC) == datetime.combine(NIGHT + timedelta(days=1), time(), tzinfo=UTC)
