"""How well an intervention suits a person: the founding document's weights, over what is known today.

score = 0.4 base effectiveness + 0.3 personality + 0.2 history + 0.1 context, each in 0..1

- base effectiveness: the prior of the library.
- personality: mean over what the library says the intervention suits (style, goal, fitness level):
  1 a match, 0.25 no match, 0.5 not known; 0.5 where it suits no one in particular.
- history: (acted on + 1) / (delivered + 2) over 28 nights, so 0.5 without history. Of all interventions alike:
  answers per action are not learned in this version.
- context: 1 minus the week's messages over the weekly cap: who heard little is open to more.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from interventions.entries import Intervention
from interventions.goals.model import Floats

WEIGHT_BASE, WEIGHT_PERSONALITY, WEIGHT_HISTORY, WEIGHT_CONTEXT = 0.4, 0.3, 0.2, 0.1
MATCH, NEUTRAL, NO_MATCH = 1.0, 0.5, 0.25
WEEKLY_CAP = 5
HISTORY_NIGHTS = 28


def wanted(intervention: Intervention) -> list[tuple[str, tuple[str, ...]]]:
    """Return whom an intervention suits: columns of the profile, each with the values that it suits."""
    suits = intervention.suits
    named = {"communication_style": suits.styles, "primary_goal": suits.goals, "fitness_level": suits.fitness_levels}
    return [(column, values) for column, values in named.items() if values]


def match(column: str, values: Sequence[str]) -> pl.Expr:
    """Return how well a value of the profile matches, 0.25 to 1."""
    known = pl.col(column)
    return pl.when(known.is_null()).then(NEUTRAL).when(known.is_in(values)).then(MATCH).otherwise(NO_MATCH)


def history() -> pl.Expr:
    """Return the smoothed share of delivered interventions that the person acted on."""
    rate = (pl.col("acted_28n").fill_null(0) + 1) / (pl.col("delivered_28n").fill_null(0) + 2)
    return rate.clip(0.0, 1.0)


def context() -> pl.Expr:
    """Return how open the week still is to messages."""
    return (1 - pl.col("interventions_7d").fill_null(0) / WEEKLY_CAP).clip(0.0, 1.0)


def score(intervention: Intervention, matches: Sequence[Floats], history: Floats, context: Floats) -> Floats:
    """Return the score of the intervention for each person, 0 to 1; ``matches`` are those of ``wanted``."""
    personality = sum(matches[1:], matches[0]) / len(matches) if matches else NEUTRAL
    return np.asarray(
        WEIGHT_BASE * intervention.base_effectiveness
        + WEIGHT_PERSONALITY * personality
        + WEIGHT_HISTORY * history
        + WEIGHT_CONTEXT * context
    )
