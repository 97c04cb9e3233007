"""Tell a decision as a story: ``habitlake explain DECISION_ID``."""

import json
from typing import Annotated, Any

import polars as pl
import typer

from habitlake.cli.app import Json, run_app
from habitlake.cli.output import console, print_json
from habitlake.errors import PermanentError
from habitlake.lake import scan_table
from habitlake.settings import Settings, get_settings
from interventions.policy import PROBABILITY_BOUNDS
from interventions.triggers import TRIGGERS


def find_decision(decision_id: str, settings: Settings) -> dict[str, Any]:
    """Return a decision with its JSON fields read.

    Raises
    ------
    PermanentError
        If there is none of that id.
    """
    found = scan_table("gold.decisions", settings).filter(pl.col("decision_id") == decision_id).collect().to_dicts()
    if not found:
        msg = f"no decision {decision_id!r} in gold.decisions; `habitlake queue list` shows some ids"
        raise PermanentError(msg)
    decision = found[0]
    for name in ("candidates", "features", "payload"):
        decision[name] = json.loads(decision[name]) if decision[name] else None
    return decision


def story(decision: dict[str, Any]) -> str:
    """Return the decision as text a person can read."""
    lines = [
        f"Decision {decision['decision_id']}",
        f"In the night of {decision['batch_date']}, for {decision['user_id']} on {decision['local_date']}"
        f" ({decision['time_zone']}), {'the next local day' if decision['horizon'] == 0 else 'a fallback day'}.",
        "",
        "Triggers",
    ]
    for trigger in sorted(TRIGGERS, key=lambda item: item.priority):
        value = decision["features"].get(trigger.column)
        fired = "fired" if trigger.name in decision["triggers"] else "quiet"
        shown = "unknown" if value is None else f"{value:g}"
        lines.append(f"  {fired:<5} {trigger.name}: {trigger.column} is {shown}, threshold {trigger.comparison} {trigger.threshold:g}")
    lines += ["", "Candidates"]
    for candidate in decision["candidates"] or []:
        why = f", excluded: {candidate['excluded']}" if candidate["excluded"] else ""
        lines.append(f"  {candidate['score']:.3f} {candidate['action']} by {candidate['channel']} for {candidate['trigger']}{why}")
    if not decision["candidates"]:
        lines.append("  none")
    lines.append("")
    if decision["available"]:
        draw = decision["seed"] / 2.0**63
        verdict = "sent" if decision["send"] else "not sent"
        lines += [
            f"Chosen: {decision['action']} by {decision['channel']}.",
            f"Probability of sending {decision['probability']:.3f} (bounds {PROBABILITY_BOUNDS[0]} to {PROBABILITY_BOUNDS[1]});"
            f" the draw of seed {decision['seed']} was {draw:.3f}: {verdict}.",
            f"To be sent at {decision['send_at']}, not after {decision['expires_at']}.",
            f"Message: {decision['message']}",
        ]
    else:
        lines.append(f"Nothing could be sent: {', '.join(decision['unavailable_reasons'])}.")
    model = f"model {decision['model']} version {decision['model_version']}" if decision["model"] else "no model in force"
    lines.append(f"Policy {decision['policy_version']}, {model}.")
    return "\n".join(lines)


def explain(
    decision_id: Annotated[str, typer.Argument(help="decision_id of gold.decisions or of the queue")], json_output: Json = False
) -> None:
    """Tell who, when, what was possible, what was chosen, with which probability, and why not the others."""
    decision = find_decision(decision_id, get_settings())
    if json_output:
        print_json(decision)
    else:
        console.print(story(decision), markup=False, soft_wrap=True)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(explain)
    run_app(app)
