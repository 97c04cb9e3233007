"""Groups of people for whom a model is judged apart: age band, gender, fitness level, as stated in the newest profile."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from habitlake.lake import scan_table
from habitlake.settings import Settings
from models.lifecycle.estimators import FloatArray
from models.lifecycle.metrics import METRICS, advantage, figures
from models.lifecycle.spec import BOOTSTRAP_SAMPLES, ModelSpec

GROUPS = ("age_band", "gender", "fitness_level")
AGES = (30, 45, 60)
UNKNOWN = "unknown"
# Fewer people than this in a test judge nothing apart.
MIN_PEOPLE = 50


def read_groups(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person the groups as known on a night: user_id and GROUPS; ``unknown`` where not stated."""
    versions = scan_table("silver.profiles", settings, upto=night).select(
        "user_id", "event_at", "batch_date", "age", "gender", "fitness_level"
    )
    newest = versions.collect().sort("user_id", "event_at", "batch_date").unique("user_id", keep="last")
    band = pl.col("age").cut(AGES, labels=["below 30", "30 to 44", "45 to 59", "60 or more"], left_closed=True)
    return newest.select("user_id", band.cast(pl.String).alias("age_band"), "gender", "fitness_level").with_columns(
        pl.col(GROUPS).fill_null(UNKNOWN)
    )


def of_groups(
    spec: ModelSpec, test: pl.DataFrame, groups: pl.DataFrame, best: FloatArray, champion: FloatArray | None
) -> list[dict[str, Any]]:
    """Return the model's figure in each group with 50 people or more in the test, and what it adds to the champion's.

    Parameters
    ----------
    test
        user_id and label.
    groups
        As ``read_groups`` gives them.
    """
    metric, drawn = spec.target.metric, (BOOTSTRAP_SAMPLES, spec.seed)
    member = test.select("user_id").join(groups, on="user_id", how="left", maintain_order="left")
    label, users = test["label"].to_numpy(), test["user_id"].to_numpy().astype(str)
    found = []
    for group in GROUPS:
        values = member[group].fill_null(UNKNOWN)
        for name in values.unique().sort():
            own = (values == name).to_numpy()
            people = len(np.unique(users[own]))
            if people < MIN_PEOPLE:
                continue
            scores = {"best": best[own]}
            of_metric = {metric: METRICS[metric]}
            figure = figures(label[own], scores, users[own], *drawn, of_metric)["best"][metric]
            against = (
                None
                if champion is None
                else advantage(label[own], best[own], champion[own], users[own], *drawn, metric)
            )
            mean = round(float(label[own].mean()), 4)
            found.append(
                {"group": group, "value": name, "people": people, "base_rate": mean, metric: figure, "gain": against}
            )
    return found
