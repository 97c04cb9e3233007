"""LifeSnaps (Yfantidou 2022): daily Fitbit and mood, hourly exercise flags, sleep times, surveys of 71 adults.

Runs of hours with exercise are workouts; the day's activity minutes give the intensity. The files hold local
times without a zone; the study ran in Greece, Cyprus, Italy and Sweden, and Europe/Athens is taken for all.
"""

import csv
import gzip
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from habitlake.adapters.base import Landing, local_time, number, present, require

ZONE = "Europe/Athens"
DAILY, HOURLY, SLEEP, STAGES = (
    "daily_fitbit_sema_df_unprocessed.csv",
    "hourly_exercise_steps.csv.gz",
    "sleep_times.csv",
    "surveys/ttm.csv",
)
MOODS = {
    "HAPPY": 9.0,
    "RESTED/RELAXED": 8.0,
    "ALERT": 7.0,
    "NEUTRAL": 5.0,
    "TIRED": 4.0,
    "TENSE/ANXIOUS": 3.0,
    "SAD": 2.0,
}
PLACES = {"GYM": "gym", "HOME": "home", "HOME_OFFICE": "home", "OUTDOORS": "outdoors", "WORK/SCHOOL": "work"}
AGES = {"<30": 25, ">=30": 40}


def stress_of(score: float | None) -> float | None:
    """Return stress 1-10 from Fitbit's stress management score (1-100, higher is calmer): 10 - 9 (score - 1) / 99."""
    return None if score is None or score < 1 else round(10 - 9 * (min(score, 100) - 1) / 99, 2)


def intensity_of(row: dict[str, str]) -> str:
    """Return the day's intensity: high when very active minutes prevail, low when hardly any are moderate or above."""
    very, moderate = number(row.get("very_active_minutes")) or 0, number(row.get("moderately_active_minutes")) or 0
    if very + moderate < 10:
        return "low"
    return "high" if very > moderate else "medium"


def bouts(hours: list[datetime]) -> list[tuple[datetime, int]]:
    """Return (start, hours) of each run of consecutive exercise hours."""
    ordered = sorted(hours)
    runs = groupby(enumerate(ordered), key=lambda item: item[1] - timedelta(hours=item[0]))
    return [(members[0][1], len(members)) for _, group in runs for members in [list(group)]]


def _days(file: Path) -> dict[tuple[str, date], dict[str, str]]:
    with file.open(newline="") as stream:
        return {(row["id"], date.fromisoformat(row["date"][:10])): row for row in csv.DictReader(stream)}


def _flag(row: dict[str, str], names: dict[str, float] | dict[str, str]) -> str | None:
    return next((name for name in names if (number(row.get(name)) or 0) > 0), None)


def _profiles(daily: dict[tuple[str, date], dict[str, str]], stages: Path, landing: Landing) -> None:
    first: dict[str, date] = {}
    for user, day in daily:
        first[user] = min(day, first.get(user, day))
    stage: dict[str, str] = {}
    with stages.open(newline="") as stream:
        for row in sorted(csv.DictReader(stream), key=lambda item: item["submitdate"]):
            stage.setdefault(row["user_id"], row["stage"])
    for user, day in sorted(first.items()):
        row = daily[user, day]
        demographics = present(age=AGES.get(row["age"]), gender=row["gender"].lower() or None)
        data = present(demographics=demographics, timeZone=ZONE, changeStage=stage.get(user))
        landing.add(DAILY, user, "profile_updated", local_time(day, 5, ZONE), data)


def _wellbeing(daily: dict[tuple[str, date], dict[str, str]], landing: Landing) -> None:
    for (user, day), row in sorted(daily.items()):
        mood = _flag(row, MOODS)
        steps = number(row["steps"])
        resting = number(row["resting_hr"])
        data = present(
            hrv=number(row["rmssd"]),
            restingHeartRate=resting or None,
            steps=None if steps is None else int(steps),
            stress=stress_of(number(row["stress_score"])),
            mood=MOODS[mood] if mood else None,
        )
        if data:
            landing.add(DAILY, user, "daily_wellbeing", local_time(day, 23.5, ZONE), data)
        else:
            landing.skip(DAILY, "a day without steps, heart, stress or mood")
        if mood:
            landing.add(DAILY, user, "app_interaction", local_time(day, 21, ZONE), {"featuresUsed": ["mood_question"]})


def _workouts(file: Path, daily: dict[tuple[str, date], dict[str, str]], landing: Landing) -> None:
    exercise: dict[str, list[datetime]] = defaultdict(list)
    with gzip.open(file, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            if number(row["exercise"]):
                exercise[row["id"]].append(datetime.fromisoformat(row["hour_ts"]))
    for user, hours in sorted(exercise.items()):
        for start, length in bouts(hours):
            day = daily.get((user, start.date()), {})
            kind = (day.get("activityType") or "").strip("[]").replace("'", "").split(",")[0].strip().lower()
            place = _flag(day, PLACES)
            end = start.hour + length - 0.01
            data = present(
                workoutId=f"{start:%Y%m%d%H}",
                workoutType=kind or None,
                duration=3600 * length,
                intensity=intensity_of(day),
                location=PLACES[place] if place else None,
            )
            landing.add(HOURLY, user, "workout_completed", local_time(start.date(), end, ZONE), data)


def _sleep(file: Path, daily: dict[tuple[str, date], dict[str, str]], landing: Landing) -> None:
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            started, ended = (datetime.fromisoformat(row[name]) for name in ("sleep_start", "sleep_end"))
            day = date.fromisoformat(row["date"][:10])
            asleep = number(daily.get((row["id"], day), {}).get("minutesAsleep"))
            seconds = (ended - started).total_seconds()
            duration = min(asleep * 60, seconds) if asleep else seconds
            hour = (ended - datetime.combine(ended.date(), datetime.min.time())).total_seconds() / 3600
            landing.add(SLEEP, row["id"], "sleep_logged", local_time(ended.date(), hour, ZONE), {"duration": duration})


def read(path: Path, landing: Landing) -> None:
    """Map the export."""
    daily_file, hourly, sleep, stages = require(path, DAILY, HOURLY, SLEEP, STAGES)
    daily = _days(daily_file)
    _profiles(daily, stages, landing)
    _wellbeing(daily, landing)
    _workouts(hourly, daily, landing)
    _sleep(sleep, daily, landing)
    landing.summary.notes += [
        f"times have no zone in the files; {ZONE} is taken for everybody",
        "no plan is recorded: adherence is judged against the person's usual week",
        "two study rounds of about nine weeks: people who end after week 8 mostly left because the study did",
    ]
