"""The two places that a report reads: the lake, and the platform's Postgres (ledger of nights, marts)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from habitlake.clock import ONE_DAY
from habitlake.errors import PermanentError
from habitlake.report.panels import MissingError
from habitlake.settings import Settings

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stores:
    """Queries return whole rows as dictionaries: every statement must aggregate or be bounded by itself."""

    settings: Settings

    def lake(self, statement: str, *values: object, **named: object) -> list[Row]:
        """Ask the lake with values for each ``?`` or named ones for each ``$name``; opens only the tables it names."""
        from habitlake.cli.lake import open_lake

        connection = open_lake(self.settings, mentioned_in=statement)
        try:
            result = connection.execute(statement, named or list(values))
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        finally:
            connection.close()

    def postgres(self, statement: str, *values: object) -> list[Row]:
        """Ask the platform's database; what it computes is exact, and arrives as floats.

        Raises
        ------
        MissingError
            If a table of the statement was never built.
        """
        import psycopg
        from psycopg.rows import dict_row

        from habitlake.runtime import postgres

        with postgres.connect("habitlake", self.settings) as connection:
            try:
                rows = connection.cursor(row_factory=dict_row).execute(statement, list(values)).fetchall()
            except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
                table = str(error).split('"')[1] if '"' in str(error) else "a mart"
                msg = f"{table} is not built yet: a night's task build_marts builds it"
                raise MissingError(msg) from error
        return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    from decimal import Decimal

    return float(value) if isinstance(value, Decimal) else value


def check_night(stores: Stores, night: date | None) -> date:
    """Return the night to report on: the one asked for, or the newest that ended well.

    Raises
    ------
    PermanentError
        If it was never run; the message says which nights there are.
    """
    # The ledger makes its table where it is not there yet.
    from habitlake.nights import ledger

    with ledger.connect(stores.settings) as connection:
        newest = ledger.last_night(connection)
        known = set(ledger.processed_nights(connection))
    if night is None and newest is not None:
        return newest
    if night is not None and night in known:
        return night
    if not known:
        msg = "no night was ever run in this world; run `make nightly` first"
    elif night is None:
        msg = "no night has ended well yet; name one with --night, or mend it (`habitlake status`)"
    else:
        msg = f"night {night} was never run; the nights run are {_ranges(sorted(known))}"
    raise PermanentError(msg)


def _ranges(nights: Sequence[date]) -> str:
    """Return sorted nights as ranges, such as 2026-01-05..2026-01-09, 2026-01-12."""
    parts: list[list[date]] = []
    for night in nights:
        if parts and night == parts[-1][-1] + ONE_DAY:
            parts[-1] = [parts[-1][0], night]
        else:
            parts.append([night])
    return ", ".join(f"{part[0]}..{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
