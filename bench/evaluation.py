"""Every model beside its baselines, on worlds of people: figures by world, by people seen in training and not.

A world is a folder that nights were run in. Models are fitted and measured here as `retrain` does it, on all of the
world's nights, and nothing is registered.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.forecast import forecast
from bench.oracle import HIDDEN, ORACLES, counts, true_days, with_hidden
from habitlake.clock import Interval
from habitlake.lake import scan_table, stored_nights
from habitlake.settings import Settings
from models.adherence.estimators import candidates
from models.catalogue import SPECS
from models.lifecycle.dataset import build, read_days, rows_of
from models.lifecycle.estimators import STRENGTH, FloatArray, Logistic
from models.lifecycle.evaluate import winner
from models.lifecycle.metrics import AMOUNT_METRICS, EVENT_METRICS, advantage, figures
from models.lifecycle.outcomes import outcomes
from models.lifecycle.spec import BOOTSTRAP_SAMPLES, ModelSpec, Target
from models.lifecycle.train import fittable, not_enough

ORACLE, WORLD_FORECAST, HIDDEN_STATES, MEAN = "oracle", "world_forecast", "hidden_states", "base_rate"
LAPSE = "lapse_7d"
SEEN, UNSEEN, EVERYBODY = "seen", "unseen", "all"
# The tests' rows are repeated up to this many, so that scoring is timed on more than its start.
TIMED_ROWS = 20_000
# Fewer people with the event than `retrain` asks for are measured here, with the wide intervals that they give.
FEWEST_EVENT_PEOPLE = 15
Figures = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of a fit, and rows a second of scoring and of explaining."""

    fit_seconds: float
    scored: float
    explained: float


@dataclass(frozen=True, slots=True)
class Found:
    """One model in one world; ``refused`` says why `retrain` trains none on so few; with fewer still there are no figures.

    ``figures`` are by part of the test (people who train, people who do not, all), score and metric: value and interval.
    ``ahead`` is by how much the best candidate is above each baseline, paired, over all of the test; ``best`` is chosen
    on the test as `retrain` does.
    """

    world: str
    spec: ModelSpec
    nights: Interval
    refused: str | None = None
    rows: int = 0
    people: int = 0
    base_rate: float = 0.0
    split: str = ""
    tested: Mapping[str, tuple[int, int]] | None = None
    figures: Mapping[str, Figures] | None = None
    best: str = ""
    ahead: Mapping[str, Sequence[float]] | None = None
    speed: Mapping[str, Speed] | None = None


def dated(rows: pl.DataFrame, nights: Interval, settings: Settings) -> pl.DataFrame:
    """Return the rows with the as-of date of their night."""
    known = scan_table("gold.user_features", settings, nights=nights).select("user_id", "batch_date", "as_of_date")
    return rows.join(known.collect(), on=["user_id", "batch_date"], how="left", maintain_order="left")


def bounds(
    spec: ModelSpec, train: pl.DataFrame, test: pl.DataFrame, nights: Interval, settings: Settings
) -> dict[str, FloatArray]:
    """Return what the simulated world's truth says of the test, and its own forecast; empty for other worlds."""
    if not settings.truth_dir.exists() or not (spec.days or spec.name in ORACLES):
        return {}
    train, test = (dated(rows, nights, settings) for rows in (train, test))
    if spec.days:
        ahead = test["days_ahead"].cast(pl.Int64).to_numpy()
        return {ORACLE: true_days(test, settings)[np.arange(test.height), ahead - 1]}
    days = read_days(nights, test["user_id"], settings)
    followed = outcomes(test.select("user_id", "batch_date", "as_of_date", "sessions_28d"), days)
    seeing = Logistic((*spec.features, *HIDDEN), kind=HIDDEN_STATES, strength=STRENGTH)
    seeing.fit(with_hidden(train, settings))
    return {
        ORACLE: ORACLES[spec.name](counts(true_days(test, settings)), followed),
        WORLD_FORECAST: forecast(test, spec.label, settings),
        HIDDEN_STATES: seeing.predict(with_hidden(test, settings)),
    }


def timed(spec: ModelSpec, train: pl.DataFrame, test: pl.DataFrame) -> tuple[dict[str, FloatArray], dict[str, Speed]]:
    """Fit what can be fitted of a model on the training rows; return its scores of the test, and how long all took."""
    many = pl.concat([test] * -(-TIMED_ROWS // test.height))[:TIMED_ROWS]
    scores, speeds = {}, {}
    fitted_here, _ = fittable(spec, train)
    for name, estimator in fitted_here.items():
        started = time.perf_counter()
        estimator.fit(train)
        fitted = time.perf_counter()
        estimator.predict(many)
        scored = time.perf_counter()
        estimator.contributions(many)
        explained = time.perf_counter()
        speeds[name] = Speed(fitted - started, TIMED_ROWS / (scored - fitted), TIMED_ROWS / (explained - scored))
        scores[name] = np.asarray(estimator.predict(test), dtype=np.float64)
    return scores, speeds


def measure(world: str, spec: ModelSpec, rows: pl.DataFrame, nights: Interval, settings: Settings) -> Found:
    """Fit and measure one model on the rows of a world."""
    refusal = not_enough(rows, spec)
    if refusal is not None and not_enough(rows, replace(spec, min_event_people=FEWEST_EVENT_PEOPLE)):
        return Found(world, spec, nights, refusal)
    train, test = (rows.filter(pl.col("split") == part) for part in ("train", "test"))
    scores, speeds = timed(spec, train, test)
    mean = float(train["label"].mean() or 0.0)  # type: ignore[arg-type]
    scores[MEAN] = np.full(test.height, mean)
    for name, rule in spec.rules.items():
        scores[name] = test.select(rule.cast(pl.Float64).fill_null(mean)).to_series().to_numpy()
    metric, label, users = spec.target.metric, test["label"].to_numpy(), test["user_id"].to_numpy().astype(str)
    best = winner(spec, label, scores, users)
    ahead = {
        name: advantage(label, scores[best], score, users, BOOTSTRAP_SAMPLES, spec.seed, metric)
        for name, score in scores.items()
        if name != best
    }
    scores |= bounds(spec, train, test, nights, settings)
    unseen = ~test["user_id"].is_in(train["user_id"].unique().implode()).to_numpy()
    parts: dict[str, NDArray[np.bool_]] = {
        SEEN: ~unseen,
        UNSEEN: unseen,
        EVERYBODY: np.full(len(unseen), fill_value=True),
    }
    metrics = EVENT_METRICS if spec.target is Target.EVENT else AMOUNT_METRICS
    return Found(
        world,
        spec,
        nights,
        refusal,
        rows=rows.height,
        people=rows["user_id"].n_unique(),
        base_rate=float(rows["label"].mean() or 0.0),  # type: ignore[arg-type]
        split=rows["split_kind"][0],
        tested={name: (int(own.sum()), len(np.unique(users[own]))) for name, own in parts.items()},
        figures={
            name: figures(
                label[own],
                {score: values[own] for score, values in scores.items()},
                users[own],
                BOOTSTRAP_SAMPLES,
                spec.seed,
                metrics,
            )
            for name, own in parts.items()
            if own.any()
        },
        best=best,
        ahead=ahead,
        speed=speeds,
    )


def with_ensemble(specs: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
    """Return the specs with adherence's candidates for a lapse as well: the same week, seen the other way."""
    return tuple(
        replace(spec, make_candidates=candidates, needs_sequence=True) if spec.name == LAPSE else spec for spec in specs
    )


def evaluate(world: str, home: Path, specs: Sequence[ModelSpec] = SPECS) -> Iterator[Found]:
    """Measure every model in one world, on all of its nights, one after the other."""
    settings, specs = Settings(home=home), with_ensemble(specs)
    stored = stored_nights("gold.user_features", settings)
    nights = Interval(stored[0], stored[-1])
    dataset = build(nights, settings, specs)
    for spec in specs:
        yield measure(world, spec, rows_of(dataset, spec), nights, settings)
