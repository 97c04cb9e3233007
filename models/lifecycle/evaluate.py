"""Measure each model's candidates, champion and baselines on the same test rows, and write its card.

``python -m models.lifecycle.evaluate --start 2026-01-05 --end 2026-04-04``
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl

from habitlake.job import JobContext, run_job
from habitlake.settings import Settings
from models.catalogue import SPECS
from models.lifecycle.card import model_card
from models.lifecycle.dataset import rows_of
from models.lifecycle.estimators import FloatArray
from models.lifecycle.files import read_dataset, read_json, run_folder, write_json
from models.lifecycle.groups import of_groups
from models.lifecycle.metrics import AMOUNT_METRICS, EVENT_METRICS, LOWER_IS_BETTER, advantage, figures, value
from models.lifecycle.registry import champions, load_version
from models.lifecycle.spec import BOOTSTRAP_SAMPLES, ModelSpec, Target

BINS = 10
MEAN = "base_rate"
# A feature set that predicts behaviour this well has seen the answer.
LEAK = {"auc": 0.98, "r2": 0.98}


def scores_of(
    spec: ModelSpec,
    rows: pl.DataFrame,
    candidates: Sequence[str],
    folder: Path,
    champion: str | None,
    settings: Settings,
) -> dict[str, FloatArray]:
    """Return every score on the test rows: candidates, baselines, rules, the mean, the champion in force."""
    test = rows.filter(pl.col("split") == "test")
    mean = float(rows.filter(pl.col("split") == "train")["label"].mean() or 0.0)  # type: ignore[arg-type]
    scores = {
        name: np.asarray(joblib.load(folder / f"{name}.joblib").predict(test))
        for name in (*candidates, *spec.baselines)
    }
    scores[MEAN] = np.full(test.height, mean)
    for name, rule in spec.rules.items():
        scores[name] = test.select(rule.cast(pl.Float64).fill_null(mean)).to_series().to_numpy()
    if champion is not None:
        scores["champion"] = load_version(spec.name, champion, settings)["estimator"].predict(test)
    return scores


def winner(spec: ModelSpec, label: np.ndarray, scores: Mapping[str, FloatArray], users: np.ndarray) -> str:
    """Return the scored candidate of the best figure, or the first, the simplest, unless that is beaten beyond chance.

    Beyond chance: the paired 95 % interval of the difference is above zero.
    """
    metric, names = spec.target.metric, [name for name in spec.candidates() if name in scores]
    sign = -1 if metric in LOWER_IS_BETTER else 1
    best = max(names, key=lambda name: sign * value(metric, label, scores[name]))
    _, low, _ = advantage(label, scores[best], scores[names[0]], users, BOOTSTRAP_SAMPLES, spec.seed, metric)
    return best if low > 0 else names[0]


def calibration_bins(score: FloatArray, label: np.ndarray, users: np.ndarray) -> list[dict[str, float]]:
    """Return per tenth of the predictions: upper edge, mean prediction, observed rate, rows and people."""
    parts = [part for part in np.array_split(np.argsort(score, kind="stable"), BINS) if len(part)]
    return [
        {
            "upper": float(score[part].max()),
            "predicted": round(float(score[part].mean()), 4),
            "observed": round(float(label[part].mean()), 4),
            "rows": len(part),
            "people": len(np.unique(users[part])),
        }
        for part in parts
    ]


def interval_held(spec: ModelSpec, test: pl.DataFrame, stored: Path) -> float | None:
    """Return the share of amounts that lie in their interval; None for an event."""
    if spec.target is Target.EVENT:
        return None
    low, high = joblib.load(stored).interval(test)
    label = test["label"].to_numpy()
    return round(float(((low <= label) & (label <= high)).mean()), 4)


def weeks_held(spec: ModelSpec, test: pl.DataFrame, stored: Path) -> list[float]:
    """Return per week the share of its known amounts that lie in its interval; nothing where weeks are not predicted."""
    estimator, held = joblib.load(stored), []
    if not spec.trajectory:
        return []
    weeks = estimator.weekly_amounts(test)
    for name, (low, high) in zip(spec.week_columns.values(), estimator.weekly_intervals(weeks), strict=True):
        inside = (pl.lit(pl.Series(low)) <= pl.col(name)) & (pl.col(name) <= pl.lit(pl.Series(high)))
        held.append(round(float(test.select(inside.mean()).item()), 4))
    return held


def evaluate(
    spec: ModelSpec,
    rows: pl.DataFrame,
    groups: pl.DataFrame,
    candidates: Sequence[str],
    folder: Path,
    champion: str | None,
    settings: Settings,
) -> dict[str, Any]:
    """Return the evaluation: figures with intervals, paired differences, calibration, people unseen in training.

    Parameters
    ----------
    candidates
        Those that were trained.
    """
    test = rows.filter(pl.col("split") == "test")
    label, users = test["label"].to_numpy(), test["user_id"].to_numpy().astype(str)
    scores = scores_of(spec, rows, candidates, folder, champion, settings)
    metric, best = spec.target.metric, winner(spec, label, scores, users)
    rivals = [name for name in ("champion", MEAN, *spec.rules, *spec.baselines) if name in scores]
    unseen = test["unseen"].to_numpy()
    drawn = (BOOTSTRAP_SAMPLES, spec.seed)
    metrics = EVENT_METRICS if spec.target is Target.EVENT else AMOUNT_METRICS

    def of(some: np.ndarray) -> float | None:
        return round(value(metric, label[some], scores[best][some]), 4) if some.any() else None

    return {
        "best": best,
        "metric": metric,
        "split_kind": rows["split_kind"][0],
        "rows": rows.height,
        "people": int(rows["user_id"].n_unique()),
        "base_rate": round(float(rows["label"].mean() or 0), 4),  # type: ignore[arg-type]
        "test_rows": test.height,
        "test_people": int(test["user_id"].n_unique()),
        "figures": figures(label, scores, users, *drawn, metrics),
        "difference_to": {name: advantage(label, scores[best], scores[name], users, *drawn, metric) for name in rivals},
        "calibration_loss": advantage(label, scores["champion"], scores[best], users, *drawn, "ece")
        if champion is not None and spec.target is Target.EVENT
        else None,
        "interval_held": interval_held(spec, test, folder / f"{best}.joblib"),
        "weeks_held": weeks_held(spec, test, folder / f"{best}.joblib"),
        "groups": of_groups(spec, test, groups, scores[best], scores.get("champion")),
        "unseen_people": of(unseen),
        "seen_people": of(~unseen),
        "calibration": calibration_bins(scores[best], label, users) if spec.target is Target.EVENT else [],
        "leak_suspected": any(
            name in metrics and value(name, label, scores[best]) > limit for name, limit in LEAK.items()
        ),
    }


def evaluate_model(
    spec: ModelSpec, dataset: pl.DataFrame, groups: pl.DataFrame, champion: str | None, context: JobContext
) -> str:
    """Evaluate one model's candidates, write the card; return what came out in a few words."""
    folder = run_folder(spec.name, context.interval, context.settings)
    training = read_json(folder / "training.json")
    if training["refused"]:
        write_json(folder / "evaluation.json", {"refused": training["refused"]})
        return "refused"
    rows, candidates = rows_of(dataset, spec), training["candidates"]
    result = evaluate(spec, rows, groups, candidates, folder, champion, context.settings)
    result |= {"refused": None, "pilot": training["pilot"], "not_trained": training["not_trained"]}
    write_json(folder / "evaluation.json", result)
    (folder / "MODEL_CARD.md").write_text(model_card(spec, result, str(context.interval)))
    figure, low, high = result["figures"][result["best"]][result["metric"]]
    return f"{result['best']}, {result['metric']} {figure:.3f} [{low:.3f}, {high:.3f}]"


def run(context: JobContext) -> Mapping[str, object]:
    """Evaluate every model of the interval."""
    dataset, groups = (read_dataset(context.interval, context.settings, name) for name in ("dataset", "groups"))
    in_force = champions(context.settings)
    return {spec.name: evaluate_model(spec, dataset, groups, in_force.get(spec.name), context) for spec in SPECS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("evaluate", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
