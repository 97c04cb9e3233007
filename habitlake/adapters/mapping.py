"""A declarative mapping: a YAML file that says which columns become which contract fields; no code for a new export.

```yaml
name: gymlog
file: sessions.csv            # CSV or JSON lines
zone: Europe/Berlin           # or zone_column: tz
event_type: workout_completed
user: member                  # column of the person
timestamp: {column: ended, format: "%d.%m.%Y %H:%M"}
data:
  workoutId: {column: id}
  duration: {column: minutes, convert: minutes_to_seconds}
  intensity: {value: medium}
```
"""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from habitlake.adapters.base import Landing
from habitlake.clock import known_zones
from habitlake.contracts import EVENT_MODELS, data_fields
from habitlake.errors import PermanentError

CONVERSIONS: dict[str, Callable[[float], float]] = {
    "minutes_to_seconds": lambda value: value * 60,
    "hours_to_seconds": lambda value: value * 3600,
    "milliseconds_to_seconds": lambda value: value / 1000,
    "percent_to_share": lambda value: value / 100,
    "pounds_to_kilograms": lambda value: value * 0.45359237,
    "celsius_to_fahrenheit": lambda value: value * 9 / 5 + 32,
    "miles_to_metres": lambda value: value * 1609.344,
}
Conversion = Literal[
    "minutes_to_seconds", "hours_to_seconds", "milliseconds_to_seconds", "percent_to_share", "pounds_to_kilograms",
    "celsius_to_fahrenheit", "miles_to_metres",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldMapping(_Strict):
    """Where a contract field comes from: a column, with a conversion if needed, or a constant."""

    column: str | None = None
    value: Any = None
    convert: Conversion | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "FieldMapping":
        if (self.column is None) == (self.value is None):
            msg = "give either column or value"
            raise ValueError(msg)
        return self


class TimestampMapping(_Strict):
    """The column of the event's time and its format (strptime); no format means ISO 8601."""

    column: str
    format: str | None = None


class Mapping(_Strict):
    """A mapping file."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    file: str
    event_type: str
    user: str
    timestamp: TimestampMapping
    zone: str | None = None
    zone_column: str | None = None
    data: dict[str, FieldMapping]
    context: dict[str, FieldMapping] = Field(default_factory=dict)


def load_mapping(path: Path) -> Mapping:
    """Return a checked mapping.

    Raises
    ------
    PermanentError
        If the file breaks the schema, or names an event type, field or zone that does not exist.
    """
    try:
        mapping = Mapping.model_validate(yaml.safe_load(path.read_text()))
    except (ValidationError, yaml.YAMLError, OSError) as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else None
        why = f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" if detail else str(error)
        msg = f"mapping {path}: {why}"
        raise PermanentError(msg) from error
    if mapping.event_type not in EVENT_MODELS:
        msg = f"mapping {path}: event_type {mapping.event_type!r} is no contract; one of {', '.join(EVENT_MODELS)}"
        raise PermanentError(msg)
    known = {".".join(spec.path) for spec in data_fields(EVENT_MODELS[mapping.event_type])}
    unknown = [name for name in mapping.data if name not in known]
    if unknown:
        msg = f"mapping {path}: {mapping.event_type} has no field {', '.join(unknown)}; fields: {', '.join(sorted(known))}"
        raise PermanentError(msg)
    if mapping.zone is not None and mapping.zone not in known_zones():
        msg = f"mapping {path}: unknown zone {mapping.zone!r}; use an IANA name such as Europe/Berlin"
        raise PermanentError(msg)
    return mapping


def _rows(file: Path) -> Iterator[dict[str, Any] | None]:
    """Yield the rows; None for a line that is no JSON object."""
    if file.suffix in (".jsonl", ".ndjson"):
        for line in file.read_text(errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            yield row if isinstance(row, dict) else None
        return
    with file.open(newline="") as stream:
        yield from csv.DictReader(stream)


def _value(field: FieldMapping, row: dict[str, Any]) -> Any:
    if field.column is None:
        return field.value
    value = row[field.column]
    if value in ("", None) or field.convert is None:
        return value if value != "" else None
    return CONVERSIONS[field.convert](float(value))


def _nested(fields: dict[str, FieldMapping], row: dict[str, Any]) -> dict[str, Any]:
    """Return the mapped values; a dotted name makes nested objects."""
    result: dict[str, Any] = {}
    for name, field in fields.items():
        value = _value(field, row)
        if value is None:
            continue
        node = result
        *parents, last = name.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return result


def read_mapped(mapping: Mapping, path: Path, landing: Landing) -> None:
    """Map the file that a mapping names, in the folder or as the file given.

    Raises
    ------
    PermanentError
        If the file or a column is missing.
    """
    file = path if path.is_file() else path / mapping.file
    if not file.exists():
        msg = f"{path} lacks {mapping.file}, which the mapping {mapping.name} reads"
        raise PermanentError(msg)
    needed = {mapping.user, mapping.timestamp.column, *([mapping.zone_column] if mapping.zone_column else [])}
    needed |= {field.column for field in (*mapping.data.values(), *mapping.context.values()) if field.column}
    for index, row in enumerate(_rows(file), start=1):
        if row is None:
            landing.skip(file.name, "a line is no JSON object")
            continue
        missing = needed - set(row)
        if missing:
            msg = f"{file}, row {index}: no column {', '.join(sorted(missing))}; columns: {', '.join(row)}"
            raise PermanentError(msg)
        try:
            text = str(row[mapping.timestamp.column])
            form = mapping.timestamp.format
            moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - zone follows
            if moment.tzinfo is None:
                moment = moment.replace(
                    tzinfo=ZoneInfo(row[mapping.zone_column] if mapping.zone_column else mapping.zone or "UTC")
                )
            data, context = _nested(mapping.data, row), _nested(mapping.context, row)
        except (ValueError, KeyError) as error:
            landing.skip(file.name, f"a value cannot be read: {type(error).__name__}")
            continue
        landing.add(file.name, str(row[mapping.user]), mapping.event_type, moment.isoformat(), data, context)
