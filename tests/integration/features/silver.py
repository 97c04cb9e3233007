"""Silver rows written by hand."""

from datetime import UTC, date, datetime

from habitlake.tables import get_table

BATCH = date(2026, 4, 1)


def event(user, text, event_type, batch_date=BATCH, **values):
    """A silver row; its offset is the one of the timestamp."""
    stamp = datetime.fromisoformat(text)
    return {
        "batch_date": batch_date,
        "user_id": user,
        "event_type": event_type,
        "event_at": stamp.astimezone(UTC),
        "event_offset_s": int(stamp.utcoffset().total_seconds()),
        **values,
    }


def frame(spark, name, rows):
    """The rows as a table of the lake."""
    table = get_table(name)
    return spark.createDataFrame([tuple(row.get(column) for column in table.column_names) for row in rows], table.ddl())
