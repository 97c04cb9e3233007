"""Is the platform well: the night at a glance, the nights before it, and the gates."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import wording
from habitlake.report.charts import Series, stacked_bars
from habitlake.report.panels import Content, MissingError, Recipe
from habitlake.report.reasons import REFUSED
from habitlake.report.stores import Row, Stores

NIGHTS = 30
TABLE_NIGHTS = 7
BROKEN_SHOWN = 12


def window(night: date, days: int) -> tuple[date, date]:
    """Return the first and the last of so many nights that end with this one."""
    return night - timedelta(days=days - 1), night


def glance(stores: Stores, night: date) -> Content:
    """Return the night's counts: people, lines, gates, predictions, decisions."""
    people = stores.lake(
        "SELECT count(*) AS people, count(*) FILTER (observed_days_28d > 0) AS people_28d,"
        " count(*) FILTER (sessions_7d > 0) AS trained_7d FROM gold.user_features WHERE batch_date = ?",
        night,
    )[0]
    seen = stores.lake("SELECT count(DISTINCT user_id) AS people_seen FROM gold.user_day WHERE batch_date = ?", night)[
        0
    ]
    lines = stores.lake(
        "SELECT coalesce(sum(raw_count), 0)::BIGINT AS lines, coalesce(sum(accepted_count), 0)::BIGINT AS accepted"
        " FROM silver.batch_audit WHERE batch_date = ?",
        night,
    )[0]
    gates = stores.lake(
        "SELECT count(*) AS expectations, count(*) FILTER (success) AS held FROM ops.gate_results WHERE batch_date = ?",
        night,
    )[0]
    decisions = stores.lake(
        "SELECT count(*) AS decided, count(*) FILTER (send) AS sent FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0",
        night,
    )[0]
    return {"tiles": tiles({**people, **seen, **lines, **gates, **decisions})}


def tiles(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the large figures at the top of the page: value, label, and the figure that puts it in proportion."""
    people, lines, held, decided = (facts[name] for name in ("people", "lines", "expectations", "decided"))

    def share(part: str, whole: int, rest: str) -> str:
        return f"{wording.percent(wording.ratio(facts[part], whole))} {rest}" if whole else "none"

    return [
        {
            "label": "people known",
            "value": wording.count(people),
            "note": share("people_28d", people, "seen in the last 28 days"),
        },
        {
            "label": "people heard from tonight",
            "value": wording.count(facts["people_seen"]),
            "note": share("people_seen", people, "of all people known"),
        },
        {
            "label": "people who trained in 7 days",
            "value": wording.count(facts["trained_7d"]),
            "note": share("trained_7d", people, "of all people known"),
        },
        {
            "label": "lines landed",
            "value": wording.count(lines),
            "note": share("accepted", lines, "accepted"),
        },
        {
            "label": "expectations held",
            "value": f"{wording.count(facts['held'])} of {wording.count(held)}",
            "note": "no gate ran" if not held else "in all gates" if facts["held"] == held else "see Quality gates",
        },
        {
            "label": "messages to send next day",
            "value": wording.count(facts["sent"]),
            "note": share("sent", decided, f"of {wording.count(decided)} decisions"),
        },
    ]


def pipeline(stores: Stores, night: date) -> Content:
    """Return the last nights: lines and their verdicts, how each night ended, and why lines were refused tonight."""
    first, last = window(night, NIGHTS)
    audits = stores.lake(
        "SELECT batch_date, sum(raw_count)::BIGINT AS lines, sum(accepted_count)::BIGINT AS accepted,"
        " sum(duplicate_count)::BIGINT AS duplicates, sum(rejected_count)::BIGINT AS refused"
        " FROM silver.batch_audit WHERE batch_date BETWEEN ? AND ? GROUP BY batch_date",
        first,
        last,
    )
    reasons = stores.lake(
        "SELECT entry.key AS reason, sum(entry.value)::BIGINT AS lines FROM (SELECT unnest(map_entries(reasons)) AS entry"
        " FROM silver.batch_audit WHERE batch_date = ?) GROUP BY ALL ORDER BY lines DESC, reason",
        night,
    )
    gates = stores.lake(
        "SELECT batch_date, count(*) FILTER (NOT success) AS broken FROM ops.gate_results"
        " WHERE batch_date BETWEEN ? AND ? GROUP BY batch_date",
        first,
        last,
    )
    ledger = stores.postgres(
        "SELECT batch_date, status, failed_task, started_at, finished_at FROM ops.nights"
        " WHERE batch_date BETWEEN %s AND %s",
        first,
        last,
    )
    return pipeline_view(night, audits, reasons, gates, ledger)


def pipeline_view(
    night: date, audits: Sequence[Row], reasons: Sequence[Row], gates: Sequence[Row], ledger: Sequence[Row]
) -> Content:
    """Shape the last nights; nights before the first one known are left out."""
    by_night = {row["batch_date"]: row for row in audits}
    runs = {row["batch_date"]: row for row in ledger}
    broken = {row["batch_date"]: row["broken"] for row in gates}
    if not by_night and not runs:
        msg = "no line has landed yet: put events under landing/events/batch_date=YYYY-MM-DD/ and run the night"
        raise MissingError(msg)
    begin = min([*by_night, *runs])
    nights = [begin + timedelta(days=offset) for offset in range((night - begin).days + 1)]
    verdicts = (("accepted", "s1"), ("duplicates", "s3"), ("refused", "s2"))
    labels = [wording.short_day(one) for one in nights]
    series = [
        Series(name, css, tuple(by_night.get(one, {}).get(name) for one in nights)) for name, css in verdicts
    ]  # fmt: skip
    tonight = by_night.get(night, {"lines": 0, "accepted": 0, "duplicates": 0, "refused": 0})
    return {
        "chart": stacked_bars(
            series,
            labels,
            label=f"Lines that landed in each of {len(nights)} nights by verdict;"
            f" tonight {tonight['lines']:,} lines, {tonight['refused']:,} refused",
            x_title="night (UTC date on which lines arrived)",
            y_title="lines",
        ),
        "tonight": tonight,
        "adds_up": tonight["lines"] == tonight["accepted"] + tonight["duplicates"] + tonight["refused"],
        "reasons": wording.with_shares(
            [{**row, "meaning": REFUSED.get(row["reason"])} for row in reasons], "lines", tonight["lines"]
        ),
        "nights": [_night(one, night, by_night.get(one, {}), runs.get(one, {}), broken.get(one)) for one in nights][
            : -TABLE_NIGHTS - 1 : -1
        ],
        "done": sum(run["status"] == "done" for run in runs.values()),
        "failed": sum(run["status"] == "failed" for run in runs.values()),
        "shown": len(nights),
    }


def _night(one: date, tonight: date, audit: Mapping[str, Any], run: Mapping[str, Any], broken: int | None) -> Row:
    status = run.get("status", "never run")
    if status == "running" and one == tonight:
        # The page is one of the night's last steps.
        status = "done so far"
    elif status == "failed":
        status = f"failed at {run['failed_task']}"
    started, finished = run.get("started_at"), run.get("finished_at")
    return {
        "night": one,
        "status": status,
        "took": finished - started if started and finished else None,
        "lines": audit.get("lines", 0),
        "refused_share": wording.ratio(audit.get("refused"), audit.get("lines")),
        "broken": broken,
    }


def gates(stores: Stores, night: date) -> Content:
    """Return what each gate found on the night, and every expectation that broke."""
    rows = stores.lake(
        "SELECT gate, table_name, count(*) AS expectations, count(*) FILTER (success) AS held,"
        " count(*) FILTER (NOT success AND severity = 'warn') AS warned,"
        " count(*) FILTER (NOT success AND severity = 'fail') AS failed, max(row_count) AS checked"
        " FROM ops.gate_results WHERE batch_date = ? GROUP BY gate, table_name ORDER BY gate DESC, table_name",
        night,
    )
    broken = stores.lake(
        "SELECT gate, table_name, expectation, severity, unexpected_count, row_count, try_cast(observed AS DOUBLE) AS observed"
        " FROM ops.gate_results"
        " WHERE batch_date = ? AND NOT success ORDER BY severity, gate DESC, table_name, expectation",
        night,
    )
    if not rows:
        msg = f"no gate has checked night {night} yet: the tasks check_silver, check_gold and check_queue do"
        raise MissingError(msg)
    return {"rows": rows, "broken": broken[:BROKEN_SHOWN], "more": max(0, len(broken) - BROKEN_SHOWN)}


GLANCE = Recipe(
    "glance",
    "At a glance",
    "The night in six numbers.",
    glance,
    (
        ("people known", "everyone with a row in gold.user_features: anyone who ever sent an accepted event"),
        ("people heard from tonight", "people with at least one accepted event that arrived in this night"),
        ("people who trained in 7 days", "people with a completed workout in their last 7 complete local days"),
        ("lines landed", "lines of the landing files of this night; each is accepted, a duplicate, or refused"),
        ("expectations held", "checks of the gates on this night's rows that found nothing wrong"),
        ("messages to send next day", "decisions for each person's next local day that ended in sending"),
    ),
)
PIPELINE = Recipe(
    "pipeline",
    "Lines and nights",
    "What arrived each night, and whether every line is accounted for.",
    pipeline,
    (
        ("night", "the UTC date on which lines arrived; the night's run starts when that date is over"),
        ("accepted", "lines that met their contract and became an event or a forecast"),
        (
            "duplicates",
            "lines whose event or forecast was already known, with identical content; counted, not stored twice",
        ),
        ("refused", "lines kept in silver.rejected with their raw text and a reason; they can be replayed"),
        ("run took", "from opening to closing; nights that one run processed together share its time"),
        ("done so far", "the page itself is written by the run, shortly before the night closes"),
    ),
)
GATES = Recipe(
    "gates",
    "Quality gates",
    "What was checked before anything was published.",
    gates,
    (
        ("expectation", "one check of one table, such as a column that is never null or a range that holds"),
        ("held", "nothing broke the check"),
        ("warned", "broken, shown to people, does not stop the night"),
        ("failed", "broken and the night stopped there: nothing after it was published"),
        ("observed", "what the check found where it is a number, such as a count of rows or a share; else a dash"),
        (
            "rows checked",
            (
                "rows of the night's partition that the gate read; gold.decisions has three a person: a day and two to fall"
                " back on when a night does not run"
            ),
        ),
        (
            "gate",
            "silver checks the events once they are read, gold what is computed of people, queue what is decided for them",
        ),
    ),
)
