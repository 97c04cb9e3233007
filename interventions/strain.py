"""When a person should not be asked for more: sleep, stress and load as known on the night; Polars expressions.

The thresholds of sleep debt and stress are those of the triggers; an acute load of one and a half times the chronic one is
a caution and no probability of injury (methods section 6).
"""

import polars as pl

SLEEP_DEBT_HOURS, STRESS, LOAD_RATIO = 2.0, 7.0, 1.5


def tired() -> pl.Expr:
    """Return whether sleep or stress speak against more; null where neither says so and one is not known."""
    return (pl.col("sleep_debt_hours") > SLEEP_DEBT_HOURS) | (pl.col("stress_level") > STRESS)


def load_rises() -> pl.Expr:
    """Return whether the acute load is far above the chronic one; null where one is not known."""
    return pl.col("acute_load") > LOAD_RATIO * pl.col("chronic_load")
