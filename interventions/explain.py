"""Tell a decision as a story: who, when, what was possible, what was chosen with which probability, and why not else.

    python -m interventions.explain DECISION_ID [--json]

Everything comes from the decision's own row in gold.decisions; thresholds come from the catalogue, and when that
has changed since, the story says so.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from habitlake.clock import Interval, parse_date
from habitlake.errors import PERMANENT_EXIT_CODE, TRANSIENT_EXIT_CODE, HabitlakeError, PermanentError, TransientError
from habitlake.lake import scan_table
from habitlake.settings import Settings, get_settings
from interventions.arms import HIGHEST, LOWEST
from interventions.catalogue import Catalogue, catalogue
from interventions.identity import DRAW_RANGE
from interventions.policy import ADULT_AGE, FALLBACK_PROBABILITY, NO_USE_DAYS
from interventions.queue.store import connect
from interventions.schedule import zone_info
from interventions.scoring import WEEKLY_CAP

REASONS = {
    "opted_out": "the person does not want messages",
    "minor": f"the person is under {ADULT_AGE}",
    "no_use": f"no sign of use in {NO_USE_DAYS} days",
    "weekly_cap": f"{WEEKLY_CAP} or more messages in the person's week, those on their way included",
    "holdout": "the person is in the holdout, which is sent nothing so that the others can be compared with it",
    "channel_cap_reached": "the channel has reached the person as often as its cap allows, were the days before it used",
    "unknown_time_zone": "the person's time zone is not known, so no hour is safe",
    "no_trigger": "nothing called for an intervention",
    "no_candidate": "every intervention for the triggers was excluded",
}

SILENCE = "silence"
RULE = f"that the best effect is above the price of dosage, within {LOWEST}..{HIGHEST}"
FALLBACK_RULE = f"fallback day: fixed at {FALLBACK_PROBABILITY}"


def find_decision(decision_id: str, settings: Settings, batch_date: date | None = None) -> dict[str, Any]:
    """Return the row of gold.decisions; the queue, where it knows the decision, says which night to read.

    Raises
    ------
    PermanentError
        If no night has that decision.
    """
    night = batch_date or _night_in_queue(decision_id, settings)
    nights = Interval(night, night) if night else None
    rows = scan_table("gold.decisions", settings, nights).filter(pl.col("decision_id") == decision_id).collect()
    if not rows.height:
        msg = f"no decision {decision_id!r} in gold.decisions; `habitlake queue list` shows ids"
        raise PermanentError(msg)
    return rows.row(0, named=True)


def _night_in_queue(decision_id: str, settings: Settings) -> date | None:
    row = _queue_row(decision_id, settings)
    return row["batch_date"] if row else None


def _queue_row(decision_id: str, settings: Settings) -> dict[str, Any] | None:
    with connect(settings) as connection:
        row = connection.execute(
            "SELECT batch_date, status, attempts, claimed_by, last_error FROM queue.interventions WHERE decision_id = %s",
            [decision_id],
        ).fetchone()
    return (
        None
        if row is None
        else dict(zip(("batch_date", "status", "attempts", "claimed_by", "last_error"), row, strict=True))
    )


def fired(decision: dict[str, Any], features: dict[str, Any], known: Catalogue) -> list[dict[str, Any]]:
    """Return each trigger that fired with its values beside the thresholds: those to leave where it was on before."""
    by_name = {trigger.name: trigger for trigger in known.triggers}
    before = features.get("triggers_before") or []
    return [
        {
            "trigger": name,
            "description": by_name[name].description if name in by_name else None,
            "conditions": [
                {
                    "condition": str(condition.leaving if name in before else condition),
                    "value": features.get(condition.value),
                }
                for condition in (by_name[name].conditions if name in by_name else ())
            ],
        }
        for name in decision["triggers"]
    ]


def explanation(decision: dict[str, Any], known: Catalogue, queue_row: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what there is to know about a decision as a dictionary; pure."""
    features = json.loads(decision["features"])
    # Policies before thompson-1 drew between one intervention and silence, and stored no arms.
    names = decision["arms"] or ([decision["intervention"] or decision["action"]] if decision["available"] else [])
    arms = dict(zip(names, decision["arm_probabilities"] or [decision["probability"]] * len(names), strict=True))
    return {
        **{name: decision[name] for name in (
            "decision_id", "user_id", "batch_date", "local_date", "time_zone", "horizon", "decided_at", "available",
            "unavailable_reasons", "intervention", "action", "channel", "probability", "action_probability", "seed",
            "dosage", "send", "message", "send_at", "expires_at", "policy_version", "model", "model_version",
        )},
        "triggers": fired(decision, features, known),
        "candidates": json.loads(decision["candidates"]),
        "features": features,
        "payload": json.loads(decision["payload"]) if decision["payload"] else None,
        "draw": decision["seed"] / DRAW_RANGE,
        "arms": arms | ({SILENCE: round(1 - decision["probability"], 6)} if arms else {}),
        "probability_rule": FALLBACK_RULE if decision["horizon"] > 0 else RULE,
        "catalogue_changed": decision["policy_version"].rpartition("+")[2] != known.version,
        "queue": queue_row,
    }  # fmt: skip


def explain(decision_id: str, settings: Settings, batch_date: date | None = None) -> dict[str, Any]:
    """Return what there is to know about a decision.

    Raises
    ------
    PermanentError
        If there is no such decision.
    """
    decision = find_decision(decision_id, settings, batch_date)
    return explanation(decision, catalogue(), _queue_row(decision_id, settings))


def story(facts: dict[str, Any]) -> str:
    """Return the explanation as text for a person."""
    zone = zone_info(facts["time_zone"])
    send_at = facts["send_at"].astimezone(zone) if zone else facts["send_at"]
    day = "the next local day" if facts["horizon"] == 0 else f"a fallback day, {facts['horizon']} after the next"
    lines = [
        f"Decision {facts['decision_id']}",
        f"  who        {facts['user_id']}, for {facts['local_date']} in {facts['time_zone']} ({day})",
        f"  when       decided at the end of night {facts['batch_date']}, {facts['decided_at']:%Y-%m-%d %H:%M} UTC",
        f"  policy     {facts['policy_version']}"
        + (" (the catalogue has changed since; thresholds below are today's)" if facts["catalogue_changed"] else ""),
        f"  model      {facts['model']} version {facts['model_version']}"
        if facts["model"]
        else "  model      none in force",
        "Triggers that fired" if facts["triggers"] else "No trigger fired",
    ]
    for trigger in facts["triggers"]:
        values = ", ".join(f"{item['condition']} (was {item['value']})" for item in trigger["conditions"])
        lines.append(f"  {trigger['trigger']}: {values}")
    lines.append(
        "Candidates (points: per cent of days with the response they aim at)"
        if facts["candidates"]
        else "No candidates"
    )
    lines += [
        _candidate(candidate, facts) for candidate in sorted(facts["candidates"], key=lambda item: -item["score"])
    ]
    if not facts["available"]:
        lines.append("Result: not available, nothing sent")
        lines += [f"  {reason}: {REASONS.get(reason, reason)}" for reason in facts["unavailable_reasons"]]
        return "\n".join(lines)
    price = facts["features"].get("dosage_price")
    if price is not None:
        lines.append(f"Dosage {facts['dosage']:.2f} messages; one more takes {_points(price)} from the later ones")
    result = (
        f"send {facts['intervention'] or facts['action']} by {facts['channel']}" if facts["send"] else "send nothing"
    )
    lines += [
        f"Probability of sending {facts['probability']:.3f} ({facts['probability_rule']})",
        f"Draw {facts['draw']:.6f} from seed {facts['seed']}, among",
    ]
    start = 0.0
    for arm, probability in facts["arms"].items():
        mark = "*" if start <= facts["draw"] < start + probability else " "
        lines.append(f"  {mark} {start:.3f} to {start + probability:.3f}  {arm}, probability {probability:.3f}")
        start += probability
    lines += [
        f"Result: {result}, {send_at:%Y-%m-%d %H:%M} local time",
        f"  message    {facts['message']}" + ("" if facts["send"] else " (of the best candidate, not sent)"),
    ]
    if facts["queue"]:
        lines.append(f"  queue      {facts['queue']['status']}, handed out {facts['queue']['attempts']} times")
    return "\n".join(lines)


def _candidate(candidate: dict[str, Any], facts: dict[str, Any]) -> str:
    name = candidate.get("intervention", candidate["action"])
    mark = "*" if name in facts["arms"] else " "
    why = f"excluded, {candidate['excluded']}" if candidate["excluded"] else f"eligible through {candidate['channel']}"
    believed = ""
    if "effect" in candidate:
        believed = f", believed to add {_points(candidate['effect'])} (give or take {_points(candidate['effect_sd'])})"
    return f"  {mark} {name}: score {candidate['score']:.3f}{believed} for {candidate['trigger']}, {why}"


def _points(effect: float) -> str:
    return f"{100 * effect:.1f} points"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="habitlake explain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("decision_id")
    parser.add_argument("--batch-date", type=parse_date, help="night of the decision; quicker when known")
    parser.add_argument("--json", action="store_true", help="print JSON")
    try:
        options = parser.parse_args(argv)
        facts = explain(options.decision_id, get_settings(), options.batch_date)
    except TransientError as error:
        sys.stderr.write(f"error: {error}\n")
        return TRANSIENT_EXIT_CODE
    except HabitlakeError as error:
        sys.stderr.write(f"error: {error}\n")
        return PERMANENT_EXIT_CODE
    sys.stdout.write((json.dumps(facts, default=str, ensure_ascii=False) if options.json else story(facts)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
