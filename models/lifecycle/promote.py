"""Register the best candidate as challenger, and promote it only if it earned it.

``python -m models.lifecycle.promote --start 2026-01-05 --end 2026-04-04``

Promoted when it beats every naive baseline (paired 95 % interval of the AUC difference above zero) and, where
a champion is in force, improves its AUC gain over 0.5 by more than 5 % with an interval above zero.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib

from habitlake.job import JobContext, run_job
from habitlake.nights.ledger import manifest
from habitlake.settings import Settings
from models.adherence.config import CONFIG
from models.lifecycle.files import read_json, run_folder, write_json
from models.lifecycle.registry import (
    ARTIFACT,
    CHALLENGER,
    FIGURES_TAG,
    client,
    ensure_model,
    record_decision,
    set_champion,
)

EXPERIMENT = "habitlake"
CHANCE = 0.5


def decide_promotion(evaluation: Mapping[str, Any], min_improvement: float) -> tuple[bool, str]:
    """Return whether the best candidate is promoted, and why or why not, in one sentence."""
    best, differences = evaluation["best"], evaluation["difference_to"]
    if evaluation.get("leak_suspected"):
        return (
            False,
            f"refused: {best} is too good to be true (AUC {evaluation['figures'][best]['auc'][0]:.3f}); look for a leak",
        )
    for name, (value, low, high) in differences.items():
        if name != "champion" and low <= 0:
            return (
                False,
                f"refused: {best} does not beat the baseline {name}: AUC {value:+.3f} [{low:+.3f}, {high:+.3f}]",
            )
    if "champion" not in differences:
        return True, f"promoted: {best} beats every baseline and no champion was in force"
    value, low, high = differences["champion"]
    gain = value / max(evaluation["figures"]["champion"]["auc"][0] - CHANCE, 1e-9)
    said = f"AUC {value:+.3f} [{low:+.3f}, {high:+.3f}], {gain:+.1%} of the champion's gain over chance"
    if low > 0 and gain > min_improvement:
        return True, f"promoted: {best} beats the champion: {said}"
    return False, f"refused: {best} is not better than the champion by more than {min_improvement:.0%}: {said}"


def register(folder: Path, evaluation: Mapping[str, Any], interval: str, settings: Settings) -> str:
    """Log the run and register the best candidate; return its version."""
    mlflow = client(settings)
    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    location = str(settings.home / "mlflow" / "artifacts")
    experiment_id = experiment.experiment_id if experiment else mlflow.create_experiment(EXPERIMENT, location)
    dataset = read_json(folder / "dataset.json")
    document = manifest(settings)
    run = mlflow.create_run(
        experiment_id,
        tags={
            "interval": interval,
            "feature_service": CONFIG.feature_service,
            "data_version": json.dumps(dataset["data_version"]),
            "code_commit": document["code_commit"],
            "libraries": json.dumps(document["libraries"]),
            "pilot": str(evaluation["pilot"]),
        },
    )
    run_id = run.info.run_id
    for name, value in CONFIG.model_dump().items():
        mlflow.log_param(run_id, name, value)
    best = evaluation["best"]
    for metric, (value, _, _) in evaluation["figures"][best].items():
        mlflow.log_metric(run_id, metric, value)
    bundle = {
        "estimator": joblib.load(folder / f"{best}.joblib"),
        "calibration": evaluation["calibration"],
        "feature_service": CONFIG.feature_service,
    }
    joblib.dump(bundle, folder / ARTIFACT)
    for file in (ARTIFACT, "evaluation.json", "dataset.json", "MODEL_CARD.md"):
        mlflow.log_artifact(run_id, str(folder / file))
    mlflow.set_terminated(run_id)
    version = mlflow.create_model_version(
        CONFIG.name,
        source=f"{run.info.artifact_uri}/{ARTIFACT}",
        run_id=run_id,
        tags={FIGURES_TAG: json.dumps(evaluation["figures"]), "kind": best},
    )
    mlflow.set_registered_model_alias(CONFIG.name, CHALLENGER, version.version)
    return str(version.version)


def run(context: JobContext) -> Mapping[str, object]:
    """Register and decide; a refusal is a normal end."""
    settings = context.settings
    folder = run_folder(CONFIG.name, context.interval, settings)
    evaluation = read_json(folder / "evaluation.json")
    # The name is registered even where no version is, so that a refusal is on record.
    ensure_model(CONFIG.name, settings)
    promoted, version = False, None
    if evaluation["refused"]:
        reason = f"refused: {evaluation['refused']}"
    else:
        version = register(folder, evaluation, str(context.interval), settings)
        promoted, verdict = decide_promotion(evaluation, CONFIG.min_improvement)
        reason = f"{verdict} (version {version})"
    if promoted and version is not None:
        set_champion(CONFIG.name, version, settings, reason)
    else:
        record_decision(CONFIG.name, reason, settings)
    decision = {"promoted": promoted, "reason": reason, "version": version}
    write_json(folder / "promotion.json", decision)
    context.log.info(reason)
    return decision


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("promote", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
