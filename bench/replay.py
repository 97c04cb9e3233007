"""HeartSteps V1 replayed: what the platform's rule of sending would have earned, beside the logged one, always and never.

37 people, up to five moments a day, a walking suggestion sent with probability 0.6 where the person was available; the
reward is log(0.5 + steps in the half hour after). The rule learns forward in time: at a moment it knows what all people
did on the dates before. It is the nightly response model with one intervention, its prior scaled to this reward, and the
probability of a single arm. Values are of the moments of the log: what sending does to later moments is not in them.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from bench.off_policy import Evaluation, Log, crossfitted, evaluate
from interventions.arms import arm_probabilities
from interventions.response.effects import DOSAGE_DECAY, dosage_price
from interventions.response.model import PRIOR, Floats, Prior, added, at_dosage, beliefs, contribution, nothing

LOGGED = 0.6
# The standard deviation of the reward is about six times that of a yes or no.
SCALE = 6.0
EXPECTED = 0.05 * SCALE
LIBRARY = pl.DataFrame({"action": ["walk"], "intervention": ["walk"], "expected": [EXPECTED]})
FILE = "heartsteps_v1/decision_points_joined.csv"


def scaled(prior: Prior, factor: float) -> Prior:
    """Return the prior for a reward in other units."""

    def pair(values: tuple[float, float]) -> tuple[float, float]:
        return (values[0] * factor, values[1] * factor)

    return replace(
        prior,
        slope=prior.slope * factor,
        overall=pair(prior.overall),
        between_actions=pair(prior.between_actions),
        within_action=pair(prior.within_action),
        noise=prior.noise * factor**2,
        baseline_variance=prior.baseline_variance * factor**2,
    )


def read_moments(data: Path) -> pl.DataFrame:
    """Return the moments at which the person was available: user, date, sent, reward, steps before, dosage."""
    rows = pl.read_csv(data / FILE, try_parse_dates=True).sort("user", "decision_index")
    dosage: list[float] = []
    for (_,), group in rows.group_by("user", maintain_order=True):
        level = 0.0
        for sent in group["send"].to_list():
            dosage.append(level)
            level = DOSAGE_DECAY * level + sent
    return (
        rows.with_columns(dosage=pl.Series(dosage).round(6))
        .filter(pl.col("avail").cast(pl.String).str.to_lowercase() == "true")
        .select(
            "user",
            "dosage",
            date="study_date",
            drawn="send",
            outcome=(pl.col("steps_30min_after").fill_null(0) + 0.5).log(),
            usual=(pl.col("steps_30min_before").fill_null(0) + 0.5).log(),
            chance=pl.lit(LOGGED),
            action=pl.lit("walk"),
            intervention=pl.lit("walk"),
            delivered="send",
            opened=pl.lit(0),
            acted=pl.lit(0),
            rated=pl.lit(0),
        )
    )


def learned(moments: pl.DataFrame) -> Floats:
    """Return the probability with which the rule would have sent at each moment, knowing the dates before."""
    prior = scaled(PRIOR, SCALE)
    sums, found = nothing(), np.empty(moments.height)
    rows = moments.with_row_index("row")
    by_date: dict[date, pl.DataFrame] = {day: part for (day,), part in rows.group_by("date")}  # type: ignore[misc]
    for day in sorted(by_date):
        part = by_date[day]
        known = beliefs(sums, LIBRARY, prior)
        leaf = known.filter(pl.col("level") == "intervention").row(0, named=True)
        dosage = part["dosage"].to_numpy()
        mean, variance = at_dosage(leaf, dosage)
        none = np.full(len(dosage), np.nan)
        send, _ = arm_probabilities(mean, np.sqrt(variance), none, none, dosage_price(known))
        found[part["row"].to_numpy()] = send
        sums = added(sums, contribution(part))
    return found


def compare(data: Path) -> dict[str, Evaluation]:
    """Return the value of each rule on the log of the trial."""
    moments = read_moments(data)
    log = Log(
        user=moments["user"].to_numpy(),
        features=moments.select("usual", "dosage").to_numpy(),
        sent=moments["drawn"].to_numpy() == 1,
        probability=moments["chance"].to_numpy(),
        reward=moments["outcome"].to_numpy(),
    )
    expected = crossfitted(log)
    everywhere = np.ones(moments.height)
    rules = {
        "learned (this platform)": learned(moments),
        "logged": LOGGED * everywhere,
        "always": everywhere,
        "never": 0.0 * everywhere,
    }
    return {name: evaluate(log, target, expected) for name, target in rules.items()}
