"""What a stated health condition keeps from a person; Polars expressions over ``health_conditions`` of the profile.

Health conditions are a special category of personal data. No table but ``silver.profiles`` names them: what the others
hold is the effect alone, under one name for all conditions.
"""

from collections.abc import Sequence
from typing import get_args

import polars as pl

from habitlake.contracts.profile import HealthCondition

CONDITIONS: tuple[HealthCondition, ...] = get_args(HealthCondition)
# Nobody who states one of these is asked for more than before: goals hold, doses do not rise.
HELD: tuple[HealthCondition, ...] = ("pregnancy", "postpartum", "heart_condition")
# The reason that goals, plans and decisions give.
STATED_CONSTRAINT = "stated_constraint"


def states(conditions: Sequence[HealthCondition]) -> pl.Expr:
    """Return whether the person states one of the conditions; false where nothing is known."""
    stated = pl.col("health_conditions")
    return pl.any_horizontal(stated.list.contains(condition) for condition in conditions).fill_null(value=False)


def condition_mask() -> pl.Expr:
    """Return the bit mask of the conditions stated, in the order of ``CONDITIONS``; 0 where nothing is known."""
    return pl.sum_horizontal(
        states([condition]).cast(pl.Int64) * (1 << number) for number, condition in enumerate(CONDITIONS)
    )


def conditions_changed(versions: pl.DataFrame) -> pl.DataFrame:
    """Return ``conditions_changed_on`` per person who ever stated a condition: the night that brought the present ones.

    Parameters
    ----------
    versions
        Versions of profiles known on a night, with ``batch_date``, each person's oldest first.
    """
    stating = versions.filter(pl.col("health_conditions").list.len() > 0).select("user_id").unique()
    stated = versions.join(stating, on="user_id", how="semi", maintain_order="left").select(
        "user_id", "batch_date", mask=condition_mask()
    )
    begins = (pl.col("user_id") != pl.col("user_id").shift()) | (pl.col("mask") != pl.col("mask").shift())
    return (
        stated.with_columns(run=begins.fill_null(value=True).cum_sum())
        .filter(pl.col("run") == pl.col("run").max().over("user_id"))
        .group_by("user_id")
        .agg(conditions_changed_on=pl.col("batch_date").min())
    )
