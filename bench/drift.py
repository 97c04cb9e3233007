"""Drift found and false alarms over many synthetic worlds, through the functions that write ops.model_health.

A world is people whose features are kept half by the person and half by a state that changes slowly (a seven-day window
keeps six sevenths of itself from one night to the next), in shapes that features have: symmetric, skewed, counts, flags,
with and without missing values. Its models predict probabilities that hold; outcomes are judged on the Sunday, as in the
night, on one night of each of the last five weeks, against figures of held-out people.

Covariate drift is a shift of one feature's daily values by one standard deviation, which enters its seven-day window night
by night. Concept drift turns three in ten people to the opposite of what is predicted of them, from the first night on
that can be judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.report import wording
from models.catalogue import SPECS
from models.lifecycle.drift import GROWING, reference
from models.lifecycle.metrics import METRICS, figures
from models.lifecycle.monitor import MIN_PREDICTIONS, input_health, realised
from models.lifecycle.spec import BOOTSTRAP_SAMPLES, ModelSpec

PEOPLE = (100, 400, 2_000)
NIGHTS = 7
KEPT = 6 / 7
HELD_OUT_SHARE = 0.3
HELD_OUT_NIGHTS = 4
JUDGED_WEEKS = 5
TURNED = 0.3
SUNDAY = date(2026, 3, 8)
SPEC = SPECS[0]
FEATURES = tuple(name for name in SPEC.features if name not in GROWING)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """Of how many worlds each was said, as share with its 95 % interval (Wilson); nights until the covariate was found."""

    people: int
    quiet_drift: Sequence[float]
    quiet_accuracy: Sequence[float]
    quiet: Sequence[float]
    covariate: Sequence[float]
    nights: float
    concept: Sequence[float]


def shaped(values: Floats, kind: int, kept: NDArray[np.bool_]) -> Floats:
    """Return standard normal values in one of four shapes, missing where they are not kept."""
    shapes = (values, np.exp(values), np.floor(np.exp(0.7 * values + 0.7)), (values > 1).astype(float))
    return np.where(kept, shapes[kind], np.nan)


class World:
    """People whose features change slowly from night to night."""

    def __init__(self, seed: int, people: int) -> None:
        self.random = np.random.default_rng(seed)
        size = (people, len(FEATURES))
        self.person, self.state = self.random.normal(size=(2, *size))
        self.kinds = self.random.permutation(len(FEATURES)) % 4
        # Half of the features have missing values, of up to half of the people.
        share = np.where(self.random.random(len(FEATURES)) < 0.5, self.random.uniform(0, 0.5, len(FEATURES)), 0)
        self.kept = self.random.random(size) >= share

    def pass_nights(self, nights: int) -> None:
        """Let the states move on."""
        keeps = KEPT**nights
        self.state = keeps * self.state + np.sqrt(1 - keeps**2) * self.random.normal(size=self.state.shape)

    def snapshot(self, shift: float = 0.0, feature: int = 0) -> pl.DataFrame:
        """Return the people of a night, one feature shifted by so many deviations."""
        values = np.sqrt(0.5) * (self.person + self.state)
        values[:, feature] += shift
        columns = {
            name: shaped(values[:, number], int(self.kinds[number]), self.kept[:, number])
            for number, name in enumerate(FEATURES)
        }
        return pl.DataFrame(columns, nan_to_null=True)


def drift_found(seed: int, people: int, *, shift: float) -> int | None:
    """Return on which of seven nights drift raised an alarm first; None if on none."""
    world = World(seed, people)
    bundle = {"reference": reference(world.snapshot(), FEATURES)}
    feature = int(world.random.integers(len(FEATURES)))
    world.pass_nights(NIGHTS)
    for night in range(1, NIGHTS + 1):
        world.pass_nights(1)
        rows = input_health(SPEC, world.snapshot(shift * night / NIGHTS, feature), bundle)
        if any(row["alarm"] for row in rows):
            return night
    return None


def predictions(random: np.random.Generator, people: int, turned: Sequence[float]) -> pl.DataFrame:
    """Return judged predictions of the same people, a night for each share of people who turned to the opposite."""
    usual = random.normal(0.8, 1.2, size=people)
    nights = []
    for number, share in enumerate(turned):
        score = 1 / (1 + np.exp(-(usual + random.normal(0, 0.4, size=people))))
        comes = np.where(random.random(people) < share, 1 - score, score)
        nights.append(
            pl.DataFrame(
                {
                    "user_id": [f"u{person}" for person in range(people)],
                    "score": score,
                    "label": (random.random(people) < comes).astype(float),
                }
            ).with_columns(batch_date=pl.lit(SUNDAY + timedelta(days=7 * (number - len(turned)) - 2)))
        )
    return pl.concat(nights)


def held_out(random: np.random.Generator, people: int) -> dict[str, list[float]]:
    """Return the figures on which a version is promoted, with their intervals, of so many people who never trained."""
    test = predictions(random, max(int(HELD_OUT_SHARE * people), MIN_PREDICTIONS), [0.0] * HELD_OUT_NIGHTS)
    label, users = test["label"].to_numpy().astype(np.int64), test["user_id"].to_numpy().astype(str)
    accuracy = {"accuracy": METRICS["accuracy"]}
    return figures(label, {"model": test["score"].to_numpy()}, users, BOOTSTRAP_SAMPLES, SPEC.seed, accuracy)["model"]


def outcome_alarm(seed: int, people: int, specs: Sequence[ModelSpec], *, turned: float) -> bool:
    """Return whether accuracy raised an alarm on a Sunday, the newest of its judged weeks having turned."""
    random = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    for spec in specs:
        bundle = {"figures": held_out(random, people)}
        found += realised(spec, predictions(random, people, [0.0] * (JUDGED_WEEKS - 1) + [turned]), bundle)
    return any(row["alarm"] for row in found)


def share(events: Sequence[bool]) -> tuple[float, float, float]:
    """Return a share with its 95 % interval (Wilson)."""
    low, high = wording.wilson(sum(events), len(events)) or (0.0, 1.0)
    return sum(events) / len(events), low, high


def measure(people: int, seeds: int) -> Found:
    """Live through so many quiet weeks, and so many with each kind of drift."""
    worlds = range(1, seeds + 1)
    drifted = [drift_found(seed, people, shift=0.0) is not None for seed in worlds]
    # Eight models are watched at once.
    wrong = [outcome_alarm(seed, people, [SPEC] * len(SPECS), turned=0.0) for seed in worlds]
    nights = [drift_found(seed, people, shift=1.0) for seed in worlds]
    return Found(
        people,
        share(drifted),
        share(wrong),
        share([one or other for one, other in zip(drifted, wrong, strict=True)]),
        share([night is not None for night in nights]),
        float(np.median([night or NIGHTS + 1 for night in nights])),
        share([outcome_alarm(seed, people, [SPEC], turned=TURNED) for seed in worlds]),
    )
