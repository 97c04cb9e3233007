"""A Fitbit export of 35 crowd workers (Furberg 2016): two periods, m/d/yyyy dates, repeated rows, an overlap.

It records no workouts: active minutes are no sessions, so none are derived. No zone is known; UTC is taken.
"""

import csv
from datetime import date, datetime
from pathlib import Path

from habitlake.adapters.base import Landing, local_time, number
from habitlake.errors import PermanentError

ZONE = "UTC"
DAILY, SLEEP, WEIGHT = "dailyActivity_merged.csv", "sleepDay_merged.csv", "weightLogInfo_merged.csv"
DATE_FORMATS = ("%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M")


def day_of(text: str) -> date | None:
    """Return the date of a cell in any of the export's formats."""
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a date without zone is what the cell holds
        except ValueError:
            continue
    return None


def _rows(path: Path, name: str) -> list[tuple[str, dict[str, str]]]:
    files = sorted(path.rglob(name))
    rows = []
    for file in files:
        with file.open(newline="") as stream:
            rows += [(f"{file.parent.name}/{name}", row) for row in csv.DictReader(stream)]
    return rows


def read(path: Path, landing: Landing) -> None:
    """Map the export."""
    daily = _rows(path, DAILY)
    if not daily:
        msg = f"{path} holds no {DAILY}, in it or below it; expected: {DAILY}, {SLEEP}, {WEIGHT}"
        raise PermanentError(msg)
    steps: dict[tuple[str, date], int] = {}
    for source, row in daily:
        day, count = day_of(row["ActivityDate"]), number(row["TotalSteps"])
        if day is None or count is None:
            landing.skip(source, "date or steps cannot be read")
            continue
        key = (row["Id"], day)
        if key in steps:
            landing.skip(source, "the day is in both periods; the larger count is kept, the other is a partial day")
        steps[key] = max(int(count), steps.get(key, 0))
    first: dict[str, date] = {}
    for user, day in steps:
        first[user] = min(day, first.get(user, day))
    weights: dict[str, float] = {}
    for _, row in _rows(path, WEIGHT):
        weights.setdefault(row["Id"], float(row["WeightKg"]))
    for user, day in sorted(first.items()):
        weight = {"demographics": {"weight": round(weights[user], 1)}} if user in weights else {}
        landing.add(WEIGHT, f"fb{user}", "profile_updated", local_time(day, 0, ZONE), {"timeZone": ZONE, **weight})
    for (user, day), count in sorted(steps.items()):
        landing.add(DAILY, f"fb{user}", "daily_wellbeing", local_time(day, 23.9, ZONE), {"steps": count})
    for source, row in _rows(path, SLEEP):
        day, asleep = day_of(row["SleepDay"]), number(row["TotalMinutesAsleep"])
        if day is None or asleep is None:
            landing.skip(source, "date or minutes cannot be read")
            continue
        landing.add(source, f"fb{row['Id']}", "sleep_logged", local_time(day, 8, ZONE), {"duration": asleep * 60})
    landing.summary.notes += [
        "no workouts are recorded and none are derived: features about sessions stay empty",
        "no zone is known; UTC is taken",
    ]
