"""The registry of models (MLflow): versions, aliases champion and challenger, and the record of each decision.

``python -m models.lifecycle.registry [--json]`` lists; ``... rollback MODEL VERSION`` moves the champion alias.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from habitlake.cli.app import Json, run_app
from habitlake.cli.output import console, print_json, print_table, rows_of
from habitlake.errors import PermanentError
from habitlake.lake import scan_table, stored_nights
from habitlake.settings import Settings, get_settings
from habitlake.tables import get_table

if TYPE_CHECKING:
    from mlflow import MlflowClient

HEALTH = "ops.model_health"
FEATURES = "gold.user_features"
# The newest figures of what became true are of the last Sunday.
HEALTH_NIGHTS = 7
CHAMPION = "champion"
CHALLENGER = "challenger"
ARTIFACT = "model.joblib"
DECISION_TAG = "decision"
TRAINED_TAG = "trained_until"
NOT_TRAINED_TAG = "not_trained"
# The schedule; a feature or an outcome that raised an alarm does not wait for it, but for the next snapshots.
RETRAIN_DAYS = 7
COOL_DOWN_DAYS = 3
FIGURES_TAG = "figures"


def has_registry(settings: Settings) -> bool:
    """Return whether anything was ever registered; asking MLflow itself would create its database first."""
    if not settings.mlflow_tracking_uri.startswith("sqlite:///"):
        return True
    return Path(settings.mlflow_tracking_uri.removeprefix("sqlite:///")).exists()


@lru_cache(maxsize=4)
def client(settings: Settings) -> "MlflowClient":
    """Return the MLflow client of this world; imports MLflow, which takes seconds."""
    (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=settings.mlflow_tracking_uri, registry_uri=settings.mlflow_tracking_uri)


def by_alias(settings: Settings) -> dict[str, dict[str, str]]:
    """Return per alias the version of every model that has one: one question for all of them."""
    if not has_registry(settings):
        return {CHAMPION: {}, CHALLENGER: {}}
    aliases = {model.name: model.aliases or {} for model in client(settings).search_registered_models()}
    return {
        alias: {name: str(own[alias]) for name, own in aliases.items() if alias in own}
        for alias in (CHAMPION, CHALLENGER)
    }


def champions(settings: Settings) -> dict[str, str]:
    """Return the version in force of every model that has one."""
    return by_alias(settings)[CHAMPION]


def load_version(model: str, version: str, settings: Settings) -> dict[str, Any]:
    """Return a registered version: estimator, calibration, feature service, features.

    Raises
    ------
    PermanentError
        If it is not registered, its artifact is gone, or it reads a feature that the lake no longer has.
    """
    import joblib
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        found = client(settings).get_model_version(model, version)
        path = download_artifacts(
            run_id=found.run_id, artifact_path=ARTIFACT, tracking_uri=settings.mlflow_tracking_uri
        )
    except (MlflowException, OSError) as error:
        msg = f"model {model} version {version} cannot be loaded: {error}; `habitlake models` lists what there is"
        raise PermanentError(msg) from error
    bundle = dict(joblib.load(path))
    gone = [name for name in bundle.get("features", ()) if name not in get_table(FEATURES).column_names]
    if gone:
        msg = (
            f"model {model} version {version} reads {', '.join(gone)}, which {FEATURES} no longer has;"
            f" train anew (habitlake retrain) or go back (habitlake models rollback {model} VERSION)"
        )
        raise PermanentError(msg)
    return bundle


def ensure_model(model: str, settings: Settings) -> None:
    """Register the model's name unless it is there."""
    from mlflow.exceptions import MlflowException

    try:
        client(settings).create_registered_model(model)
    except MlflowException:
        client(settings).get_registered_model(model)


def record_decision(model: str, reason: str, settings: Settings) -> None:
    """Keep why the last training run was promoted or refused, beside the registered name of the model."""
    client(settings).set_registered_model_tag(model, DECISION_TAG, reason)


def record_training(model: str, night: date, not_trained: str, settings: Settings) -> None:
    """Keep the last night that the last training run knew and what it could not train, whatever came of it."""
    client(settings).set_registered_model_tag(model, TRAINED_TAG, night.isoformat())
    client(settings).set_registered_model_tag(model, NOT_TRAINED_TAG, not_trained)


def due(health: Sequence[Mapping[str, Any]], trained: str | None, night: date) -> list[str]:
    """Return why retraining of a model is due by the end of a night; empty where it is not.

    It is when a week has passed, or when a figure asks for it that is newer than the last training run. A run that brought
    no better model leaves the alarm standing, so it is heard again after three nights at the earliest.
    """
    last = date.fromisoformat(trained) if trained else date.min
    since = (night - last).days
    if since < COOL_DOWN_DAYS:
        return []
    alarms = [
        f"{row['figure']}{' of ' + row['feature'] if row['feature'] else ''} {row['value']:.3f}"
        for row in health
        if row["alarm"] and last < row["batch_date"] <= night
    ]
    return alarms or ([f"{since} nights since the last training"] if since >= RETRAIN_DAYS else [])


def retraining_due(night: date, settings: Settings) -> dict[str, list[str]]:
    """Return per registered model why retraining is due by the end of a night; of a world without any, that there is none."""
    if not has_registry(settings) or not (registered := client(settings).search_registered_models()):
        return {"models": ["none was trained yet"]}
    health = newest_health(settings)
    return {
        model.name: due(health.get(model.name, []), (model.tags or {}).get(TRAINED_TAG), night) for model in registered
    }


def set_champion(model: str, version: str, settings: Settings, reason: str) -> None:
    """Move the champion alias and record why; the challenger is from then on a version newer than it, if any was.

    Raises
    ------
    PermanentError
        If there is no such version.
    """
    from mlflow.exceptions import MlflowException

    try:
        client(settings).get_model_version(model, version)
    except MlflowException as error:
        msg = f"model {model} has no version {version}; `habitlake models` lists what there is"
        raise PermanentError(msg) from error
    aliases = client(settings).get_registered_model(model).aliases or {}
    newer = [str(other) for other in aliases.values() if int(other) > int(version)]
    client(settings).set_registered_model_alias(model, CHAMPION, version)
    set_challenger(model, max(newer, key=int, default=None), settings)
    record_decision(model, reason, settings)


def set_challenger(model: str, version: str | None, settings: Settings) -> None:
    """Move the alias of the version that is scored in shadow; without one nothing is."""
    if version is None:
        client(settings).delete_registered_model_alias(model, CHALLENGER)
    else:
        client(settings).set_registered_model_alias(model, CHALLENGER, version)


def newest_health(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Return per model its newest figure of each kind in ops.model_health, of the champion and of the challenger."""
    import polars as pl

    nights = stored_nights(HEALTH, settings)
    if not nights:
        return {}
    recent = scan_table(HEALTH, settings).filter(pl.col("batch_date") > nights[-1] - timedelta(days=HEALTH_NIGHTS))
    # Nights before there were challengers knew champions alone.
    told = recent.with_columns(pl.col("role").fill_null(CHAMPION)).collect().sort("batch_date")
    newest = told.unique(["model", "figure", "role"], keep="last")
    health: dict[str, list[dict[str, Any]]] = {}
    for row in newest.sort("model", "figure", "role").iter_rows(named=True):
        health.setdefault(row["model"], []).append(row)
    return health


def model_report(settings: Settings) -> list[dict[str, Any]]:
    """Return per registered model: champion, challenger, versions, the last training run's decision, figures, health.

    The figures are the champion's, or, where none is in force, those of the newest version, which was refused.
    """
    if not has_registry(settings):
        return []
    report, health = [], newest_health(settings)
    nights = stored_nights(FEATURES, settings)
    reasons = retraining_due(nights[-1], settings) if nights else {}
    for model in client(settings).search_registered_models():
        versions = client(settings).search_model_versions(f"name = '{model.name}'")
        aliases = {alias: str(version) for alias, version in (model.aliases or {}).items()}
        champion = aliases.get(CHAMPION)
        known = sorted((str(version.version) for version in versions), key=int)
        shown = champion or (known[-1] if known else None)
        figures = next(
            (version.tags.get(FIGURES_TAG) for version in versions if str(version.version) == str(shown)), None
        )
        metrics = [
            {
                "score": name,
                **{metric: f"{value:.3f} [{low:.3f}, {high:.3f}]" for metric, (value, low, high) in values.items()},
            }
            for name, values in (json.loads(figures) if figures else {}).items()
        ]
        report.append(
            {
                "name": model.name,
                "champion": champion,
                "challenger": aliases.get(CHALLENGER),
                "versions": known,
                "decision": (model.tags or {}).get(DECISION_TAG),
                "not_trained": (model.tags or {}).get(NOT_TRAINED_TAG, ""),
                "metrics": metrics,
                "health": health.get(model.name, []),
                "retraining_due": reasons.get(model.name, []),
            }
        )
    return report


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, invoke_without_command=True)


@app.callback()
def models(context: typer.Context, json_output: Json = False) -> None:
    """Show registered models, their figures, and why each was promoted or refused."""
    if context.invoked_subcommand is not None:
        return
    report = model_report(get_settings())
    if json_output:
        print_json(report)
        return
    if not report:
        console.print("No model is registered yet; the retrain DAG registers the first.")
    for model in report:
        console.print(
            f"[bold]{model['name']}[/bold]: champion {model['champion'] or 'none'}, challenger {model['challenger'] or 'none'},"
            f" versions {', '.join(model['versions']) or 'none'}"
        )
        console.print(f"    {model['decision']}", markup=False)
        if model["not_trained"]:
            console.print(f"    not trained: {model['not_trained']}", markup=False)
        if model["metrics"]:
            print_table(
                "    held-out figures with 95 % intervals",
                tuple(model["metrics"][0]),
                [row.values() for row in model["metrics"]],
            )
        if model["health"]:
            columns = (
                "figure",
                "role",
                "model_version",
                "feature",
                "value",
                "baseline",
                "people",
                "batch_date",
                "alarm",
            )
            print_table("    in force, and in shadow", columns, rows_of(model["health"], columns))
        for reason in model["retraining_due"]:
            console.print(f"    retraining is due: {reason}", markup=False)


@app.command()
def rollback(
    model: Annotated[str, typer.Argument(help="registered model")],
    version: Annotated[str, typer.Argument(help="version to put in force")],
) -> None:
    """Put another version in force; nights that were already scored keep the version that scored them."""
    set_champion(model, version, get_settings(), f"rolled back to version {version} by hand")
    console.print(f"{model}: champion is now version {version}")


if __name__ == "__main__":
    run_app(app)
