"""Watch the models in force: drift of what they read, and what their predictions of the last 30 days were worth.

``python -m models.lifecycle.monitor --start 2026-01-05`` writes ops.model_health of a night again; the job that scores
writes it each night. What became of predictions, those of challengers too, is looked at on Sundays, and on people drawn
by their id.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.clock import Interval
from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, replace_nights, scan_table, stored_nights, stored_table
from habitlake.nights.ledger import pinned_challengers, pinned_models
from habitlake.settings import Settings
from habitlake.tables import get_table
from models.catalogue import SPECS
from models.lifecycle import shadow
from models.lifecycle.dataset import drawn, labelled, last_labelled_night, read_days, read_snapshots
from models.lifecycle.drift import drift, missing
from models.lifecycle.metrics import Z_95, value
from models.lifecycle.outcomes import outcomes
from models.lifecycle.registry import CHALLENGER, CHAMPION, load_version
from models.lifecycle.spec import KNOWN_LONG, ModelSpec, Target
from models.lifecycle.told import DAY, DAYS_TOLD
from models.lifecycle.versions import Bundles, Versions

TABLE = "ops.model_health"
KEYS = ("user_id", "batch_date")
DRIFT_LIMIT = 0.3
ACCURACY_LIMIT = 0.95
# Nine models are judged each Sunday, against figures that rest on few people (python -m bench drift).
Z_ALARM = 3.3
NEWEST = "newest_"
REALISED_DAYS = 30
NIGHT_STRIDE = 7
SUNDAY = 7
# Fewer realised predictions than this judge no model.
MIN_PREDICTIONS = 100


def standard_error(
    name: str, label: NDArray[np.float64], score: NDArray[np.float64], people: int, baseline: Sequence[float]
) -> float:
    """Return the standard error of a figure less its baseline, which comes with its 95 % interval: both are of some people."""
    _, low, high = baseline
    # A model as good as its baseline: what accuracy does to so many people; of errors, how much they differ.
    variance = baseline[0] * (1 - baseline[0]) if name == "accuracy" else float(np.var(np.abs(label - score)))
    return float(np.sqrt(variance / people + ((high - low) / 2 / Z_95) ** 2))


def figure(
    name: str,
    found: float,
    baseline: float | None,
    people: int,
    *,
    feature: str | None = None,
    error: float = 0.0,
) -> dict[str, Any]:
    """Return one figure of a model's health; an alarm asks for retraining.

    Parameters
    ----------
    error
        Standard error of the figure less its baseline: what chance does.
    """
    known = baseline if baseline is not None else float("nan")
    alarm = {
        "drift": found > DRIFT_LIMIT,
        "accuracy": found < min(ACCURACY_LIMIT * known, known - Z_ALARM * error),
        "mae": found > max(known / ACCURACY_LIMIT, known + Z_ALARM * error),
    }.get(name.removeprefix(NEWEST), False)
    return {
        "figure": name,
        "feature": feature,
        "value": round(found, 6),
        "baseline": baseline,
        "people": people,
        "alarm": alarm,
    }


def input_health(spec: ModelSpec, people: pl.DataFrame, bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how far people are from those when the version was trained: which feature drifted most, or went missing."""
    own, known = people.filter(spec.eligible), bundle.get("reference")
    if known is None or own.is_empty():
        return []
    found = []
    for name, scores in (("drift", drift(own, known)), ("missing", missing(own, known))):
        feature = max(scores, key=lambda one: scores[one])
        found.append(figure(name, scores[feature], None, own.height, feature=feature))
    return found


def realised(spec: ModelSpec, judged: pl.DataFrame, bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the predictions were worth beside the figures on which the version was promoted.

    Accuracy (of an amount the error) is told of the newest night alone, too: in a month of nights a change drowns at first.

    Parameters
    ----------
    judged
        user_id, batch_date, label and score of predictions whose outcome is known.
    """
    names = ("accuracy", "auc", "ece") if spec.target is Target.EVENT else ("mae",)
    newest = judged.filter(pl.col("batch_date") == pl.col("batch_date").max())
    found = []
    for rows, some, prefix in ((judged, names, ""), (newest, names[:1], NEWEST)):
        if rows.height < MIN_PREDICTIONS:
            continue
        label, score = rows["label"].to_numpy(), rows["score"].to_numpy()
        if spec.target is Target.EVENT:
            label = (label > 0).astype(np.int64)
        people = rows["user_id"].n_unique()
        for name in some:
            one, baseline = value(name, label, score), bundle.get("figures", {}).get(name)
            if np.isnan(one):
                continue
            error = standard_error(name, label, score, people, baseline) if baseline else 0.0
            found.append(figure(prefix + name, one, baseline[0] if baseline else None, people, error=error))
    return found


def shadowed(spec: ModelSpec, judged: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what a challenger's predictions were worth, the baseline being the champion's of the same people and nights.

    Parameters
    ----------
    judged
        user_id, batch_date, label, score and role of predictions whose outcome is known, and the day ahead of such rows.
    """
    own, champion = (judged.filter(pl.col("role") == role) for role in (CHALLENGER, CHAMPION))
    keys = [name for name in (*KEYS, DAY) if name in judged.columns]
    both = own.join(champion.select(*keys, in_force="score"), on=keys)
    if champion.is_empty():
        return realised(spec, own, {})
    beside = {row["figure"]: row["value"] for row in realised(spec, both.with_columns(score="in_force"), {})}
    # Without held-out figures nothing alarms: a challenger that does badly asks for nothing.
    return [row | {"baseline": beside.get(row["figure"])} for row in realised(spec, both, {})]


def read_scores(nights: Sequence[date], users: pl.Series, settings: Settings) -> pl.DataFrame:
    """Return user_id, batch_date, model, role, score and days of the predictions, and of those in shadow."""
    told = {CHAMPION: ("gold.predictions", pl.coalesce("probability", "value"))}
    if stored_table(shadow.TABLE, settings) is not None:
        told[CHALLENGER] = (shadow.TABLE, pl.col("score"))
    return pl.concat(
        scan_table(table, settings)
        .filter(pl.col("batch_date").is_in(nights), pl.col("user_id").is_in(users.implode()))
        .select(*KEYS, "model", "days", role=pl.lit(role), score=score)
        for role, (table, score) in told.items()
    ).collect()


def judged_rows(spec: ModelSpec, labels: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return what a model said beside what became of it: user_id, batch_date, role, score, label, where both are known.

    A row per prediction; of a model whose rows are days one per day ahead (``days_ahead``).

    Parameters
    ----------
    labels
        user_id, batch_date and the columns of ``labelled``.
    predictions
        As ``read_scores`` returns them.
    """
    own = predictions.filter(pl.col("model") == spec.name)
    if not spec.days:
        label = labels.select(*KEYS, label=spec.label_column).drop_nulls("label")
        return label.join(own.drop("days"), on=KEYS)
    told = own.select(*KEYS, "role", days=pl.col("days").str.json_decode(DAYS_TOLD)).explode("days").unnest("days")
    label = labels.select(*KEYS, *(pl.col(name).alias(str(ahead)) for ahead, name in enumerate(spec.day_columns, 1)))
    days = label.unpivot(index=KEYS, variable_name=DAY, value_name="label").drop_nulls("label")
    return days.with_columns(pl.col(DAY).cast(pl.Int64)).join(told.rename({"probability": "score"}), on=[*KEYS, DAY])


def judged_predictions(night: date, specs: Sequence[ModelSpec], settings: Settings) -> dict[str, pl.DataFrame]:
    """Return per model the predictions whose outcome became known in the last 30 days, one night a week, with their role."""
    known = Interval(date.min, night)
    newest = {spec.name: last_labelled_night(known, spec.horizon_days) for spec in specs}
    wanted = {
        spec.name: [newest[spec.name] - timedelta(days=days) for days in range(0, REALISED_DAYS, NIGHT_STRIDE)]
        for spec in specs
    }
    scored = {*stored_nights("gold.predictions", settings), *stored_nights(shadow.TABLE, settings)}
    nights = sorted({one for own in wanted.values() for one in own if one in scored})
    if not nights:
        return {}
    snapshots = read_snapshots(nights, specs, settings)
    followed = outcomes(snapshots, read_days(Interval(nights[0], night), snapshots["user_id"], settings))
    labels = labelled(followed, specs, known)
    predictions = read_scores(nights, snapshots["user_id"].unique(), settings)
    return {
        spec.name: judged_rows(spec, labels.filter(pl.col("batch_date").is_in(wanted[spec.name])), predictions)
        for spec in specs
    }


def health(night: date, versions: Versions, bundles: Bundles, settings: Settings) -> pl.DataFrame:
    """Return ops.model_health of a night, of the versions that score it."""
    champions, challengers = versions.champions, versions.challengers
    specs = [spec for spec in SPECS if spec.name in {*champions, *challengers}]
    sample = scan_table("gold.user_features", settings, nights=Interval(night, night)).filter(KNOWN_LONG).collect()
    sample = sample.filter(pl.col("user_id").is_in(drawn(sample["user_id"]).implode()))
    judged = judged_predictions(night, specs, settings) if specs and night.isoweekday() == SUNDAY else {}
    rows = []
    for spec in specs:
        own, of_model = {"batch_date": night, "model": spec.name}, judged.get(spec.name)
        if spec.name in champions:
            version = champions[spec.name]
            bundle = bundles[spec.name, version]
            figures = input_health(spec, sample, bundle)
            if of_model is not None:
                figures += realised(spec, of_model.filter(pl.col("role") == CHAMPION), bundle)
            rows += [{**own, "role": CHAMPION, "model_version": version, **one} for one in figures]
        if spec.name in challengers and of_model is not None:
            version = challengers[spec.name]
            rows += [{**own, "role": CHALLENGER, "model_version": version, **one} for one in shadowed(spec, of_model)]
    return pl.DataFrame(rows, schema_overrides={"baseline": pl.Float64, "feature": pl.String})


def write_health(interval: Interval, versions: Mapping[date, Versions], bundles: Bundles, settings: Settings) -> int:
    """Write ops.model_health of every night of the interval; return how many figures ask for retraining.

    Parameters
    ----------
    versions
        What scores each night; nothing is known of a night without any.
    """
    schema = arrow_schema(get_table(TABLE))
    found = [health(night, own, bundles, settings) for night, own in versions.items() if own]
    told = [one for one in found if one.height]
    rows = pl.concat(told) if told else pl.DataFrame()
    table = rows.select(schema.names).to_arrow().cast(schema) if rows.height else schema.empty_table()
    replace_nights(table, TABLE, interval, settings)
    return int(rows["alarm"].sum()) if rows.height else 0


def run(context: JobContext) -> Mapping[str, object]:
    """Write the health of the interval's nights again, for the versions that scored them."""
    settings, interval = context.settings, context.interval
    champions, challengers = pinned_models(interval, settings), pinned_challengers(interval, settings)
    versions = {night: Versions(champions.get(night, {}), challengers.get(night, {})) for night in interval.nights()}
    wanted = {pair for own in versions.values() for pair in own.champions.items()}
    bundles = {(name, version): load_version(name, version, settings) for name, version in sorted(wanted)}
    return {"alarms": write_health(interval, versions, bundles, settings)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("monitor", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
