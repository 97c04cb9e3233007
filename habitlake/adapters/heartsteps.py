"""HeartSteps V1 (Klasnja 2019): a micro-randomised trial of 37 adults, decision points with probability 0.6.

A sent suggestion is delivered under the id of its decision point, and its outcome is the steps in the 30
minutes after it. Points that were not sent leave no feedback event; they stay, with their probability, in
the source file, which the analysis of effects reads.
"""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from habitlake.adapters.base import Landing, number, present, require
from habitlake.ids import stable_uuid

POINTS, USERS = "decision_points_joined.csv", "users.csv"
PROBABILITY = 0.6
# Of users.csv only these are read; the free-text columns never are.
AGE, GENDER, ZONE = "age", "gender", "intake.survey.tz"


def read(path: Path, landing: Landing) -> None:
    """Map the export."""
    points, users = require(path, POINTS, USERS)
    with users.open(newline="", encoding="utf-8", errors="replace") as stream:
        people = {
            row["user.index"]: {name: row[name] for name in (AGE, GENDER, ZONE)} for row in csv.DictReader(stream)
        }
    with points.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        # A point that was not decided on (the phone was off) has its selection time alone.
        row["decision_utc"] = row["decision_utc"] or row["select_utc"]
    timeless = [row for row in rows if not row["decision_utc"]]
    landing.skip(POINTS, "no time recorded", len(timeless))
    rows = [row for row in rows if row["decision_utc"]]
    first: dict[str, str] = {}
    steps: dict[tuple[str, date], int] = {}
    for row in rows:
        first.setdefault(row["user"], row["decision_utc"])
        previous = number(row["prev_day_steps"])
        if previous is not None:
            steps[row["user"], date.fromisoformat(row["study_date"]) - timedelta(days=1)] = int(previous)
    for user, moment in sorted(first.items(), key=lambda item: int(item[0])):
        person = people.get(user, {})
        demographics = present(
            age=int(age) if (age := number(person.get(AGE))) else None, gender=person.get(GENDER) or None
        )
        stamp = _utc(moment) - timedelta(hours=1)
        landing.add(
            USERS,
            f"hs{user}",
            "profile_updated",
            stamp.isoformat(),
            present(demographics=demographics, timeZone=person.get(ZONE)),
        )
    for (user, day), count in sorted(steps.items()):
        noon = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
        # Known only on the next day: the trial recorded it with that day's decision points.
        landing.add(
            POINTS, f"hs{user}", "daily_wellbeing", noon.isoformat(), {"steps": count}, arrives=day + timedelta(days=1)
        )
    for row in rows:
        _point(row, landing)
    landing.summary.notes += [
        "missing step counts were set to 0 by the source",
        "no workouts are recorded: features about sessions stay empty, and no adherence model can be trained",
        f"every available point was randomised with probability {PROBABILITY}",
    ]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _point(row: dict[str, str], landing: Landing) -> None:
    if row["avail"] != "True":
        landing.skip(POINTS, "the person was not available, nothing was randomised")
        return
    if row["send"] != "1":
        landing.skip(POINTS, "randomised to no message: no feedback event")
        return
    moment = _utc(row["decision_utc"])
    decision = stable_uuid("heartsteps", row["user"], row["decision_index"])
    data = present(
        decisionId=decision, channel="push", outcome=number(row["steps_30min_after"]), suggestionType=row["suggestion_type"] or None,
        probability=PROBABILITY,
    )  # fmt: skip
    context = present(location=row["location"] or None, recentDose=number(row["recent_dose"]))
    landing.add(
        POINTS,
        f"hs{row['user']}",
        "intervention_delivered",
        moment.isoformat(),
        {**data, "circumstances": json.dumps(context)},
    )
