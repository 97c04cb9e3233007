"""What a run reads of the lake, kept while the nights to come look back on it: each partition is read once.

A night looks back on up to eight weeks of several tables, and the next night on nearly the same partitions. Small ones
are read several nights at a time, since opening a table costs more than its rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from deltalake import DeltaTable

from habitlake.clock import Interval
from habitlake.lake import files_of, open_table
from habitlake.settings import Settings

# Partitions are read together up to so many rows.
ROWS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is read of a table: columns (all by default), which rows, and on how many nights a night looks back."""

    table: str
    columns: tuple[str, ...] = ()
    where: pl.Expr | None = None
    nights: int = 1


@dataclass(frozen=True, slots=True)
class Partition:
    """The files that make up a night of a table, and their rows; with other files it is another partition."""

    files: frozenset[str]
    rows: int


def blocks(missing: Sequence[date], last: date, stored: Mapping[date, Partition]) -> Iterator[list[date]]:
    """Yield the missing nights up to ``last`` in groups to be read at once; later ones only where they fit in."""
    block: list[date] = []
    rows = 0
    for night in missing:
        rows += stored[night].rows
        if block and rows > ROWS_AT_ONCE:
            yield block
            block, rows = [], stored[night].rows
        if not block and night > last:
            return
        block.append(night)
    if block:
        yield block


class Reader:
    """Reads views of a world's tables for a run through nights in rising order, of which ``last`` is the last.

    Tables are seen as they were when they were first asked for, and with what this process has written since.
    """

    def __init__(self, settings: Settings, last: date) -> None:
        self.settings = settings
        self.last = last
        self._tables: dict[str, DeltaTable] = {}
        self._partitions: dict[str, tuple[int, dict[date, Partition]]] = {}
        self._kept: dict[View, dict[date, tuple[Partition, pl.DataFrame]]] = {}
        self._nothing: dict[View, pl.DataFrame] = {}

    def _stored(self, table: str) -> dict[date, Partition]:
        """Return the partitions of a table by night, oldest first, as its log lists them; reads no data."""
        if table not in self._tables:
            self._tables[table] = open_table(table, self.settings)
        opened = self._tables[table]
        version, partitions = self._partitions.get(table, (None, {}))
        if version != opened.version():
            files = files_of(opened).group_by("batch_date").agg("path", pl.col("num_records").sum()).sort("batch_date")
            partitions = {night: Partition(frozenset(paths), rows) for night, paths, rows in files.iter_rows()}
            self._partitions[table] = opened.version(), partitions
        return partitions

    def nights(self, table: str) -> list[date]:
        """Return the nights that have at least one file in the table, oldest first."""
        return list(self._stored(table))

    def _unread(self, view: View, nights: Interval) -> pl.LazyFrame:
        frame = pl.scan_delta(self._tables[view.table])
        frame = frame.filter(pl.col("batch_date").is_between(nights.start, nights.end))
        if view.where is not None:
            frame = frame.filter(view.where)
        return frame.select("batch_date", *view.columns) if view.columns else frame

    def _read(self, view: View, nights: Interval) -> pl.DataFrame:
        return self._unread(view, nights).collect()

    def rows(self, view: View, night: date) -> pl.DataFrame:
        """Return the view's rows of its nights up to one, the oldest first; older ones are kept no longer."""
        stored = self._stored(view.table)
        first = night - timedelta(days=view.nights - 1)
        kept = {known: found for known, found in self._kept.get(view, {}).items() if known >= first}
        self._kept[view] = kept
        missing = [
            known
            for known, partition in stored.items()
            if first <= known <= self.last and (known not in kept or kept[known][0] != partition)
        ]
        for block in blocks(missing, night, stored):
            found = self._read(view, Interval(block[0], block[-1]))
            by_night = found.partition_by("batch_date", as_dict=True) if len(block) > 1 else {(block[0],): found}
            for known in block:
                kept[known] = stored[known], by_night.get((known,), found.clear())
        wanted = [kept[known][1] for known in stored if first <= known <= night]
        if wanted:
            return pl.concat(wanted)
        if view not in self._nothing:
            self._nothing[view] = self._read(view, Interval(first, night))
        return self._nothing[view]

    def scan(self, view: View, night: date) -> pl.LazyFrame:
        """Return what ``rows`` does; where that is large it is not read yet, so only what is asked of it is ever held."""
        first = night - timedelta(days=view.nights - 1)
        sizes = [part.rows for known, part in self._stored(view.table).items() if first <= known <= night]
        return (
            self.rows(view, night).lazy() if sum(sizes) <= ROWS_AT_ONCE else self._unread(view, Interval(first, night))
        )

    def release(self) -> None:
        """Keep nothing any longer; what is asked for next is read again."""
        self._kept.clear()


# What several parts of a night look at.
FEATURES = View("gold.user_features")
GOALS = View("gold.goals")
HABITS = View("gold.habit_state", ("user_id", "automatic_on", "strength"))
# Eight weeks, and one night more: a day's first entries come with a batch of the day before at the earliest (zones east
# of UTC), and the last complete local day may be the one before the night.
LEDGER = View(
    "gold.user_day",
    (
        "user_id", "local_date", "events", "workouts_completed", "duration_s", "steps", "steps_count",
        "interventions_delivered", "interventions_acted",
    ),
    nights=58,
)  # fmt: skip
