"""A setback of any kind: churn, signs of burnout, or an injury."""

import polars as pl

from models.burnout.labels import burnout
from models.churn.labels import churn
from models.injury_risk.labels import injury


def setback() -> pl.Expr:
    """Return 1 where a silent week, signs of burnout or an injury follow within four weeks, else 0.

    What cannot be known of burnout or an injury is none: silence always is.
    """
    signs = [(label > 0).fill_null(value=False) for label in (churn(), burnout(), injury())]
    return pl.any_horizontal(signs).cast(pl.Float64)
