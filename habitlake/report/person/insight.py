"""What the platform makes of the person: habit, circumstances, predictions."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import wording
from habitlake.report.charts import Series, line_chart
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.person.facts import MEANINGS
from habitlake.report.stores import Row, Stores
from habitlake.tables import DAY_FEATURES, FACTORS, FEATURES, MODELS
from habitlake.tables.people import ANY

HISTORY_NIGHTS = 56
PATTERNS = 5
# Why a day is one on which a session could be skipped.
BASIS = {"planned": "a workout is planned", "usual": "a usual weekday of training"}
DIMENSIONS = ("time_slot", "weekday", "weather_band", "location", "with_whom")


def habit(stores: Stores, user_id: str, night: date, features: Row) -> Content:
    """Return the person's habit now and over the last nights."""
    rows = stores.lake(
        "SELECT * FROM gold.habit_state WHERE batch_date BETWEEN ? AND ? AND user_id = ? ORDER BY batch_date",
        night - timedelta(days=HISTORY_NIGHTS - 1),
        night,
        user_id,
    )
    return habit_view(night, rows, features)


def habit_view(night: date, rows: Sequence[Row], features: Mapping[str, Any]) -> Content:
    """Shape the habit panel; the last row must be of the night itself."""
    if not rows or rows[-1]["batch_date"] != night:
        msg = f"no habit state is stored for night {night} yet: the nightly run's features write gold.habit_state"
        raise MissingError(msg)
    now = rows[-1]
    parts = (("frequency", 0.4), ("consistency", 0.4), ("context_stability", 0.2))
    return {
        "now": now,
        "status": wording.words(now["status"]),
        "streak": features.get("streak_length_current"),
        "injured": bool(features.get("injured")),
        "projected": _projected(now, night),
        "parts": [{"name": wording.words(name), "weight": weight, "share": now[name]} for name, weight in parts],
        "chart": line_chart(
            [
                Series("strength", "s1", tuple(row["strength"] for row in rows)),
                Series("score", "s2", tuple(row["habit_score"] for row in rows)),
            ],
            [wording.short_day(row["batch_date"]) for row in rows],
            label=f"Habit strength and score over {len(rows)} nights; strength now {wording.number(now['strength'])}",
            x_title="night",
            y_title="0 to 1",
            bounds=(0, 1),
        )
        if len(rows) > 1
        else None,
    }


def _projected(now: Row, night: date) -> Row | None:
    """Return when strength is expected to be automatic, in words; None where it is not."""
    names = {"on": "projected_automatic_on", "earliest": "projected_earliest", "latest": "projected_latest"}
    if now.get(names["on"]) is None:
        return None
    dates = {name: now.get(column) for name, column in names.items()}
    return {name: None if found is None else wording.far_day(found, night) for name, found in dates.items()}


def contexts(stores: Stores, user_id: str, night: date, _: Row) -> Content:
    """Return the circumstances in which the person's workouts succeed and fail, strongest first."""
    rows = stores.lake(
        "SELECT * FROM gold.context_patterns WHERE batch_date = ? AND user_id = ?"
        " AND (dimension = 'overall' OR verdict IN ('success', 'risk')) ORDER BY verdict, rank",
        night,
        user_id,
    )
    return contexts_view(night, rows)


def contexts_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape best circumstances and risks, each with its evidence."""
    if not rows:
        msg = (
            f"no context pattern of the person is stored for night {night}: they need attempts in the look-back window"
        )
        raise MissingError(msg)
    overall = next((row for row in rows if row["dimension"] == "overall"), None)

    def of(verdict: str) -> list[Row]:
        found = [row for row in rows if row["verdict"] == verdict and row["dimension"] != "overall"]
        return [{**row, "name": circumstances(row)} for row in found[:PATTERNS]]

    return {"overall": overall, "best": of("success"), "risks": of("risk")}


def circumstances(row: Mapping[str, Any]) -> str:
    """Return what a pattern is about in words, such as morning, monday, gym."""
    return ", ".join(wording.words(row[name]) for name in DIMENSIONS if row[name] not in (None, ANY))


def predictions(stores: Stores, user_id: str, night: date, _: Row) -> Content:
    """Return what the models expect, why, and how that changed over the last nights."""
    rows = stores.lake(
        "SELECT * FROM gold.predictions WHERE batch_date BETWEEN ? AND ? AND user_id = ? ORDER BY model, batch_date",
        night - timedelta(days=HISTORY_NIGHTS - 1),
        night,
        user_id,
    )
    return predictions_view(night, rows)


def predictions_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape each model's newest score with its factors and its history."""
    if not any(row["batch_date"] == night for row in rows):
        msg = f"no model scored the person in night {night}: one must be in force first (`habitlake models`)"
        raise MissingError(msg)
    meaning = {**{feature.name: feature.description for feature in FEATURES}, **FACTORS, **DAY_FEATURES}
    models = []
    for name in sorted({row["model"] for row in rows if row["batch_date"] == night}):
        history = [row for row in rows if row["model"] == name]
        now = history[-1]
        models.append(
            {
                "name": wording.words(name),
                "now": now,
                "said": said(now),
                "weeks": weeks(now),
                "days": days(now),
                "what": "the probability" if now.get("value") is None else "the amount",
                "factors": [
                    {
                        "meaning": meaning.get(factor["feature"], wording.words(factor["feature"])),
                        "value": _value(factor),
                        "direction": "raises" if factor["contribution"] > 0 else "lowers",
                        "contribution": factor["contribution"],
                    }
                    for factor in json.loads(now["top_factors"] or "[]")
                ],
                "chart": line_chart(
                    [Series("probability", "s1", tuple(row["probability"] for row in history))],
                    [wording.short_day(row["batch_date"]) for row in history],
                    label=f"Predicted probability over {len(history)} nights",
                    x_title="night",
                    y_title="predicted probability",
                    unit="%",
                    bounds=(0, 1),
                )
                if len(history) > 1 and now.get("value") is None
                else None,
            }
        )
    return {"models": models}


def _value(factor: Mapping[str, Any]) -> str:
    """Return a factor's value in words; what stands for many features has none."""
    if factor["feature"] in FACTORS:
        return "several"
    return "not known" if factor["value"] is None else wording.number(factor["value"])


def said(prediction: Row) -> str:
    """Return what a prediction says: a probability, or an amount with its interval."""
    if prediction.get("value") is None:
        return wording.percent(prediction["probability"])
    low, value, high = (wording.number(prediction[name]) for name in ("value_low", "value", "value_high"))
    return f"{value} ({low} to {high})"


def weeks(prediction: Row) -> list[Row]:
    """Return what a prediction says of each week, with its interval; nothing where it knows no weeks."""
    told = json.loads(prediction.get("trajectory") or "[]")
    return [
        {"week": one["week"], **{name: wording.number(one[name]) for name in ("value", "low", "high")}} for one in told
    ]


def days(prediction: Row) -> list[Row]:
    """Return what a prediction says of each day ahead, and why skipping it is told of; nothing where it knows no days."""
    basis = {one["local_date"]: one["basis"] for one in json.loads(prediction.get("skips") or "[]")}
    return [
        {
            "day": wording.day(date.fromisoformat(one["local_date"])),
            "session": wording.percent(one["probability"]),
            "skip": wording.percent(1 - one["probability"]) if one["local_date"] in basis else "",
            "basis": BASIS.get(why := basis.get(one["local_date"], ""), why),
        }
        for one in json.loads(prediction.get("days") or "[]")
    ]


HABIT = Recipe(
    "person_habit",
    "Habit",
    "How far training has become a habit.",
    habit,
    (
        *described("gold.habit_state", ("strength", "habit_score", "frequency", "consistency", "context_stability")),
        *described("gold.habit_state", ("projected_automatic_on",)),
        ("streak", MEANINGS["streak_length_current"]),
        ("session day", "a local day with at least one completed workout"),
    ),
)
CONTEXTS = Recipe(
    "person_contexts",
    "Best circumstances and risks",
    "When and where this person's workouts succeed, with the evidence.",
    contexts,
    (
        ("completed", "share of the attempts in these circumstances that were completed, as counted"),
        (
            "estimate",
            "success rate drawn towards the person's and the population's rates: few attempts say little by themselves",
        ),
        ("90 % interval", "of the estimate; few attempts make it wide"),
        (
            "best, risk",
            "estimate five points or more above or below the person's own rate, on that side with 80 % probability",
        ),
    ),
)
PREDICTIONS = Recipe(
    "predictions",
    "Predictions",
    "What the models in force expect of the coming weeks, and what speaks for and against.",
    predictions,
    (
        *((wording.words(model.name), model.predicts) for model in MODELS.values()),
        *described(
            "gold.predictions",
            ("probability", "value", "value_low", "trajectory", "days", "skips", "confidence", "input_quality"),
        ),
        (
            "contribution",
            (
                "how far a value moves the prediction, in log-odds (an amount: in its unit); above 0 it raises it; a model's"
                " figures overlap, so a single sign is not a cause"
            ),
        ),
    ),
)
