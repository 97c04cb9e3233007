"""Register each model's best candidate, and promote it only if it earned it.

``python -m models.lifecycle.promote --start 2026-01-05 --end 2026-04-04``

For each model: promoted when it beats every naive baseline (paired 95 % interval of the difference in AUC above zero;
for amounts, of the absolute error) and, where a champion is in force, improves its gain over chance (for amounts, its
error) by more than 5 % with an interval above zero, without being calibrated worse or worse for a group of people. One
that was refused narrowly becomes the challenger, which scores in shadow.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib

from habitlake.job import JobContext, run_job
from habitlake.nights.ledger import manifest
from models.catalogue import SPECS
from models.lifecycle.files import dataset_folder, read_json, run_folder, write_json
from models.lifecycle.metrics import LOWER_IS_BETTER
from models.lifecycle.registry import (
    ARTIFACT,
    CHAMPION,
    FIGURES_TAG,
    client,
    ensure_model,
    record_decision,
    record_training,
    set_challenger,
    set_champion,
)
from models.lifecycle.spec import MIN_IMPROVEMENT, ModelSpec

EXPERIMENT = "habitlake"
CHANCE = 0.5


def said(metric: str, advantage: Sequence[float]) -> str:
    """Return by how much a figure itself differs, with its interval: a lower error is an advantage, and is said so."""
    sign = -1 if metric in LOWER_IS_BETTER else 1
    value, *ends = (sign * one for one in advantage)
    low, high = sorted(ends)
    return f"{metric.upper()} {value:+.3f} [{low:+.3f}, {high:+.3f}]"


def objection(evaluation: Mapping[str, Any]) -> str | None:
    """Return why the best candidate must not come into force, whatever it gains on average; None where nothing is."""
    best, metric = evaluation["best"], evaluation["metric"]
    if evaluation.get("leak_suspected"):
        figure = evaluation["figures"][best][metric][0]
        return f"{best} is too good to be true ({metric.upper()} {figure:.3f}); look for a leak"
    for name, advantage in evaluation["difference_to"].items():
        if name != "champion" and advantage[1] <= 0:
            return f"{best} does not beat the baseline {name}: {said(metric, advantage)}"
    loss = evaluation.get("calibration_loss")
    if loss is not None and loss[1] > 0:
        return f"{best} is calibrated worse than the champion: ECE {loss[0]:+.3f} [{loss[1]:+.3f}, {loss[2]:+.3f}]"
    for group in evaluation.get("groups", []):
        if group["gain"] is not None and group["gain"][2] < 0:
            who = f"{group['group']} {group['value']}"
            return f"{best} is worse than the champion for {who}: {said(metric, group['gain'])}"
    return None


def decide_promotion(evaluation: Mapping[str, Any], min_improvement: float = MIN_IMPROVEMENT) -> tuple[bool, str]:
    """Return whether the best candidate is promoted, and why or why not, in one sentence."""
    best, differences, metric = evaluation["best"], evaluation["difference_to"], evaluation["metric"]
    against = objection(evaluation)
    if against is not None:
        return False, f"refused: {against}"
    if "champion" not in differences:
        return True, f"promoted: {best} beats every baseline and no champion was in force"
    value, low, _ = differences["champion"]
    of_champion = evaluation["figures"]["champion"][metric][0]
    whole, what = (of_champion, "error") if metric in LOWER_IS_BETTER else (of_champion - CHANCE, "gain over chance")
    gain = value / max(whole, 1e-9)
    sentence = f"{said(metric, differences['champion'])}, {gain:+.1%} of the champion's {what}"
    if low > 0 and gain > min_improvement:
        return True, f"promoted: {best} beats the champion: {sentence}"
    return False, f"refused: {best} is not better than the champion by more than {min_improvement:.0%}: {sentence}"


def is_narrow(evaluation: Mapping[str, Any]) -> bool:
    """Return whether a version that was refused is worth watching: no leak, and on average ahead of every baseline."""
    ahead = all(advantage[0] > 0 for name, advantage in evaluation["difference_to"].items() if name != CHAMPION)
    return ahead and not evaluation.get("leak_suspected")


def register(spec: ModelSpec, folder: Path, evaluation: Mapping[str, Any], context: JobContext) -> str:
    """Log the run and register the best candidate; return its version."""
    settings = context.settings
    mlflow = client(settings)
    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    location = str(settings.home / "mlflow" / "artifacts")
    experiment_id = experiment.experiment_id if experiment else mlflow.create_experiment(EXPERIMENT, location)
    dataset = dataset_folder(context.interval, settings) / "dataset.json"
    document, best = manifest(settings), evaluation["best"]
    estimator = joblib.load(folder / f"{best}.joblib")
    bundle = {
        "estimator": estimator,
        "calibration": evaluation["calibration"],
        "feature_service": spec.feature_service,
        "features": spec.features,
        "figures": evaluation["figures"][best],
        "reference": read_json(folder / "training.json")["reference"],
    }
    joblib.dump(bundle, folder / ARTIFACT)
    run = mlflow.create_run(
        experiment_id,
        tags={
            "interval": str(context.interval),
            "feature_service": spec.feature_service,
            "data_version": json.dumps(read_json(dataset)["data_version"]),
            "code_commit": document["code_commit"],
            "libraries": json.dumps(document["libraries"]),
            "pilot": str(evaluation["pilot"]),
        },
    )
    run_id = run.info.run_id
    choices = {"seed": spec.seed, "horizon_days": spec.horizon_days, "split": evaluation["split_kind"], "kind": best}
    for name, value in choices.items():
        mlflow.log_param(run_id, name, value)
    for metric, (value, _, _) in evaluation["figures"][best].items():
        mlflow.log_metric(run_id, metric, value)
    for file in (folder / ARTIFACT, folder / "evaluation.json", dataset, folder / "MODEL_CARD.md"):
        mlflow.log_artifact(run_id, str(file))
    mlflow.set_terminated(run_id)
    version = mlflow.create_model_version(
        spec.name,
        source=f"{run.info.artifact_uri}/{ARTIFACT}",
        run_id=run_id,
        tags={FIGURES_TAG: json.dumps(evaluation["figures"]), "kind": best},
    )
    return str(version.version)


def promote_model(spec: ModelSpec, context: JobContext) -> str:
    """Register one model's best candidate and decide; return the reason. A refusal is a normal end."""
    settings = context.settings
    folder = run_folder(spec.name, context.interval, settings)
    evaluation = read_json(folder / "evaluation.json")
    # The name is registered even where no version is, so that a refusal is on record.
    ensure_model(spec.name, settings)
    record_training(spec.name, context.interval.end, evaluation.get("not_trained", ""), settings)
    promoted, version = False, None
    if evaluation["refused"]:
        reason = f"refused: {evaluation['refused']}"
    else:
        version = register(spec, folder, evaluation, context)
        promoted, verdict = decide_promotion(evaluation)
        reason = f"{verdict} (version {version})"
    if promoted and version is not None:
        set_champion(spec.name, version, settings, reason)
    else:
        record_decision(spec.name, reason, settings)
        if version is not None and is_narrow(evaluation):
            set_challenger(spec.name, version, settings)
    write_json(folder / "promotion.json", {"promoted": promoted, "reason": reason, "version": version})
    context.log.info(reason, model=spec.name)
    return reason


def run(context: JobContext) -> Mapping[str, object]:
    """Decide on every model."""
    return {spec.name: promote_model(spec, context) for spec in SPECS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("promote", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
