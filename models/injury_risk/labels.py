"""Injury: one reported as started within four weeks."""

import polars as pl

from models.lifecycle.outcomes import after


def injury() -> pl.Expr:
    """Return 1 where an injury is reported in the 28 days after the as-of date, else 0; null without any sign of use."""
    return pl.when(after("events") > 0).then((after("injuries_started") > 0).cast(pl.Float64))
