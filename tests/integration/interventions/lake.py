"""Rows of a lake's tables, written by hand."""

import polars as pl

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights
from habitlake.tables import get_table


def write(name, rows, night, settings):
    """Write one night of a table; columns not given are null."""
    schema = arrow_schema(get_table(name))
    frame = pl.DataFrame(rows, schema=pl.DataFrame(schema.empty_table()).schema, orient="row", strict=False)
    replace_nights(
        frame.with_columns(batch_date=pl.lit(night)).to_arrow().cast(schema), name, Interval(night, night), settings
    )
