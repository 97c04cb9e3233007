"""The StepCountJITAI testbed (arXiv 2411.00336) and what rules of sending earn in it; all runs at once.

Fifty moments. At each, the context is 0 or 1 and seen through noise; one may stay silent (0), send a generic message (1)
or the one for a context (2, 3). Messages build habituation, the wrong one builds disengagement, and who is disengaged
leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interventions.timing.policy import Floats, Posterior, features, send_probability, state_values

Integers = NDArray[np.int64]

SIGMAS = (0.0, 0.4, 0.8, 1.0, 2.0)
MOMENTS = 50
START = 0.1
SILENT, GENERIC, FIRST_MESSAGE = 0, 1, 2
QUIET_STEPS, GENERIC_STEPS, FITTING_STEPS = 0.1, 50.0, 200.0
LEFT = 0.99
THRESHOLD, EVERY = 0.48, 4
TRAINING_ROUNDS, TRAINING_RUNS = 6, 100
# What may be learned from keeps its distance from 0 and 1; what is shown is the policy once it is learned.
LEARNING_CLIP, LEARNED_CLIP = (0.2, 0.8), (0.01, 0.99)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a rule sees: moment, habituation, disengagement, and the probability that the context is 1."""

    number: int
    habituation: Floats
    disengagement: Floats
    context_1: Floats
    draw: Floats  # one uniform number per run, for rules that draw

    @property
    def best_message(self) -> Integers:
        """The message for the likelier context."""
        return np.where(self.context_1 > 0.5, FIRST_MESSAGE + 1, FIRST_MESSAGE)

    @property
    def confidence(self) -> Floats:
        """The probability that this message fits."""
        return np.maximum(self.context_1, 1.0 - self.context_1)


Rule = Callable[[Moment], Integers]
Watcher = Callable[[Moment, Integers, Floats, NDArray[np.bool_]], None]


def play(rule: Rule, sigma: float, runs: int, seed: int, watch: Watcher | None = None) -> Floats:
    """Return the sum of steps of each run under a rule; ``watch`` is told each moment's rewards and who was there."""
    generator = np.random.default_rng(seed)
    habituation, disengagement = np.full(runs, START), np.full(runs, START)
    there, total = np.ones(runs, dtype=bool), np.zeros(runs)
    for number in range(MOMENTS):
        context = generator.integers(0, 2, runs)
        seen = context + sigma * generator.standard_normal(runs)
        odds = (
            np.exp(-np.clip((2 * seen - 1) / (2 * sigma**2), -50, 50))
            if sigma
            else 1.0 / np.maximum(context, 1e-12) - 1
        )
        moment = Moment(number, habituation, disengagement, 1 / (1 + odds), generator.random(runs))
        action = rule(moment)
        fits, wrong = action == FIRST_MESSAGE + context, action == FIRST_MESSAGE + 1 - context
        habituation = np.where(action == SILENT, 0.9 * habituation, np.minimum(habituation + 0.05, 1.0))
        calmer = (action == GENERIC) | fits
        disengagement = np.where(
            calmer, 0.9 * disengagement, np.where(wrong, np.minimum(disengagement + 0.4, 1.0), disengagement)
        )
        most = np.where(fits, FITTING_STEPS, np.where(action == GENERIC, GENERIC_STEPS, 0.0))
        steps = QUIET_STEPS + (1.0 - habituation) * most
        total += steps * there
        if watch is not None:
            watch(moment, action, steps, there)
        there &= disengagement < LEFT
    return total


def oracle() -> float:
    """Return the most that can be earned at sigma 0, by dynamic programming over habituation."""
    grid = np.linspace(0.0, 1.0, 4_001)
    up, down = np.minimum(grid + 0.05, 1.0), 0.9 * grid
    values = np.zeros_like(grid)
    for _ in range(MOMENTS):
        sent = QUIET_STEPS + (1.0 - up) * FITTING_STEPS + np.interp(up, grid, values)
        values = np.maximum(sent, QUIET_STEPS + np.interp(down, grid, values))
    return float(np.interp(START, grid, values))


def learned(sigma: float, clip: tuple[float, float] = LEARNED_CLIP, seed: int = 1_000) -> Rule:
    """Return the policy after it learned from six hundred runs, in rounds; the first sends at random."""
    posterior, seen = Posterior.prior(), np.array([])
    grown, values = posterior, None

    def probability(moment: Moment, bounds: tuple[float, float]) -> Floats:
        if values is None:
            return np.full(len(moment.draw), 0.5)
        ahead = values[MOMENTS - 1 - moment.number]
        return send_probability(posterior, ahead, moment.habituation, moment.disengagement, moment.confidence, bounds)

    def act(moment: Moment, bounds: tuple[float, float]) -> Integers:
        return np.where(moment.draw < probability(moment, bounds), moment.best_message, SILENT)

    def watch(moment: Moment, action: Integers, steps: Floats, there: NDArray[np.bool_]) -> None:
        nonlocal grown, seen
        f = features(moment.habituation, moment.confidence)[there]
        chance = probability(moment, LEARNING_CLIP)[there]
        grown = grown.updated(f, (action != SILENT)[there].astype(float), chance, steps[there])
        seen = np.concatenate([seen, moment.confidence[there]])

    for number in range(TRAINING_ROUNDS):
        play(lambda moment: act(moment, LEARNING_CLIP), sigma, TRAINING_RUNS, seed + number, watch)
        posterior = grown
        values = state_values(posterior, seen, MOMENTS)
    return lambda moment: act(moment, clip)


RULES: dict[str, Callable[[float], Rule]] = {
    "learned (this platform)": learned,
    "learned, clipped to 0.2..0.8": lambda sigma: learned(sigma, LEARNING_CLIP),
    "best message below a habituation of 0.48": lambda _: (
        lambda moment: np.where(moment.habituation < THRESHOLD, moment.best_message, SILENT)
    ),
    "best message at every fourth moment": lambda _: (
        lambda moment: moment.best_message if moment.number % EVERY == 0 else np.zeros_like(moment.best_message)
    ),
    "best message always": lambda _: lambda moment: moment.best_message,
    "generic message always": lambda _: lambda moment: np.full_like(moment.best_message, GENERIC),
    "random": lambda _: lambda moment: (moment.draw * 4).astype(np.int64),
}


def returns(runs: int, sigmas: tuple[float, ...] = SIGMAS, seed: int = 0) -> dict[str, list[float]]:
    """Return per rule the mean return at each uncertainty; every rule meets the same contexts."""
    return {
        name: [float(play(rule(sigma), sigma, runs, seed).mean()) for sigma in sigmas] for name, rule in RULES.items()
    }
