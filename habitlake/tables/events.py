"""Bronze and silver of events: every raw line, the accepted events by family; and what was refused, of every feed."""

from habitlake.contracts import FAMILIES, Family, FieldSpec, context_fields
from habitlake.tables.base import BATCH_DATE, INGESTED_AT, LANDING_FILE, LINE, SOURCE_FILE, USER_ID, Column, Table


def _column(spec: FieldSpec) -> Column:
    return Column(spec.column, spec.sql_type, spec.description, spec.pii)


def payload_columns() -> tuple[Column, ...]:
    """Return the union of all families' payload columns, in order of first appearance.

    Columns of the same name have the same type in every family (a contract test holds them to it).
    """
    union: dict[str, Column] = {}
    for family in FAMILIES:
        for spec in family.fields():
            union.setdefault(spec.column, _column(spec))
    return tuple(union.values())


CONTEXT_COLUMNS = tuple(_column(spec) for spec in context_fields())

ENVELOPE = (
    Column("event_id", "string", "the app's event id, or else a hash of the content"),
    Column("content_hash", "string", "md5 of the canonical event without its id; tells a duplicate from a conflict"),
    USER_ID,
    Column("event_type", "string", "event type of the contract"),
    Column("event_at", "timestamp", "event time"),
    Column("event_offset_s", "int", "offset of the event's timestamp from UTC, seconds"),
    Column("event_date", "date", "UTC date of event_at"),
    Column("schema_version", "bigint", "contract version that the sender names"),
)
EXTRAS = Column(
    "extras", "map<string,string>", "fields the contract does not know yet, by path, as JSON text", pii=True
)
RAW = Column("raw", "string", "the line as it arrived", pii=True)
RAW_ENCODING = Column("raw_encoding", "string", "utf-8, or base64 where the bytes are no valid UTF-8 text")


def _struct(columns: tuple[Column, ...]) -> str:
    return "struct<" + ",".join(f"{column.name}:{column.sql_type}" for column in columns) + ">"


BRONZE_EVENTS = Table(
    name="bronze.events",
    grain="one row per raw line of a landing file",
    key=("batch_date", "_source_file", "_line"),
    columns=(
        BATCH_DATE,
        SOURCE_FILE,
        LINE,
        RAW,
        RAW_ENCODING,
        Column("reason", "string", "verdict of the one parse: null when the line meets its contract"),
        Column("detail", "string", "what exactly was wrong and where"),
        *ENVELOPE,
        Column("payload", _struct(payload_columns()), "typed payload, the union of all families", pii=True),
        Column("context", _struct(CONTEXT_COLUMNS), "typed context", pii=True),
        EXTRAS,
        INGESTED_AT,
    ),
    keep_daily_days=None,
)


def _silver(family: Family, grain: str, key: tuple[str, ...]) -> Table:
    return Table(
        name=family.table,
        grain=grain,
        key=key,
        columns=(
            BATCH_DATE,
            *ENVELOPE,
            *(_column(spec) for spec in family.fields()),
            *(CONTEXT_COLUMNS if family.with_context else ()),
            EXTRAS,
            SOURCE_FILE,
            LINE,
            INGESTED_AT,
        ),
    )


SILVER_EVENTS = tuple(
    _silver(
        family,
        "one row per user and batch in which the profile changed: the new version"
        if family.name == "profile"
        else f"one row per accepted {family.name} event",
        ("batch_date", "user_id") if family.name == "profile" else ("event_id", "event_date"),
    )
    for family in FAMILIES
)

SILVER_REJECTED = Table(
    name="silver.rejected",
    grain="one row per refused line",
    key=("batch_date", "_source_file", "_line"),
    columns=(
        BATCH_DATE,
        LANDING_FILE,
        LINE,
        RAW,
        RAW_ENCODING,
        Column("reason", "string", "why it was refused (habitlake.contracts.Reason)"),
        Column("detail", "string", "what exactly was wrong and where"),
        Column("stage", "string", "read, parse or dedupe"),
        Column("event_id", "string", "event id, where it could be read"),
        Column("user_id", "string", "person, where it could be read", pii=True),
        Column("event_type", "string", "event type, where it could be read"),
        INGESTED_AT,
    ),
)

SILVER_BATCH_AUDIT = Table(
    name="silver.batch_audit",
    grain="one row per batch and landing file; raw_count = accepted_count + duplicate_count + rejected_count",
    key=("batch_date", "_source_file"),
    columns=(
        BATCH_DATE,
        LANDING_FILE,
        Column("raw_count", "bigint", "lines in the file"),
        Column("accepted_count", "bigint", "lines that became an event or a forecast"),
        Column("duplicate_count", "bigint", "lines whose event or forecast was already known with the same content"),
        Column("rejected_count", "bigint", "lines refused"),
        Column("reasons", "map<string,bigint>", "refused lines by reason"),
    ),
    user_column=None,
)

EVENT_TABLES = (BRONZE_EVENTS, *SILVER_EVENTS, SILVER_REJECTED, SILVER_BATCH_AUDIT)
