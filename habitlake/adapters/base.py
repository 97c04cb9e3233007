"""What adapters share: contract-checked events, landing files by arrival date, and a summary of what became of rows."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from habitlake.contracts import event_model
from habitlake.errors import PermanentError
from habitlake.ids import stable_uuid
from habitlake.landing import EVENTS, night_folder
from habitlake.settings import Settings
from habitlake.storage import join, open_output


@dataclass(slots=True)
class ImportSummary:
    """What an import mapped and skipped, per source file, and which nights it landed."""

    adapter: str
    mapped: Counter[str] = field(default_factory=Counter)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    nights: set[date] = field(default_factory=set)

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return {
            "adapter": self.adapter,
            "mapped": dict(sorted(self.mapped.items())),
            "skipped": [
                {"what": what, "why": why, "rows": count} for (what, why), count in sorted(self.skipped.items())
            ],
            "people": len(self.people),
            "nights": len(self.nights),
            "first_night": str(min(self.nights)) if self.nights else None,
            "last_night": str(max(self.nights)) if self.nights else None,
            "notes": self.notes,
        }

    def as_text(self) -> str:
        """Return the summary as lines for a person."""
        values = self.as_dict()
        lines = [
            (
                f"{self.adapter}: {sum(self.mapped.values()):,} events of {values['people']} people,"
                f" {values['nights']} nights {values['first_night']} to {values['last_night']}"
            )
        ]
        lines += [f"  mapped  {count:>7,} {event_type}" for event_type, count in values["mapped"].items()]
        lines += [f"  skipped {row['rows']:>7,} {row['what']}: {row['why']}" for row in values["skipped"]]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def local_time(day: date, hour: float, zone: str) -> str:
    """Return the ISO timestamp with offset of an hour of a local day."""
    seconds = min(int(hour * 3600), 86_399)
    at = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).isoformat()


def number(text: object) -> float | None:
    """Return the number in a cell, or None for an empty or unreadable one."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN differs from itself


def present(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


class Landing:
    """Collects events, checks each against its contract, and writes one landing file per arrival date."""

    def __init__(self, adapter: str) -> None:
        self.summary = ImportSummary(adapter)
        self._lines: dict[date, list[str]] = defaultdict(list)

    def add(
        self,
        source: str,
        user_id: str,
        event_type: str,
        timestamp: str,
        data: Mapping[str, Any],
        context: Mapping[str, Any] | None = None,
        arrives: date | None = None,
    ) -> None:
        """Add an event, or count why it was skipped.

        Parameters
        ----------
        arrives
            UTC date on which it arrives; default the UTC date of its timestamp.
        """
        event: dict[str, Any] = {
            "eventId": stable_uuid(
                self.summary.adapter, user_id, event_type, timestamp, json.dumps(data, sort_keys=True)
            ),
            "userId": user_id,
            "eventType": event_type,
            "timestamp": timestamp,
            "schemaVersion": 1,
            "data": dict(data),
            **({"context": dict(context)} if context else {}),
        }
        try:
            event_model(event_type).model_validate(event)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            self.summary.skipped[source, f"{event_type} {where}: {first['msg']}"] += 1
            return
        night = arrives or datetime.fromisoformat(timestamp).astimezone(UTC).date()
        self._lines[night].append(json.dumps(event, sort_keys=True))
        self.summary.mapped[event_type] += 1
        self.summary.people.add(user_id)

    def skip(self, source: str, why: str, rows: int = 1) -> None:
        """Count rows that were not mapped."""
        if rows:
            self.summary.skipped[source, why] += rows

    def write(self, settings: Settings) -> ImportSummary:
        """Write the landing files; the same events give the same bytes, and a rerun replaces its own files."""
        for night, lines in sorted(self._lines.items()):
            name = join(night_folder(EVENTS, night, settings), f"{self.summary.adapter}.jsonl.gz")
            # An exact repeat in the source is kept: ingestion counts it as the duplicate it is.
            body = "\n".join(sorted(lines)) + "\n"
            with open_output(name, settings) as stream:
                stream.write(gzip.compress(body.encode(), mtime=0))
            self.summary.nights.add(night)
        return self.summary


Adapter = Callable[[Path, Landing], None]


def require(path: Path, *relative: str) -> list[Path]:
    """Return the files of an export.

    Raises
    ------
    PermanentError
        If one is missing; the message lists what is expected.
    """
    files = [path / name for name in relative]
    missing = [str(name) for name, file in zip(relative, files, strict=True) if not file.exists()]
    if missing:
        msg = f"{path} lacks {', '.join(missing)}; expected there: {', '.join(relative)}"
        raise PermanentError(msg)
    return files


def days(start: date, count: int) -> Iterator[date]:
    """Yield consecutive dates."""
    for offset in range(count):
        yield start + timedelta(days=offset)
