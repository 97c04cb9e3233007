"""What people train next, and how newcomers come on: plans and onboarding of the night."""

from collections.abc import Sequence
from datetime import date

from habitlake.report import wording
from habitlake.report.charts import Series, stacked_bars
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

STAGES = ("core_setup", "pattern_discovery", "habit_formation", "advanced_features")
DUE = {"first": "first plan", "week_over": "the week was over", "injury_changed": "an injury came or went"}
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
    return plans_view(night, totals[0], due, kinds, lengths, rules)


def plans_view(
    night: date, totals: Row, due: Sequence[Row], kinds: Sequence[Row], lengths: Sequence[Row], rules: Sequence[Row]
) -> Content:
    """Shape the plans; shares are of the plans written in the night."""
    written = totals["plans"]
    if not written:
        msg = f"no plan was due in night {night}, or none was made yet: the task decide writes gold.workout_plans"
        raise MissingError(msg)

    def shared(rows: Sequence[Row]) -> list[Row]:
        return [{**row, "share": wording.ratio(row["plans"], written)} for row in rows]

    known = {row["minutes"]: row["plans"] for row in lengths}
    span = range(min(known), max(known) + 1, 10) if known else range(0)
    return {
        "plans": written,
        "sessions": totals["sessions"],
        "minutes": totals["minutes"],
        "due": shared([{**row, "name": DUE.get(row["name"], wording.words(row["name"]))} for row in due]),
        "adapted": shared(
            [
                {"name": "a week of unloading", "plans": totals["deload"]},
                {"name": "a week of rest", "plans": totals["rest"]},
                {"name": "for an unresolved injury or illness", "plans": totals["injured"]},
                {"name": "exercises swapped for an injury, present or past", "plans": totals["swapped"]},
            ]
        ),
        "kinds": shared(kinds),
        "rules": shared(rules),
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
        " WHERE batch_date = ? AND status = 'active' AND next_step IS NOT NULL GROUP BY name"
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

    def shared(rows: Sequence[Row]) -> list[Row]:
        return [{**row, "share": wording.ratio(row["people"], people)} for row in rows]

    empty = {"people": 0, "due": 0, "reached": 0, "days": None}
    known = {row["name"]: row for row in stages}
    return {
        "people": people,
        "due": sum(row["due"] for row in stages),
        "stages": shared([known.get(name, {"name": name, **empty}) for name in STAGES]),
        "segments": shared(segments),
        "steps": steps[:STEPS_SHOWN],
        "more_steps": max(0, len(steps) - STEPS_SHOWN),
        **over,
    }


PLANS = Recipe(
    "plans",
    "Workout plans",
    "Plans that were due in the night: what people are to train in their next seven days.",
    plans,
    (
        ("plan written", "seven local dates for a person: the first, the next after a week, or one for a new injury"),
        *described("gold.workout_plans", ("deload", "injured", "swapped", "reasons")),
        ("week of rest", "a plan without a session, while an injury or illness speaks against training"),
        ("adapted", "a plan can be adapted in several ways, so the rows need not add up"),
        ("kind and place", "of the first session of the week"),
    ),
)
ONBOARDING = Recipe(
    "onboarding",
    "Onboarding",
    "How newcomers come on, and which step is asked of whom next.",
    onboarding,
    (
        *described("gold.onboarding", ("stage", "segment", "next_step", "estimated_days")),
        ("comes up", "the step is asked for on the person's next local day: on its date, three and seven days later"),
        ("criterion met", "what the stage asks for was reached; the next stage begins after its delay"),
        *described("gold.onboarding", ("status",)),
    ),
)
