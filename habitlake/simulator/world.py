"""The world's run: shards of people live day by day, land their events, and keep their state.

``HOME/simulator`` holds the record of the world (``world.json``), a checkpoint of every shard before the day the
latest run began and before the next day, and what the people received on each day. The record is written last, so
a run that was killed is simply run again; a day lived again gives the same files, byte for byte.
"""

import gzip
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from habitlake.clock import ONE_DAY, Interval
from habitlake.errors import PermanentError
from habitlake.landing import EVENTS, PARTITION_PREFIX, WEATHER
from habitlake.settings import Settings
from habitlake.simulator.day import live
from habitlake.simulator.dirt import soil
from habitlake.simulator.events import DayWriter
from habitlake.simulator.forecast import write_forecast
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import State, Traits, initial_state, make_traits
from habitlake.simulator.received import Decision, keep_received, published_decisions, received
from habitlake.simulator.truth_writer import write_constants, write_expected_forecast, write_truth
from habitlake.storage import delete_file, join, list_files, open_output, read_bytes

__all__ = ["SimulationSummary", "published_decisions", "release_nights", "simulate_nights"]

SHARD_PEOPLE = 20_000
GZIP_LEVEL = 1
MAX_DIRT = 0.5


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


@dataclass(frozen=True, slots=True)
class WorldRecord:
    """The dials of a world, its first day and the last day that everybody has lived."""

    first: date
    last: date
    people: int
    seed: int
    dirt: float

    def as_json(self) -> bytes:
        """Return the record as stored."""
        return orjson.dumps(self)


def _root(settings: Settings) -> Path:
    return settings.home / "simulator"


def _partition(location: str, night: date) -> str:
    return join(location, f"{PARTITION_PREFIX}{night}")


def _checkpoint(day: date, settings: Settings) -> Path:
    """Return the folder of the shards' state before a day."""
    return _root(settings) / f"before-{day}"


@dataclass(slots=True)
class Batch:
    """Lines that land on a UTC date, and how often each verdict but acceptance is expected for them."""

    lines: list[bytes] = field(default_factory=list)
    expected: Counter[str] = field(default_factory=Counter)


class Shard:
    """Some people of the world, their state, and their events that have not arrived yet."""

    def __init__(self, number: int, first: int, count: int, record: WorldRecord, settings: Settings) -> None:
        self.number, self.record, self.settings = number, record, settings
        self.traits: Traits = make_traits(record.seed, first, count)
        self.state: State = initial_state(record.seed, self.traits)
        self.waiting: defaultdict[date, Batch] = defaultdict(Batch)
        self.users = [f"u{person:07d}" for person in range(first, first + count)]

    def load(self, day: date) -> None:
        """Restore the state before a day."""
        folder = _checkpoint(day, self.settings)
        with np.load(folder / f"shard-{self.number:05d}.npz") as saved:
            for name in self.state.arrays():
                setattr(self.state, name, saved[name])
        rows = json.loads(gzip.decompress((folder / f"waiting-{self.number:05d}.json.gz").read_bytes()))
        # Latin-1 is how bytes that are no UTF-8 survive JSON.
        for night, (lines, expected) in rows.items():
            batch = Batch([line.encode("latin-1") for line in lines], Counter(expected))
            self.waiting[date.fromisoformat(night)] = batch

    def save(self, day: date) -> None:
        """Store the state before a day."""
        folder = str(_checkpoint(day, self.settings))
        waiting = {
            str(night): ([line.decode("latin-1") for line in batch.lines], batch.expected)
            for night, batch in sorted(self.waiting.items())
        }
        with open_output(join(folder, f"shard-{self.number:05d}.npz"), self.settings) as stream:
            np.savez(stream, **self.state.arrays())  # type: ignore[arg-type]
        with open_output(join(folder, f"waiting-{self.number:05d}.json.gz"), self.settings) as stream:
            stream.write(gzip.compress(json.dumps(waiting).encode(), GZIP_LEVEL, mtime=0))

    def simulate(self, day: date, decisions: Mapping[str, Decision], landing: str) -> tuple[int, int, int]:
        """Live through a local day and land what arrives on that UTC date; return lines, sessions, reached."""
        record, index = self.record, (day - self.record.first).days
        held = [decisions.get(user) for user in self.users] if decisions else [None] * len(self.users)
        actions = [decision.action if decision else None for decision in held]
        local = LocalDay(record.seed, index, day)
        happened = live(record.seed, index, local, self.traits, self.state, actions)
        lines = DayWriter(record.seed, index, local, self.traits, self.state, happened).write(decisions)

        # A phone uploads when its owner's day ends: what happened before this UTC date still lands on it.
        arrives = [max(utc_date, day) for utc_date in lines.utc_dates]
        disturbed = soil(lines, arrives, record.dirt, record.seed, self.traits.person, index)
        for position, (night, text) in enumerate(zip(arrives, lines.texts, strict=True)):
            if position not in disturbed:
                self.waiting[night].lines.append(text)
                continue
            for arrival in disturbed[position]:
                self.waiting[arrival.batch].lines.append(arrival.text)
                if arrival.verdict is not None:
                    self.waiting[arrival.batch].expected[arrival.verdict] += 1
        landed = self.waiting.pop(day, Batch())
        if landed.lines:
            name = join(_partition(landing, day), f"app-{self.number:05d}.jsonl.gz")
            with open_output(name, self.settings) as stream:
                stream.write(gzip.compress(b"\n".join(landed.lines) + b"\n", GZIP_LEVEL, mtime=0))
        write_truth(
            day, self.number, self.users, self.traits, self.state, happened, actions, landed.expected, self.settings
        )
        return len(landed.lines), int(happened.session.sum()), int(happened.reached.sum())


def _open_world(settings: Settings, start: date, people: int, seed: int, dirt: float) -> WorldRecord:
    """Return the record of the world that lives on from ``start``: a new one, or the saved one.

    Raises
    ------
    PermanentError
        If the saved world is another one, or there is no state from which ``start`` could be lived.
    """
    if people < 1 or not 0 <= dirt <= MAX_DIRT or seed < 0:
        msg = (
            f"people={people}, dirt={dirt}, seed={seed}: people must be 1 or more, dirt 0 to {MAX_DIRT}, seed 0 or more"
        )
        raise PermanentError(msg)
    path = _root(settings) / "world.json"
    if not path.exists():
        record = WorldRecord(start, start - ONE_DAY, people, seed, dirt)
        _save_record(record, settings)
        return record
    saved: dict[str, Any] = json.loads(path.read_text())
    wanted = {"people": people, "seed": seed, "dirt": dirt}
    if {key: saved[key] for key in wanted} != wanted:
        msg = f"the saved world in {path.parent} has other settings ({saved}); keep them, or use another HABITLAKE_HOME"
        raise PermanentError(msg)
    record = WorldRecord(date.fromisoformat(saved["first"]), date.fromisoformat(saved["last"]), people, seed, dirt)
    if start != record.first and not _checkpoint(start, settings).is_dir():
        following = record.last + ONE_DAY
        go_on = f"go on with --start {following}, " if _checkpoint(following, settings).is_dir() else ""
        msg = (
            f"the world has lived from {record.first} to {record.last} and cannot be entered at {start}: {go_on}live it"
            f" again with --start {record.first}, or delete {path.parent} to begin anew"
        )
        raise PermanentError(msg)
    return record


def _save_record(record: WorldRecord, settings: Settings) -> None:
    with open_output(str(_root(settings) / "world.json"), settings) as stream:
        stream.write(record.as_json())


def _decisions(day: date, record: WorldRecord, settings: Settings) -> dict[str, Decision]:
    return received(day, settings) if day <= record.last else published_decisions(day, settings)


def simulate_nights(
    settings: Settings,
    interval: Interval,
    *,
    people: int,
    dirt: float,
    seed: int,
    progress: Callable[[date], None] | None = None,
    hold: Collection[date] = (),
) -> SimulationSummary:
    """Let the people live through the interval and write their landing files, the weather forecasts and the truth.

    Each shard of people runs through all days before the next one starts, so memory holds one shard, and the
    decisions published for the interval.

    Parameters
    ----------
    people
        How many people; the same in every run of one home, as are ``dirt`` and ``seed``.
    dirt
        Share of events that are damaged, repeated or delayed, 0 to 0.5.
    progress
        Called after each day of each shard.
    hold
        Nights whose files do not reach landing until ``release_nights``.

    Raises
    ------
    PermanentError
        If the world in this home cannot be continued by these dates or dials.
    """
    record = _open_world(settings, interval.start, people, seed, dirt)
    by_day = {day: _decisions(day, record, settings) for day in interval.nights()}
    landing = {day: _held(settings) if day in hold else settings.landing for day in interval.nights()}
    write_constants(settings)
    totals = np.zeros(3, dtype=np.int64)
    for number, first in enumerate(range(0, people, SHARD_PEOPLE)):
        shard = Shard(number, first, min(SHARD_PEOPLE, people - first), record, settings)
        if interval.start != record.first:
            shard.load(interval.start)
        for day in interval.nights():
            totals += shard.simulate(day, by_day[day], join(landing[day], EVENTS))
            if progress is not None:
                progress(day)
        if interval.end >= record.last:
            shard.save(interval.end + ONE_DAY)
    for day, decisions in by_day.items():
        partition = _partition(join(landing[day], WEATHER), day)
        expected = write_forecast(record.seed, record.first, day, record.dirt, partition, settings)
        write_expected_forecast(day, expected, settings)
        if day > record.last:
            keep_received(day, decisions, settings)
    last = max(record.last, interval.end)
    _save_record(WorldRecord(record.first, last, people, seed, dirt), settings)
    _prune({_checkpoint(interval.start, settings), _checkpoint(last + ONE_DAY, settings)}, settings)
    return SimulationSummary(len(interval), people, *(int(total) for total in totals))


def _prune(keep: Collection[Path], settings: Settings) -> None:
    for folder in _root(settings).glob("before-*"):
        if folder not in keep:
            shutil.rmtree(folder)


def shard_days(interval: Interval, people: int) -> int:
    """Return how often ``progress`` will be called."""
    return len(interval) * -(-people // SHARD_PEOPLE)


def _held(settings: Settings) -> str:
    return str(_root(settings) / "held")


def release_nights(settings: Settings) -> list[date]:
    """Move the files of held nights to landing, as a batch that arrives late; return those nights, sorted."""
    nights: set[date] = set()
    for file in list_files(_held(settings), settings):
        with open_output(join(settings.landing, file.relative), settings) as stream:
            stream.write(read_bytes(file.uri, settings))
        delete_file(file.uri, settings)
        nights.add(date.fromisoformat(file.relative.split("/")[1].removeprefix(PARTITION_PREFIX)))
    return sorted(nights)
