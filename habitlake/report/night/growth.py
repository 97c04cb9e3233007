"""Do people stay and get where they want: active people, retention of cohorts, goals; from the analysts' marts.

Marts do not show figures of very few people (null); the page says "too few" there.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from habitlake.report import wording
from habitlake.report.charts import Series, heat_level, line_chart
from habitlake.report.panels import Content, MissingError, Recipe
from habitlake.report.stores import Row, Stores

ACTIVE_DAYS = 56
COHORTS = 12
RETENTION_WEEKS = 8
SIGNS = "a workout, a visit, a report, or opening or answering a message; that one was delivered is none"
PROGRESS = (
    "weight and stress: percentage of the way from the start to the goal; sessions, steps and strength: amount of the"
    " last 28 days over what the goal asks of them; main: that of the goal that matters most to the person"
)
GOALS = ("main", "weight", "sessions", "steps", "strength", "stress")


def activity(stores: Stores, night: date) -> Content:
    """Return daily, weekly and monthly active people of the last eight weeks."""
    rows = stores.postgres(
        "SELECT local_date, daily_active, weekly_active, monthly_active, stickiness FROM marts.mart_active_users_daily"
        " WHERE local_date BETWEEN %s AND %s ORDER BY local_date",
        night - timedelta(days=ACTIVE_DAYS),
        night,
    )
    return activity_view(night, rows)


def activity_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the chart of active people; a date without a row is a gap."""
    if not rows:
        msg = f"no event is known for the {ACTIVE_DAYS} days up to {night}"
        raise MissingError(msg)
    by_date = {row["local_date"]: row for row in rows}
    first = min(by_date)
    dates = [first + timedelta(days=offset) for offset in range((night - first).days + 1)]

    def values(name: str) -> tuple[float | None, ...]:
        return tuple(by_date[one][name] if one in by_date else None for one in dates)

    last = rows[-1]
    return {
        "last": last,
        "chart": line_chart(
            [
                Series("active in 30 days", "s3", values("monthly_active")),
                Series("active in 7 days", "s2", values("weekly_active")),
                Series("active on the day", "s1", values("daily_active")),
            ],
            [wording.short_day(one) for one in dates],
            label=f"Active people by local date; on {last['local_date']} {last['daily_active'] or 'too few'} on the day",
            x_title="local date of the person",
            y_title="people",
        ),
    }


def retention(stores: Stores, night: date) -> Content:
    """Return the newest cohorts and the share of each that was seen in the weeks after its first."""
    rows = stores.postgres(
        "SELECT cohort_week, weeks_since_start, people, retained, retained_share, retained_share_low,"
        " retained_share_high FROM marts.mart_retention_weekly WHERE weeks_since_start BETWEEN 0 AND %s"
        " AND cohort_week > %s AND week_start_date <= %s ORDER BY cohort_week DESC, weeks_since_start",
        RETENTION_WEEKS,
        night - timedelta(days=7 * (COHORTS + RETENTION_WEEKS)),
        night,
    )
    return retention_view(night, rows)


def retention_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the heat map, newest cohort first; a week that is not over by the night is marked as running."""
    cohorts: dict[date, dict[int, Row]] = {}
    for row in rows:
        cohorts.setdefault(row["cohort_week"], {})[int(row["weeks_since_start"])] = row
    if not cohorts:
        msg = f"no week of any cohort is known by night {night}: a cohort is the week in which people were first seen"
        raise MissingError(msg)
    shown = sorted(cohorts, reverse=True)[:COHORTS]
    return {
        "weeks": range(RETENTION_WEEKS + 1),
        "rows": [
            {
                "cohort": cohort,
                "people": next(iter(cohorts[cohort].values()))["people"],
                "cells": [_cell(cohort, week, cohorts[cohort].get(week), night) for week in range(RETENTION_WEEKS + 1)],
            }
            for cohort in shown
        ],
    }


def _cell(cohort: date, week: int, row: Row | None, night: date) -> Row:
    monday = cohort + timedelta(days=7 * week)
    if row is None:
        return {"level": None, "text": "", "title": f"week {week}: still ahead"}
    if row["retained_share"] is None:
        return {"level": None, "text": "few", "title": f"week {week}: too few people to tell"}
    running = monday + timedelta(days=6) > night
    title = (
        f"week {week} (from {monday}): {row['retained']:,.0f} of {row['people']:,.0f} seen,"
        f" 95 % interval {wording.interval((row['retained_share_low'], row['retained_share_high']))}"
    )
    return {
        "level": heat_level(row["retained_share"], 0, 1),
        "text": wording.percent(row["retained_share"]).removesuffix(" %") + ("*" if running else ""),
        "title": title + (", week still running" if running else ""),
    }


def goals(stores: Stores, night: date) -> Content:
    """Return for the newest week end how many people reached each kind of goal."""
    rows = stores.postgres(
        "SELECT week_end_date, goal, people, reached, reached_share, reached_share_low, reached_share_high,"
        " mean_progress FROM marts.mart_goal_achievement WHERE week_end_date ="
        " (SELECT max(week_end_date) FROM marts.mart_goal_achievement WHERE week_end_date <= %s)",
        night,
    )
    return goals_view(night, rows)


def goals_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the goals in their usual order."""
    if not rows:
        msg = f"no progress towards a goal is known by night {night}: goals come with profiles, weeks end on Sundays"
        raise MissingError(msg)
    order = {goal: index for index, goal in enumerate(GOALS)}
    return {
        "week_end": rows[0]["week_end_date"],
        "rows": [
            {
                **row,
                "bounds": None
                if row["reached_share_low"] is None
                else (row["reached_share_low"], row["reached_share_high"]),
            }
            for row in sorted(rows, key=lambda row: (order.get(row["goal"], len(order)), row["goal"]))
        ],
    }


ACTIVITY = Recipe(
    "activity",
    "Active people",
    "How many people use the app, by local date.",
    activity,
    (
        ("active", f"any sign of use on the person's local date: {SIGNS}"),
        ("active in 7 and in 30 days", "people active on the date or in the 6 or 29 local dates before it"),
        ("stickiness", "active on the day over active in 30 days: the share of a month's people who come on a day"),
        ("the newest dates", "events of a local date can arrive later, so the last days still rise"),
    ),
)
RETENTION = Recipe(
    "retention",
    "Retention",
    "Of the people first seen in a week, the share seen again in each week after it.",
    retention,
    (
        ("cohort", "people by the ISO week (from Monday) in which they were first seen; older cohorts are in the mart"),
        ("seen", f"a sign of use on at least one local day of that week: {SIGNS}; it says nothing of training"),
        ("week 0", "the first week itself"),
        ("*", "the week is still running: the share can only rise"),
        ("few", "cohorts of very few people are not shown"),
        ("interval", "the 95 % Wilson interval shows when the pointer rests on a cell, and is in the mart"),
    ),
)
GOAL_PANEL = Recipe(
    "goal_achievement",
    "Goals reached",
    "How many people have reached what they want, by kind of goal.",
    goals,
    (
        ("people", "people with a goal of that kind whose progress can be measured"),
        ("reached", "progress of 100 % or more at the end of the week"),
        ("progress", PROGRESS),
        ("mean progress", "mean of the progress over these people"),
        ("95 % interval", "Wilson's interval of the share reached"),
    ),
)
