"""Aggregates over ledger entries of one person: integer sums in windows of days, and the numbers made from them.

Entries carry ``age``, complete local days before the as-of date (0 is that date). Several entries of a day add up, so
the entries need not be grouped by day first. Everything stays an integer until the last step; ratios and slopes are
rounded to 6 decimals.
"""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from habitlake.tables.features import MIN_TREND_DAYS

DECIMALS = 6
# getbit and shiftleft work on 64 bits; two bitmaps hold the look-back.
BITMAP_DAYS = 45
WEIGHT_SCALE = 1_000_000


def rounded(value: Column) -> Column:
    """Return the value as it is stored."""
    return F.round(value, DECIMALS)


def within(days: int, first: int = 0) -> Column:
    """Return whether the entry's day lies in the ``days`` days from age ``first`` on."""
    return F.col("age").between(first, first + days - 1)


def total(value: str | Column, days: int, first: int = 0, where: Column | None = None) -> Column:
    """Return the sum over the days of a window; 0 without entries."""
    inside = within(days, first) if where is None else within(days, first) & where
    return F.coalesce(F.sum(F.when(inside, F.col(value) if isinstance(value, str) else value)), F.lit(0))


def mean(value: str, count: str, days: int, scale: float) -> Column:
    """Return sum over count in natural units, null where nothing was reported."""
    reports = total(count, days)
    return rounded(F.when(reports > 0, total(value, days) / reports / scale))


def share(part: Column, whole: Column) -> Column:
    """Return part / whole, null where the whole is 0."""
    return F.when(whole > 0, part / whole)


def bits(condition: Column, first: int, days: int = BITMAP_DAYS) -> Column:
    """Return a bitmap of ``days`` days on which the condition holds; bit 0 is age ``first``.

    Several entries of one day set the same bit, so days are counted without being grouped first.
    """
    inside = within(days, first) & condition
    return F.coalesce(F.bit_or(F.when(inside, F.expr(f"shiftleft(1L, age - {first})"))), F.lit(0).cast("bigint"))


def trend(value: str, count: str, days: int, scale: float) -> Column:
    """Return the least-squares slope of the reports per day; null where fewer than three days have any.

    The moments are sums over ledger entries: with x the day, an entry adds count, x*count, x*x*count, total, x*total.
    """
    x = (F.lit(days) - F.col("age")).cast("bigint")
    reports, sums = F.col(count), F.col(value)
    n, sx, sxx = total(count, days), total(x * reports, days), total(x * x * reports, days)
    sy, sxy = total(value, days), total(x * sums, days)
    reported_days = F.bit_count(bits(reports > 0, 0, days))
    slope = (n * sxy - sx * sy) / (n * sxx - sx * sx) / scale
    return rounded(F.when(reported_days >= MIN_TREND_DAYS, slope))


def weighted_mean(value: str, span: int, days: int, scale: float) -> Column:
    """Return the exponentially weighted mean of a daily value, lambda = 2 / (span + 1), the newest day first.

    Weights are whole millionths, so that the sum does not depend on the order of rows.
    """
    rate = 2 / (span + 1)
    weights = [round(WEIGHT_SCALE * rate * (1 - rate) ** age) for age in range(days)]
    weight = F.element_at(F.array(*(F.lit(weight).cast("bigint") for weight in weights)), F.col("age") + 1)
    # Outside the window there is no weight; the element must not be asked for.
    product = F.when(within(days), F.col(value) * F.when(within(days), weight))
    return rounded(F.coalesce(F.sum(product), F.lit(0)) / WEIGHT_SCALE / scale)


def robust_slope(means: Sequence[Column], width: int) -> Column:
    """Return the median of the slopes between all pairs of period means (Theil-Sen), per day; not rounded.

    Parameters
    ----------
    means
        Mean of each period, the newest first; null where it has none.
    width
        Days of a period.
    """
    pairs = [
        (newer - older) / ((later - earlier) * width)
        for earlier, newer in enumerate(means)
        for later, older in enumerate(means)
        if later > earlier
    ]
    known = sum((mean.isNotNull().cast("int") for mean in means), F.lit(0))
    # Nulls come last, so the slopes that are known are the first. sort_array is compiled, array_sort is interpreted.
    slopes = F.sort_array(F.array(*pairs), asc=False)
    size = known * (known - 1) / 2
    low, high = ((size + 1) / 2).cast("int"), (size / 2 + 1).cast("int")
    middle = (F.try_element_at(slopes, low) + F.try_element_at(slopes, high)) / 2
    return F.when(known >= MIN_TREND_DAYS, middle)
