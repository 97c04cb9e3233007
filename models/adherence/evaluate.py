"""Measure candidates, champion and baselines on the same later nights, and write the model card.

``python -m models.adherence.evaluate --start 2026-01-05 --end 2026-04-04``
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
from models.adherence.card import model_card
from models.adherence.config import CONFIG
from models.adherence.estimators import FloatArray, candidates, naive_scores
from models.lifecycle.files import read_json, run_folder, write_json
from models.lifecycle.metrics import auc, auc_difference, figures
from models.lifecycle.registry import champion_version, load_version

BINS = 10
NAIVE = ("base_rate", "frequency_7d", "recency_frequency")
# A feature set that predicts behaviour this well has seen the answer.
LEAK_AUC = 0.98


def scores_of(rows: pl.DataFrame, test: pl.DataFrame, folder: Path, settings: Settings) -> dict[str, FloatArray]:
    """Return every score on the test rows: candidates, the champion in force, baselines."""
    train = rows.filter(pl.col("split") == "train")
    scores = {
        name: joblib.load(folder / f"{name}.joblib").predict(test) for name in (*candidates(), "recency_frequency")
    }
    scores |= naive_scores(train, test)
    version = champion_version(CONFIG.name, settings)
    if version is not None:
        scores["champion"] = load_version(CONFIG.name, version, settings)["estimator"].predict(test)
    return scores


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


def evaluate(rows: pl.DataFrame, folder: Path, settings: Settings) -> dict[str, Any]:
    """Return the evaluation: figures with intervals, paired differences, calibration, people unseen in training."""
    test = rows.filter(pl.col("split") == "test")
    label, users = test["label"].to_numpy(), test["user_id"].to_numpy().astype(str)
    scores = scores_of(rows, test, folder, settings)
    best = max(candidates(), key=lambda name: auc(label, scores[name]))
    rivals = [name for name in ("champion", *NAIVE) if name in scores]
    unseen = test["unseen"].to_numpy()
    return {
        "best": best,
        "test_rows": test.height,
        "test_people": int(test["user_id"].n_unique()),
        "figures": figures(label, scores, users, CONFIG.bootstrap_samples, CONFIG.seed),
        "difference_to": {
            name: auc_difference(label, scores[best], scores[name], users, CONFIG.bootstrap_samples, CONFIG.seed)
            for name in rivals
        },
        "auc_unseen_people": round(auc(label[unseen], scores[best][unseen]), 4) if unseen.any() else None,
        "auc_seen_people": round(auc(label[~unseen], scores[best][~unseen]), 4) if (~unseen).any() else None,
        "calibration": calibration_bins(scores[best], label, users),
        "leak_suspected": bool(auc(label, scores[best]) > LEAK_AUC),
    }


def run(context: JobContext) -> Mapping[str, object]:
    """Evaluate the interval's candidates."""
    folder = run_folder(CONFIG.name, context.interval, context.settings)
    training = read_json(folder / "training.json")
    if training["refused"]:
        write_json(folder / "evaluation.json", {"refused": training["refused"]})
        return {"refused": training["refused"]}
    rows = pl.read_parquet(folder / "dataset.parquet")
    result = evaluate(rows, folder, context.settings)
    write_json(folder / "evaluation.json", {"refused": None, "pilot": training["pilot"], **result})
    dataset = read_json(folder / "dataset.json")
    (folder / "MODEL_CARD.md").write_text(
        model_card(dataset, {**result, "pilot": training["pilot"]}, str(context.interval))
    )
    best = result["figures"][result["best"]]
    return {"best": result["best"], "auc": best["auc"], "ece": best["ece"], "card": str(folder / "MODEL_CARD.md")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("evaluate", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
