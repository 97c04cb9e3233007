"""How commands speak: tables and lines for people, JSON for scripts, one clear line for an error."""

import datetime as dt
import decimal
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

# A pipe or a log has no width of its own; tables should not be squeezed into 80 columns there.
WIDTH_WITHOUT_TERMINAL = 160
console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
errors = Console(stderr=True, highlight=False)


def _plain(value: object) -> object:
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def to_json(value: object) -> str:
    """Return JSON text; dates are ISO strings."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def print_json(value: object) -> None:
    """Print one JSON document on standard output, without colours or wrapping."""
    console.print(to_json(value), markup=False, soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers are aligned to the right."""
    materialised = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(materialised) and all(isinstance(row[index], int | float | None) for row in materialised)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in materialised:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def rows_of(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
    """Return the named fields of each record, in order."""
    return [[record.get(column) for column in columns] for record in records]
