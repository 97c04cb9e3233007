"""Among what a decision is drawn, and with which exact probabilities: Thompson sampling over two candidates and silence.

The candidate of the greatest mean effect meets the one that could be best, by mean plus standard deviation. Sending has
the probability that the best one's effect is above the price of dosage; which of the two is sent, the probability that
its effect is the greater. Each arm keeps its distance from 0 and 1, so that effects stay estimable.
"""

import numpy as np
import polars as pl
from scipy.special import ndtr

from interventions.candidates import ROW
from interventions.response.model import Floats

LOWEST, HIGHEST = 0.1, 0.8


def arm_probabilities(
    best: Floats, best_sd: Floats, other: Floats, other_sd: Floats, price: float
) -> tuple[Floats, Floats]:
    """Return the probabilities of the best arm and of the other one, rounded to 6 decimals.

    Parameters
    ----------
    best, best_sd, other, other_sd
        Mean and standard deviation of the effects; NaN where there is no other arm.
    price
        What a message costs later, in units of the effect.

    Returns
    -------
    tuple
        Their sum, the probability to send, lies in 0.1..0.8. An arm that is offered has at least 0.1; where sending has
        less than 0.2 there is no room for the other arm, whose probability is 0.
    """
    send = np.round(np.clip(ndtr((best - price) / best_sd), LOWEST, HIGHEST), 6)
    better = ndtr((best - other) / np.sqrt(best_sd**2 + other_sd**2))
    room = ~np.isnan(other) & (send >= 2 * LOWEST)
    share = np.clip(send * (1.0 - better), LOWEST, np.maximum(send - LOWEST, LOWEST))
    second = np.where(room, np.round(share, 6), 0.0)
    return np.round(send - second, 6), second


def offered(possible: pl.DataFrame, price: float) -> pl.DataFrame:
    """Return per person the two arms with their probabilities; people without an eligible candidate are left out.

    Parameters
    ----------
    possible
        Candidates with ``effect`` and ``effect_sd``.

    Returns
    -------
    polars.DataFrame
        ``_row``; ``arms`` and ``arm_actions``, names and types of the interventions, the best one first;
        ``arm_channels``; ``arm_probabilities``.
    """
    eligible = possible.filter(pl.col("excluded").is_null())
    # Ties go to the earlier one in the library.
    first = eligible.sort("effect", "position", descending=[True, False]).unique(ROW, keep="first", maintain_order=True)
    rest = eligible.join(first.select(ROW, "intervention"), on=[ROW, "intervention"], how="anti", maintain_order="left")
    second = (
        rest.with_columns(could_be=pl.col("effect") + pl.col("effect_sd"))
        .sort("could_be", "position", descending=[True, False])
        .unique(ROW, keep="first")
    )
    wanted = (ROW, "intervention", "action", "channel", "effect", "effect_sd")
    both = first.select(wanted).join(second.select(wanted), on=ROW, how="left", suffix="_2", maintain_order="left")
    mean, sd, mean_2, sd_2 = (
        both[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("effect", "effect_sd", "effect_2", "effect_sd_2")
    )
    one, two = arm_probabilities(mean, sd, mean_2, sd_2, price)
    both = both.with_columns(pl.Series("probability", one), pl.Series("probability_2", two))
    has_two = pl.col("probability_2") > 0

    def arms(name: str) -> pl.Expr:
        return pl.when(has_two).then(pl.concat_list(name, f"{name}_2")).otherwise(pl.concat_list(name))

    return both.select(
        ROW,
        arms=arms("intervention"),
        arm_actions=arms("action"),
        arm_channels=arms("channel"),
        arm_probabilities=arms("probability"),
    )


def drawn_arm(draw: pl.Expr) -> pl.Expr:
    """Return which arm a draw in 0..1 falls on: 0 the first, 1 the second, null silence (after the arms)."""
    first = pl.col("arm_probabilities").list.get(0, null_on_oob=True)
    return pl.when(draw < first).then(0).when(draw < pl.col("probability")).then(1).otherwise(None).cast(pl.Int64)
