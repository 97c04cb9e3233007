"""What a table of the lake is: grain, key, columns, retention, owner, and which columns are personal."""

from dataclasses import dataclass, field

AUDIT_COLUMNS = frozenset({"_ingested_at"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its Spark DDL type, what it means (with the unit), and whether it is personal data."""

    name: str
    sql_type: str
    description: str
    pii: bool = False

    @property
    def is_audit(self) -> bool:
        """Whether the column records the run and not the data; audit columns are left out of content hashes."""
        return self.name in AUDIT_COLUMNS


@dataclass(frozen=True, slots=True)
class Table:
    """One Delta table, partitioned by ``batch_date``; partition N is written whole by night N.

    ``keep_daily_days`` is how long each night's partition is kept before snapshots thin out to one a
    week; None keeps every partition.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    owner: str = "data-platform"
    keep_daily_days: int | None = None
    optimize_every_nights: int = 7
    user_column: str | None = "user_id"
    tags: tuple[str, ...] = field(default=())

    @property
    def layer(self) -> str:
        """The layer before the dot: bronze, silver, gold or ops."""
        return self.name.split(".")[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns in storage order."""
        return tuple(column.name for column in self.columns)

    @property
    def content_columns(self) -> tuple[str, ...]:
        """Names of the columns that a content hash covers."""
        return tuple(column.name for column in self.columns if not column.is_audit)

    @property
    def pii_columns(self) -> tuple[str, ...]:
        """Names of the columns that hold personal data."""
        return tuple(column.name for column in self.columns if column.pii)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def ddl(self) -> str:
        """Return the schema as Spark DDL."""
        return ", ".join(f"`{column.name}` {column.sql_type}" for column in self.columns)


BATCH_DATE = Column("batch_date", "date", "UTC date on which the data arrived: the night")
USER_ID = Column("user_id", "string", "the person, as the app names them", pii=True)
INGESTED_AT = Column("_ingested_at", "timestamp", "when the ingesting run wrote the row (audit)")
SOURCE_FILE = Column("_source_file", "string", "landing file, relative to the batch folder")
LANDING_FILE = Column(
    "_source_file",
    "string",
    "landing file, relative to the batch folder of events; a forecast's is ../weather/ and its name",
)
LINE = Column("_line", "bigint", "line in the file, from 1")
