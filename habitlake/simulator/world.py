"""The world's run: shards of people live day by day, land their events, and keep their state."""

import contextlib
import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import orjson
import polars as pl

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.nights.ledger import PARTITION_PREFIX, landing_events
from habitlake.settings import Settings
from habitlake.simulator.day import Day, live
from habitlake.simulator.dirt import soil
from habitlake.simulator.events import DayWriter, Line
from habitlake.simulator.people import State, Traits, initial_state, make_traits
from habitlake.simulator.truth import TRUE_EFFECTS
from habitlake.storage import join, list_files, open_output, read_bytes

SHARD_PEOPLE = 20_000
FALLBACK_NIGHTS = 3


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What a run of the world wrote."""

    nights: int
    people: int
    lines: int
    sessions: int
    reached: int

    def __str__(self) -> str:
        return f"{self.lines:,} lines landed, {self.sessions:,} sessions, {self.reached:,} messages reached someone"


def published_decisions(day: date, settings: Settings) -> dict[str, Mapping[str, Any]]:
    """Return the decision to send that holds for each person on a local day: the newest night's.

    A newer night that decided not to send takes back what an earlier one published (``_withdrawals.jsonl``).
    """
    held: dict[str, Mapping[str, Any]] = {}
    for back in range(FALLBACK_NIGHTS + 1, 0, -1):
        night = day - timedelta(days=back)
        folder = join(settings.outbox, "queue", f"{PARTITION_PREFIX}{night}")
        for file in list_files(folder, settings):
            if not file.relative.endswith(".jsonl"):
                continue
            for line in read_bytes(file.uri, settings).splitlines():
                decision = orjson.loads(line)
                if decision["local_date"] == day.isoformat():
                    held[decision["user_id"]] = decision
        with contextlib.suppress(FileNotFoundError):
            for line in read_bytes(join(folder, "_withdrawals.jsonl"), settings).splitlines():
                withdrawal = orjson.loads(line)
                if withdrawal["local_date"] == day.isoformat():
                    held.pop(withdrawal["user_id"], None)
    return held


class Shard:
    """Some people of the world, their state, and their events that have not arrived yet."""

    def __init__(self, number: int, first: int, count: int, origin: date, seed: int, settings: Settings) -> None:
        self.number, self.origin, self.seed, self.settings = number, origin, seed, settings
        self.traits: Traits = make_traits(seed, first, count)
        self.state: State = initial_state(seed, self.traits)
        self.waiting: dict[date, list[Line]] = {}
        self.users = [f"u{person:07d}" for person in range(first, first + count)]

    @property
    def _file(self) -> str:
        return str(self.settings.home / "simulator" / f"shard-{self.number:05d}.npz")

    def load(self) -> None:
        """Restore the state after the last simulated day."""
        with np.load(self._file) as saved:
            for name in self.state.arrays():
                setattr(self.state, name, saved[name])
        with gzip.open(self._file.replace(".npz", ".waiting.gz"), "rt") as file:
            for day, rows in json.load(file).items():
                self.waiting[date.fromisoformat(day)] = [
                    Line(date.fromisoformat(row[0]), row[1].encode(), row[2]) for row in rows
                ]

    def save(self) -> None:
        """Store the state after the last simulated day."""
        waiting = {
            str(day): [(str(line.utc_date), line.text.decode(), line.has_id) for line in lines]
            for day, lines in sorted(self.waiting.items())
        }
        with open_output(self._file, self.settings) as stream:
            np.savez_compressed(stream, **self.state.arrays())  # type: ignore[arg-type]
        with open_output(self._file.replace(".npz", ".waiting.gz"), self.settings) as stream:
            stream.write(gzip.compress(json.dumps(waiting).encode(), mtime=0))

    def simulate(self, day: date, dirt: float, decisions: Mapping[str, Mapping[str, Any]]) -> tuple[int, int, int]:
        """Live through a local day and land what arrives on that UTC date; return lines, sessions, reached."""
        index = (day - self.origin).days
        held = [decisions.get(user) for user in self.users]
        happened = live(
            self.seed,
            index,
            day.weekday(),
            self.traits,
            self.state,
            [str(decision["action"]) if decision else None for decision in held],
        )
        lines = DayWriter(self.seed, index, day, self.traits, self.state, happened).write(held)
        arriving = self.waiting.pop(day, [])
        for line in lines:
            # What happened before this UTC date is uploaded today; what happens after it arrives tomorrow.
            if line.utc_date <= day:
                arriving.append(line)
            else:
                self.waiting.setdefault(line.utc_date, []).append(line)
        landed, later, expected = soil(arriving, dirt, self.seed, day, self.number)
        for arrives, line in later:
            self.waiting.setdefault(arrives, []).append(line)
        if landed:
            name = join(landing_events(self.settings), f"{PARTITION_PREFIX}{day}", f"app-{self.number:05d}.jsonl.gz")
            with open_output(name, self.settings) as stream:
                stream.write(gzip.compress(b"\n".join(landed) + b"\n", compresslevel=3, mtime=0))
        self._write_truth(day, happened, held, expected)
        return len(landed), int(happened.session.sum()), sum(decision is not None for decision in held)

    def _write_truth(
        self, day: date, happened: Day, held: list[Mapping[str, Any] | None], expected: Counter[str]
    ) -> None:
        folder = self.settings.truth_dir / f"local_date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(
            {
                "user_id": self.users,
                "present": happened.present,
                "probability": happened.probability,
                "session": happened.session,
                "habit": self.state.habit,
                "dosage": self.state.dosage,
                "action": [str(decision["action"]) if decision else None for decision in held],
            },
            schema_overrides={"action": pl.String},
        ).write_parquet(folder / f"people-{self.number:05d}.parquet")
        (folder / f"dirt-{self.number:05d}.json").write_text(json.dumps(dict(sorted(expected.items()))))


def _check_world(settings: Settings, interval: Interval, people: int, seed: int, dirt: float) -> tuple[date, bool]:
    """Return the world's first day and whether it goes on from a saved state.

    Raises
    ------
    PermanentError
        If the saved world is another one, or the interval does not follow its last day.
    """
    path = settings.home / "simulator" / "world.json"
    if not path.exists():
        return interval.start, False
    saved = json.loads(path.read_text())
    wanted = {"people": people, "seed": seed, "dirt": dirt}
    if {key: saved[key] for key in wanted} != wanted:
        msg = f"the saved world in {path.parent} has other settings ({saved}); keep them, or use another HABITLAKE_HOME"
        raise PermanentError(msg)
    next_day = date.fromisoformat(saved["last"]) + timedelta(days=1)
    if interval.start != next_day:
        msg = f"the world has lived to {saved['last']}; go on with --start {next_day}, or delete {path.parent} to begin anew"
        raise PermanentError(msg)
    return date.fromisoformat(saved["first"]), True


def simulate_nights(
    settings: Settings,
    interval: Interval,
    *,
    people: int,
    dirt: float,
    seed: int,
    progress: Callable[[date], None] | None = None,
) -> SimulationSummary:
    """Let the people live through the interval and write their landing files and the truth.

    Each shard of people runs through all days before the next one starts, so memory holds one shard.

    Raises
    ------
    PermanentError
        If the world in this home cannot be continued by these dates or dials.
    """
    origin, continued = _check_world(settings, interval, people, seed, dirt)
    by_day = {day: published_decisions(day, settings) for day in interval.nights()}
    totals = np.zeros(3, dtype=np.int64)
    for number, first in enumerate(range(0, people, SHARD_PEOPLE)):
        shard = Shard(number, first, min(SHARD_PEOPLE, people - first), origin, seed, settings)
        if continued:
            shard.load()
        for day in interval.nights():
            totals += shard.simulate(day, dirt, by_day[day])
            if progress is not None:
                progress(day)
        shard.save()
    record = {"first": str(origin), "last": str(interval.end), "people": people, "seed": seed, "dirt": dirt}
    with open_output(str(settings.home / "simulator" / "world.json"), settings) as stream:
        stream.write(json.dumps(record).encode())
    settings.truth_dir.mkdir(parents=True, exist_ok=True)
    (settings.truth_dir / "effects.json").write_text(json.dumps(TRUE_EFFECTS, indent=2))
    return SimulationSummary(len(interval), people, *(int(total) for total in totals))
