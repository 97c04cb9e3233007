"""The scorecard: every success metric with target, value, interval, number of cases and trend."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import wording
from habitlake.report.charts import sparkline
from habitlake.report.panels import Content, MissingError, Recipe
from habitlake.report.stores import Row, Stores

WEEKS = 12
# A week is complete when it is over and its late events have arrived.
COMPLETE_AFTER = 8
COMPARISONS = {"more_than": "more than", "at_least": "at least", "less_than": "less than"}
STATUSES = {
    "met": "target met",
    "missed": "target missed",
    "no_target": "no target",
    "not_measurable": "not measurable",
}


def kpis(stores: Stores, night: date) -> Content:
    """Return the scorecard of the newest complete week, with the weeks before it."""
    rows = stores.postgres(
        "SELECT kpi, week_start_date, position, area, name, definition, comparison, target, unit, value, interval_low,"
        " interval_high, n, trend, status, not_measurable_because FROM marts.mart_kpi_scorecard"
        " WHERE week_start_date BETWEEN %s AND %s ORDER BY position, week_start_date",
        night - timedelta(days=7 * WEEKS + COMPLETE_AFTER),
        night - timedelta(days=COMPLETE_AFTER),
    )
    return kpis_view(night, rows)


def kpis_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape one card per metric, in the order of the scorecard, grouped by area."""
    if not rows:
        msg = f"no week from Monday to Sunday is complete by night {night}: figures are per week, told two nights after it"
        raise MissingError(msg)
    week = max(row["week_start_date"] for row in rows)
    series: dict[str, list[Row]] = {}
    for row in rows:
        series.setdefault(row["kpi"], []).append(row)
    areas: dict[str, list[Row]] = {}
    for history in series.values():
        if history[-1]["week_start_date"] == week:
            areas.setdefault(history[-1]["area"], []).append(_card(history))
    cards = [card for group in areas.values() for card in group]
    return {
        "week": week,
        "last": week + timedelta(days=6),
        "areas": areas,
        "counts": {
            text: sum(card["status"] == text for card in cards)
            for text in STATUSES.values()
            if any(card["status"] == text for card in cards)
        },
    }


def amount(value: float, unit: str) -> str:
    """Return a value that is no share, with the decimals that its unit can bear."""
    return wording.number(value, 2 if unit == "stars" else 1)


def figure(value: float | None, unit: str) -> str:
    """Return a figure with its unit; shares are percentages."""
    if unit == "share":
        return wording.percent(value, 1)
    return wording.UNKNOWN if value is None else f"{amount(value, unit)} {unit}"


def _card(history: Sequence[Row]) -> Row:
    """Return one metric as its card shows it; ``history`` ends with the newest week."""
    now, unit = history[-1], history[-1]["unit"]
    known = [row for row in history if row["value"] is not None]
    values = [row["value"] for row in history]
    return {
        "name": now["name"],
        "definition": now["definition"],
        "target": f"{COMPARISONS[now['comparison']]} {figure(now['target'], unit)}" if now["comparison"] else None,
        "value": figure(now["value"], unit) if now["value"] is not None else None,
        "bounds": _bounds(now),
        "n": now["n"],
        "is_small": now["n"] is not None and now["n"] < wording.SMALL_BASIS,
        "trend": _trend(now),
        "status": STATUSES[now["status"]],
        "css": {"met": "good", "missed": "bad"}.get(now["status"], ""),
        "because": now["not_measurable_because"],
        "before": None
        if now["value"] is not None or not known
        else {"value": figure(known[-1]["value"], unit), "week": known[-1]["week_start_date"]},
        "line": sparkline(
            values,
            f"{now['name']} over {len(known)} weeks: from {figure(known[0]['value'], unit)}"
            f" to {figure(known[-1]['value'], unit)}",
        )
        if len(known) > 1
        else None,
        "weeks": len(known),
    }


def _bounds(row: Mapping[str, Any]) -> str | None:
    if row["interval_low"] is None or row["interval_high"] is None:
        return None
    if row["unit"] == "share":
        return f"{row['interval_low'] * 100:.1f} to {row['interval_high'] * 100:.1f} %"
    return f"{amount(row['interval_low'], row['unit'])} to {amount(row['interval_high'], row['unit'])} {row['unit']}"


def _trend(row: Mapping[str, Any]) -> str | None:
    if row["trend"] is None:
        return None
    if row["unit"] == "share":
        return f"{row['trend'] * 100:+.1f} percentage points in four weeks"
    sign = "+" if row["trend"] >= 0 else ""
    return f"{sign}{amount(row['trend'], row['unit'])} {row['unit']} in four weeks"


KPIS = Recipe(
    "kpis",
    "Scorecard",
    "Every success metric of the product, for the newest complete week.",
    kpis,
    (
        ("week", "Monday to Sunday; complete two nights after its Sunday, when late events have arrived"),
        ("n", "cases behind the value; what a case is stands in the metric's definition"),
        ("interval", "95 % interval of the value, from n; it says nothing of causes"),
        ("trend", "value less the value four weeks earlier, in the metric's own unit"),
        (
            "improvement and increase",
            "relative: a rise from 50 % to 55 % is an improvement of 10 %, while its trend is told in percentage points",
        ),
        (
            "onboarding completed",
            "counts who reached habit formation; such people stay in the panel Onboarding until its last stage is over",
        ),
        ("small basis", f"fewer than {wording.SMALL_BASIS} cases: read the interval, not the value"),
        ("line", "the last weeks, each metric on its own scale; the dot is the newest known week"),
        (
            "not measurable",
            "the platform does not have what the metric needs, or not yet; the card says what is missing",
        ),
    ),
)
