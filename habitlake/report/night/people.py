"""Do people train: habit by time since the start, and how often attempts succeed by time and place."""

from collections.abc import Sequence
from datetime import date, timedelta

from habitlake.report import wording
from habitlake.report.charts import Series, heat_level, line_chart
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

LAST_WEEK = 17
# Days since the first session, as the scorecard counts them.
DAY_66 = 66
CONTEXT_DAYS = 28
MIN_CELL = 10
MIN_PEOPLE = 5
SLOTS = {
    "early_morning": "04–07",
    "morning": "07–11",
    "midday": "11–14",
    "afternoon": "14–18",
    "evening": "18–22",
    "night": "22–04",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STATUSES = ("not_started", "forming", "automatic", "lapsed")


def habit(stores: Stores, night: date) -> Content:
    """Return the distribution of habit strength by weeks since the first session, and how many are where."""
    curve = stores.lake(
        "SELECT least(days_since_start // 7, ?)::INT AS week, count(*) AS people,"
        " quantile_cont(strength, 0.25) AS low, quantile_cont(strength, 0.5) AS middle,"
        " quantile_cont(strength, 0.75) AS high"
        " FROM gold.habit_state WHERE batch_date = ? AND days_since_start IS NOT NULL GROUP BY week ORDER BY week",
        LAST_WEEK,
        night,
    )
    statuses = stores.lake(
        "SELECT status, count(*) AS people, median(strength) AS strength"
        " FROM gold.habit_state WHERE batch_date = ? GROUP BY status",
        night,
    )
    # Who was automatic early counts as reached before day 66: with them the share would be of the quick ones.
    at_66 = stores.lake(
        "SELECT count(*) FILTER (status_at_66_days = 'reached') AS reached,"
        " count(*) FILTER (status_at_66_days IN ('reached', 'missed')) AS past FROM gold.habit_state"
        " WHERE batch_date = ? AND days_since_start >= ?",
        night,
        DAY_66,
    )
    return habit_view(night, curve, statuses, at_66[0])


def habit_view(night: date, curve: Sequence[Row], statuses: Sequence[Row], at_66: Row) -> Content:
    """Shape the habit panel; weeks of fewer than 5 people are not shown."""
    if not statuses:
        msg = f"no habit state is stored for night {night} yet: the nightly run's features write gold.habit_state"
        raise MissingError(msg)
    people = sum(row["people"] for row in statuses)
    weeks = {row["week"]: row for row in curve if row["people"] >= MIN_PEOPLE}
    span = range(max(weeks, default=0) + 1)

    def values(name: str) -> tuple[float | None, ...]:
        return tuple(weeks[week][name] if week in weeks else None for week in span)

    known = {row["status"]: row for row in statuses}
    return {
        "people": people,
        "chart": line_chart(
            [Series("median person", "s1", values("middle"))],
            [f"{week}+" if week == LAST_WEEK else str(week) for week in span],
            label="Median habit strength by weeks since the first session",
            x_title="weeks since a person's first session",
            y_title="habit strength (0 to 1)",
            bounds=(0, 1),
            band=(Series("middle half of people", "s1", values("low")), Series("", "s1", values("high"))),
        )
        if weeks
        else None,
        "weeks": [weeks[week] for week in span if week in weeks],
        "statuses": [
            {
                "status": name.replace("_", " "),
                "people": known.get(name, {}).get("people", 0),
                "share": wording.ratio(known.get(name, {}).get("people", 0), people),
                "strength": known.get(name, {}).get("strength"),
            }
            for name in STATUSES
        ],
        "reached": at_66["reached"],
        "past": at_66["past"],
        "reached_bounds": wording.wilson(at_66["reached"], at_66["past"]),
    }


def contexts(stores: Stores, night: date) -> Content:
    """Return completed over attempted workouts of the last 28 local days by part of the day, weekday and the like."""
    first = night - timedelta(days=CONTEXT_DAYS - 1)
    rows = stores.lake(
        "SELECT time_slot, isodow(local_date)::INT AS weekday, weather_band, location, with_whom,"
        " sum(completed)::BIGINT AS completed, sum(completed + skipped)::BIGINT AS attempts"
        " FROM gold.user_day_context WHERE batch_date BETWEEN ? AND ? AND local_date BETWEEN ? AND ?"
        " GROUP BY GROUPING SETS ((time_slot, isodow(local_date)), (weather_band), (location), (with_whom), ())",
        first,
        night,
        first,
        night,
    )
    return contexts_view(night, rows)


def contexts_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the heat map and the margins; cells with fewer than 10 attempts are not shown.

    Where no miss is known at all, as in the export of a watch, every rate would be 100 %: then the map counts sessions.
    """
    attempts = sum(row["attempts"] or 0 for row in rows if row["time_slot"] is not None)
    if not attempts:
        msg = f"no workout was completed or skipped in the {CONTEXT_DAYS} days up to {night}"
        raise MissingError(msg)
    cells = {(row["time_slot"], row["weekday"]): row for row in rows if row["time_slot"] is not None}
    completed = sum(row["completed"] for row in cells.values())
    by_rate = completed < attempts
    told = [_told(row, by_rate=by_rate) for row in cells.values() if row["attempts"] >= (MIN_CELL if by_rate else 1)]
    low, high = (min(told), max(told)) if told else (0.0, 1.0)
    margins: list[Row] = []
    for name, title in (
        (("weather_band", "weather"), ("location", "place"), ("with_whom", "company")) if by_rate else ()
    ):
        parts = [row for row in rows if row[name] is not None and row["attempts"]]
        # Apps that log the place of a session seldom log where a skipped one would have been.
        misses_told = any(row["completed"] < row["attempts"] for row in parts if row[name] != "unknown")
        rates = [_rate(row, row[name]) for row in sorted(parts, key=_most)]
        margins.append({"title": title, "rows": rates if misses_told else []})
    return {
        "attempts": attempts,
        "completed": completed,
        "by_rate": by_rate,
        "from": night - timedelta(days=CONTEXT_DAYS - 1),
        "to": night,
        "weekdays": WEEKDAYS,
        "slots": [
            {
                "name": slot.replace("_", " "),
                "hours": hours,
                "cells": [
                    _rate_cell(cells.get((slot, day)), WEEKDAYS[day - 1], slot, low, high)
                    if by_rate
                    else _count_cell(cells.get((slot, day)), WEEKDAYS[day - 1], slot, high)
                    for day in range(1, 8)
                ],
            }
            for slot, hours in SLOTS.items()
        ],
        "low": low,
        "high": high,
        "margins": margins,
    }


def _most(row: Row) -> tuple[int, str]:
    return -row["attempts"], str(row["location"] or row["weather_band"] or row["with_whom"])


def _rate(row: Row, name: str) -> Row:
    return {
        "name": name.replace("_", " "),
        "attempts": row["attempts"],
        "rate": row["completed"] / row["attempts"] if row["attempts"] >= MIN_CELL else None,
        "bounds": wording.wilson(row["completed"], row["attempts"]),
    }


def _told(row: Row, *, by_rate: bool) -> float:
    return row["completed"] / row["attempts"] if by_rate else row["completed"]


def _count_cell(row: Row | None, weekday: str, slot: str, high: float) -> Row:
    sessions = row["completed"] if row else 0
    title = f"{weekday}, {slot.replace('_', ' ')}: {sessions:,} sessions"
    return {"level": heat_level(sessions, 0, high) if sessions else None, "sessions": sessions, "title": title}


def _rate_cell(row: Row | None, weekday: str, slot: str, low: float, high: float) -> Row:
    place = f"{weekday}, {slot.replace('_', ' ')}"
    if row is None or row["attempts"] < MIN_CELL:
        return {"level": None, "rate": None, "attempts": row["attempts"] if row else 0, "title": f"{place}: too few"}
    rate = row["completed"] / row["attempts"]
    return {
        "level": heat_level(rate, low, high),
        "rate": rate,
        "attempts": row["attempts"],
        "title": f"{place}: {row['completed']:,} of {row['attempts']:,} attempts completed,"
        f" 95 % interval {wording.interval(wording.wilson(row['completed'], row['attempts']))}",
    }


HABIT = Recipe(
    "habit",
    "Habit",
    "How strong the habit of training is, by how long ago people began.",
    habit,
    (
        *described("gold.habit_state", ("strength", "status")),
        ("median person", "half of the people with that many weeks are below this strength, half above"),
        ("gaps", f"weeks with fewer than {MIN_PEOPLE} people are not shown"),
        ("middle half", "from the 25th to the 75th percentile of the people with that many weeks"),
        (
            "how to read the curve",
            "it compares people of different ages in the app on one night; it does not follow the same people",
        ),
        (
            "automatic by day 66",
            (
                "of the people whose first session was 66 or more days ago, the percentage whose strength had reached"
                " automatic on some day up to their 66th; some have fallen below it since, so it is not the row of"
                " people who are automatic now; 66 days is the median time to automaticity in Lally 2010"
            ),
        ),
    ),
)
CONTEXTS = Recipe(
    "contexts",
    "When and where workouts succeed",
    "Completed workouts as a share of those completed or skipped.",
    contexts,
    (
        ("attempt", "a workout that was completed or skipped; both count in the circumstances that were recorded"),
        (
            "success",
            (
                "completed attempts over all attempts; a planned workout that nobody reported on is neither, so silent"
                " misses are left out and success looks better than it is"
            ),
        ),
        (
            "weather",
            "wet: rain, snow or storm; cold: below 41 °F (5 °C); hot: above 86 °F (30 °C); fair: none of these",
        ),
        ("part of the day", "as the app labelled it, else by the local time of the start"),
        ("too few", f"cells with fewer than {MIN_CELL} attempts are not shown: the rate would be chance"),
        (
            "95 % interval",
            "Wilson's, as if attempts were independent; attempts of one person resemble each other, so the true one is wider",
        ),
        (
            "sessions",
            "where no skipped workout is known, success cannot be told, and the map counts completed workouts",
        ),
        ("not a cause", "people choose their times; that evenings differ does not show that moving would help"),
    ),
)
