"""What followed a snapshot, week by week and of the first week day by day, and what came before it: the stuff of labels."""

from datetime import timedelta

import polars as pl

WEEK_DAYS = 7
WEEKS = 4
# Days after the as-of date that are told one by one.
DAYS = 7
BEFORE = "before"
# Sums of gold.user_day that labels may use.
MEASURES = (
    "events",
    "workouts_planned",
    "workouts_completed",
    "workouts_skipped",
    "duration_s",
    "load_au",
    "heart_rate_count",
    "heart_rate_deci",
    "motivation_count",
    "motivation_permille",
    "energy_count",
    "energy_permille",
    "injuries_started",
)
# Of these, what labels of single days may use.
DAY_MEASURES = ("events", "workouts_completed")


def after(measure: str, weeks: int = WEEKS) -> pl.Expr:
    """Return the sum of a measure over the first weeks after the as-of date."""
    return pl.sum_horizontal(week(measure, number) for number in range(1, weeks + 1))


def week(measure: str, number: int) -> pl.Expr:
    """Return the sum of a measure over one week after the as-of date, 1 to 4."""
    return pl.col(f"{measure}_{number}")


def day(measure: str, ahead: int) -> pl.Expr:
    """Return the sum of a measure of ``DAY_MEASURES`` over one day after the as-of date, 1 to 7."""
    return pl.col(f"{measure}_day_{ahead}")


def before(measure: str) -> pl.Expr:
    """Return the sum of a measure over the four weeks up to the as-of date."""
    return pl.col(f"{measure}_{BEFORE}")


def outcomes(snapshots: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return the snapshots with the sums of each measure over each of the four weeks after, and the four before.

    And of ``DAY_MEASURES`` over each of the seven days after. What has no row is zero; whether a week or day was over when
    the facts were read is the caller's to know.

    Parameters
    ----------
    snapshots
        user_id, batch_date, as_of_date and whatever else.
    days
        user_id, local_date, MEASURES: one row per person and local date, as known when the labels are made.
    """
    totals = days.sort("user_id", "local_date").select(
        "user_id", "local_date", pl.col(MEASURES).cast(pl.Int64).cum_sum().over("user_id")
    )
    marked = snapshots.select("user_id", "batch_date", "as_of_date").sort("user_id", "as_of_date", "batch_date")

    def upto(offset: int) -> pl.DataFrame:
        """Return the sums over all days up to so many days after the as-of date."""
        edges = marked.with_columns(local_date=pl.col("as_of_date") + timedelta(days=offset))
        found = edges.join_asof(totals, on="local_date", by="user_id", strategy="backward", check_sortedness=False)
        return found.select(pl.col(MEASURES).fill_null(0))

    spans: list[tuple[str, int, int, tuple[str, ...]]] = [(BEFORE, -WEEKS * WEEK_DAYS, 0, MEASURES)]
    spans += [(str(week), (week - 1) * WEEK_DAYS, week * WEEK_DAYS, MEASURES) for week in range(1, WEEKS + 1)]
    spans += [(f"day_{ahead}", ahead - 1, ahead, DAY_MEASURES) for ahead in range(1, DAYS + 1)]
    edges = {offset: upto(offset) for offset in sorted({end for _, *ends, _ in spans for end in ends})}
    sums = [
        (edges[later] - edges[earlier]).select(pl.col(name).alias(f"{name}_{label}") for name in measures)
        for label, earlier, later, measures in spans
    ]
    found = pl.concat([marked.drop("as_of_date"), *sums], how="horizontal")
    return snapshots.join(found, on=["user_id", "batch_date"], how="left", maintain_order="left")
