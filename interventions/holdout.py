"""People who are sent nothing at all, so that what all messages together do shows against them."""

import polars as pl

from interventions.identity import DRAW_RANGE, SEPARATOR, stable_seeds

HOLDOUT = "holdout"
# Names the division of people. Another salt would divide them anew, and let out who was in.
SALT = "holdout-1"


def with_holdout(people: pl.DataFrame, share: float) -> pl.DataFrame:
    """Add ``held_out``: whether the person belongs to the share, 0 to 1, that is sent nothing.

    A person's place in 0..1 is ``stable_seed(SALT, user_id) / 2**63``, and those below the share are held out. So nobody
    leaves the holdout while it grows, and neither night nor seed of the world matters.
    """
    if not share:
        return people.with_columns(held_out=pl.lit(value=False))
    places = stable_seeds([f"{SALT}{SEPARATOR}{user}" for user in people["user_id"]]) / DRAW_RANGE
    return people.with_columns(pl.Series("held_out", places < share))
