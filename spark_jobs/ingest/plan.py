"""Which bytes each task reads: landing files cut into chunks, chunks gathered into tasks of similar size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from habitlake.storage import StoredFile

CHUNK_BYTES = 32 * 1024 * 1024
# A gzip file cannot be cut, and its lines are about this much larger than its bytes.
GZIP_RATIO = 6


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes ``start`` to ``end`` of a landing file; the chunk owns the lines that start in them.

    ``first_line`` is the number of its first line, from 1.
    """

    batch_date: date
    uri: str
    source_file: str
    start: int
    end: int
    whole: bool
    first_line: int = 1

    @property
    def weight(self) -> int:
        """Expected bytes of text."""
        return (self.end - self.start) * (GZIP_RATIO if self.uri.endswith(".gz") else 1)


class Weighted(Protocol):
    """Something with a size."""

    @property
    def weight(self) -> int:
        """The size, in bytes."""


Item = TypeVar("Item", bound=Weighted)


def cut(night: date, file: StoredFile, chunk_bytes: int = CHUNK_BYTES) -> list[Chunk]:
    """Cut a plain file into byte ranges; a compressed file stays whole."""
    if file.uri.endswith(".gz") or file.size <= chunk_bytes:
        return [Chunk(night, file.uri, file.relative, 0, file.size, whole=True)]
    return [
        Chunk(night, file.uri, file.relative, start, min(start + chunk_bytes, file.size), whole=False)
        for start in range(0, file.size, chunk_bytes)
    ]


def share_out(items: Sequence[Item], tasks: int) -> list[list[Item]]:
    """Share the items out to at most ``tasks`` tasks of similar weight; the order is kept, no task is empty."""
    total = sum(item.weight for item in items) or 1
    shared: dict[int, list[Item]] = {}
    before = 0
    for item in items:
        # The middle of an item decides, so that one large item does not push its neighbours off balance.
        task = min(tasks - 1, int((before + item.weight / 2) * tasks / total))
        shared.setdefault(task, []).append(item)
        before += item.weight
    return [shared[task] for task in sorted(shared)]
