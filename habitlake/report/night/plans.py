"""What people train next, and how newcomers progress: plans and onboarding of the night."""

from collections.abc import Sequence
from datetime import date, timedelta

from habitlake.report import wording
from habitlake.report.charts import Series, stacked_bars
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

STAGES = ("core_setup", "pattern_discovery", "habit_formation", "advanced_features")
RULES = {
    "rest_ill": "ill: a week of rest",
    "rest_injury_unknown": "injured, region not named: a week of rest",
    "rest_goal": "injured, and no session is the goal: a week of rest",
    "injured": "an unresolved injury: exercises that spare the region, at the lowest intensity",
    "past_injury": "an injury in the past: exercises that spare the region",
    "stated_constraint": "a constraint that the person stated: exercises that suit it, and a word to read first",
    "deload_week": "fourth week of the block: a week of unloading",
    "load_spike": "the load is far above the usual one: a week of unloading",
    "high_monotony": "the same load every day: a week of unloading",
    "worn_out": "little sleep or much stress: lower intensity, smallest doses",
    "low_energy": "energy is low: begins with the short version",
    "newcomer": "new to the app: lower intensity",
    "own_target": "no goal yet: sessions by the person's own target",
    "usual_start": "no goal and no target yet: the number of sessions that everybody begins with",
}
SEGMENTS = {
    "enthusiastic_beginner": "beginner with high motivation",
    "time_constrained_intermediate": "intermediate with less than half an hour",
    "returning_user": "signed up a month or more before the first sign of use",
    "general_user": "everybody else",
}
RUNNING = 6
DUE = {
    "first": "first plan",
    "week_over": "the week was over",
    "injury_changed": "an injury came or went",
    "constraint_changed": "what the person states as a constraint changed",
}
STEPS_SHOWN = 8


def plans(stores: Stores, night: date) -> Content:
    """Return the plans written in the night: why, how much, what kind, and what was adapted."""
    totals = stores.lake(
        "SELECT count(*) AS plans, count(*) FILTER (sessions = 0) AS rest, count(*) FILTER (deload) AS deload,"
        " count(*) FILTER (injured) AS injured, count(*) FILTER (swapped) AS swapped,"
        " avg(sessions) AS sessions, avg(minutes) AS minutes FROM gold.workout_plans WHERE batch_date = ?",
        night,
    )
    due = stores.lake(
        "SELECT due_reason AS name, count(*) AS plans FROM gold.workout_plans WHERE batch_date = ?"
        " GROUP BY name ORDER BY plans DESC, name",
        night,
    )
    kinds = stores.lake(
        "SELECT focus, place, count(*) AS plans, avg(sessions) AS sessions, median(session_minutes) AS minutes"
        " FROM gold.workout_plans WHERE batch_date = ? AND sessions > 0"
        " GROUP BY focus, place ORDER BY plans DESC, focus, place",
        night,
    )
    lengths = stores.lake(
        "SELECT session_minutes // 10 * 10 AS minutes, count(*) AS plans FROM gold.workout_plans"
        " WHERE batch_date = ? AND sessions > 0 GROUP BY 1 ORDER BY 1",
        night,
    )
    rules = stores.lake(
        "SELECT name, count(*) AS plans FROM (SELECT unnest(reasons) AS name FROM gold.workout_plans"
        " WHERE batch_date = ?) GROUP BY name ORDER BY plans DESC, name",
        night,
    )
    running = stores.lake(
        "SELECT count(DISTINCT user_id) AS people FROM gold.workout_plans WHERE batch_date BETWEEN ? AND ?"
        " AND valid_from >= ?",
        night - timedelta(days=2 * RUNNING),
        night,
        # Seven dates of which the last is still ahead.
        night + timedelta(days=1 - RUNNING),
    )
    return plans_view(night, {**totals[0], **running[0]}, due, kinds, lengths, rules)


def plans_view(
    night: date, totals: Row, due: Sequence[Row], kinds: Sequence[Row], lengths: Sequence[Row], rules: Sequence[Row]
) -> Content:
    """Shape the plans; shares are of the plans written in the night."""
    written = totals["plans"]
    if not written:
        msg = f"no plan was due in night {night}, or none was made yet: the task decide writes gold.workout_plans"
        raise MissingError(msg)

    def shared(rows: Sequence[Row]) -> list[Row]:
        return wording.with_shares([{"meaning": None, **row} for row in rows], "plans", written)

    known = {row["minutes"]: row["plans"] for row in lengths}
    span = range(min(known), max(known) + 1, 10) if known else range(0)
    return {
        "plans": written,
        "people": totals["people"],
        "rest": totals["rest"],
        "sessions": totals["sessions"],
        "minutes": totals["minutes"],
        "due": shared([{**row, "name": DUE.get(row["name"], wording.words(row["name"]))} for row in due]),
        "adapted": shared(
            [
                {"name": "a week of unloading", "plans": totals["deload"]},
                {"name": "a week of rest", "plans": totals["rest"]},
                {"name": "for an unresolved injury or illness", "plans": totals["injured"]},
                {"name": "exercises swapped for an injury or a stated constraint", "plans": totals["swapped"]},
            ]
        ),
        "kinds": shared(kinds),
        "rules": shared([{**row, "meaning": RULES.get(row["name"])} for row in rules]),
        "chart": stacked_bars(
            [Series("plans", "s1", tuple(known.get(one) for one in span))],
            [f"{one}–{one + 9}" for one in span],
            label="Plans by minutes of a session",
            x_title="minutes of a session",
            y_title="plans",
        )
        if known
        else None,
    }


def onboarding(stores: Stores, night: date) -> Content:
    """Return who is in onboarding by stage and segment, what comes up for them, and for whom it is over."""
    stages = stores.lake(
        "SELECT stage AS name, count(*) AS people, count(*) FILTER (due) AS due,"
        " count(*) FILTER (success_on IS NOT NULL) AS reached, median(estimated_days) AS days"
        " FROM gold.onboarding WHERE batch_date = ? AND status = 'active' GROUP BY name",
        night,
    )
    segments = stores.lake(
        "SELECT segment AS name, count(*) AS people, count(*) FILTER (due) AS due FROM gold.onboarding"
        " WHERE batch_date = ? AND status = 'active' GROUP BY name ORDER BY people DESC, name",
        night,
    )
    steps = stores.lake(
        "SELECT next_step AS name, count(*) AS people, count(*) FILTER (due) AS due FROM gold.onboarding"
        " WHERE batch_date = ? AND status = 'active' GROUP BY name"
        " ORDER BY due DESC, people DESC, name",
        night,
    )
    over = stores.lake(
        "SELECT count(*) FILTER (status = 'finished') AS finished, count(*) FILTER (status = 'ended') AS ended"
        " FROM gold.onboarding WHERE batch_date = ?",
        night,
    )
    return onboarding_view(night, stages, segments, steps, over[0])


def onboarding_view(
    night: date, stages: Sequence[Row], segments: Sequence[Row], steps: Sequence[Row], over: Row
) -> Content:
    """Shape onboarding; stages come in their order, shares are of everybody in it."""
    people = sum(row["people"] for row in stages)
    if not people and not over["finished"] and not over["ended"]:
        msg = f"nobody is in onboarding in night {night}, or it was not looked at yet: the task decide writes it"
        raise MissingError(msg)
    named = [row for row in steps if row["name"] is not None]
    empty = {"people": 0, "due": 0, "reached": 0, "days": None}
    known = {row["name"]: row for row in stages}
    return {
        "people": people,
        "due": sum(row["due"] for row in stages),
        "stages": wording.with_shares([known.get(name, {"name": name, **empty}) for name in STAGES], "people", people),
        "segments": wording.with_shares(
            [{**row, "meaning": SEGMENTS.get(row["name"])} for row in segments], "people", people
        ),
        "steps": named[:STEPS_SHOWN],
        "more_steps": max(0, len(named) - STEPS_SHOWN),
        "without_step": sum(row["people"] for row in steps if row["name"] is None),
        **over,
    }


PLANS = Recipe(
    "plans",
    "Workout plans",
    "Plans that were due in the night: the week's training of each of these people.",
    plans,
    (
        (
            "plan written",
            "seven local dates for a person: the first, the next after a week, or one for a new injury or constraint",
        ),
        ("week of unloading", "less time, smaller doses, lower intensity"),
        ("week of rest", "a plan without a session, while an injury or illness speaks against training"),
        ("adapted", "a plan can be adapted in several ways, so the rows need not add up"),
        ("kind and place", "of the first session of the week"),
    ),
)
ONBOARDING = Recipe(
    "onboarding",
    "Onboarding",
    "How newcomers progress, and which step comes next.",
    onboarding,
    (
        *described("gold.onboarding", ("stage", "segment", "next_step", "estimated_days")),
        ("comes up", "the step is asked for on the person's next local day: on its date, three and seven days later"),
        (
            "in onboarding",
            (
                "everybody whose last stage, advanced features, is not over; the scorecard calls onboarding completed once"
                " habit formation is reached, so most people here count as completed there"
            ),
        ),
        ("no step left", "every step of the stage is done; what is open is the stage's criterion or its delay"),
        ("criterion met", "what the stage asks for was reached; the next stage begins after its delay"),
        *described("gold.onboarding", ("status",)),
    ),
)
