"""Bronze and silver of the weather: every raw line of the feed, and the accepted forecasts. No personal data.

Both keep every night: a forecast is a fact of the night on which it was known, and a feed is small.
"""

from habitlake.contracts import forecast_fields
from habitlake.tables.base import BATCH_DATE, INGESTED_AT, LANDING_FILE, LINE, Column, Table

BRONZE_WEATHER = Table(
    name="bronze.weather",
    grain="one row per raw line of a landing file of forecasts",
    key=("batch_date", "_source_file", "_line"),
    columns=(
        BATCH_DATE,
        LANDING_FILE,
        LINE,
        Column("raw", "string", "the line as it arrived"),
        Column("raw_encoding", "string", "utf-8, or base64 where the bytes are no valid UTF-8 text"),
        Column("reason", "string", "verdict of the parse: null when the line meets its contract"),
        Column("detail", "string", "what exactly was wrong and where"),
        INGESTED_AT,
    ),
    user_column=None,
)

SILVER_WEATHER = Table(
    name="silver.weather",
    grain="one row per accepted forecast: some hours of a local date in a time zone, as said at one time",
    key=("time_zone", "local_date", "hour", "issued_at"),
    columns=(
        BATCH_DATE,
        *(Column(spec.column, spec.sql_type, spec.description) for spec in forecast_fields()),
        Column("event_date", "date", "UTC date of issued_at"),
        Column("content_hash", "string", "md5 of the canonical forecast; tells a duplicate from a conflict"),
        Column("extras", "map<string,string>", "fields the contract does not know yet, as JSON text"),
        LANDING_FILE,
        LINE,
        INGESTED_AT,
    ),
    user_column=None,
)

WEATHER_TABLES = (BRONZE_WEATHER, SILVER_WEATHER)
