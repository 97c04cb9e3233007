"""Which bytes each task reads: landing files cut into chunks, chunks packed into tasks of similar size."""

import heapq
from dataclasses import dataclass
from datetime import date

from habitlake.clock import Interval
from habitlake.nights.ledger import PARTITION_PREFIX, landing_events
from habitlake.settings import Settings
from habitlake.storage import StoredFile, join, list_files

CHUNK_BYTES = 32 * 1024 * 1024
SIDECAR_SUFFIX = ".origins.json"
# A gzip file cannot be cut, and its lines are about this much larger than its bytes.
GZIP_RATIO = 6


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes ``start`` to ``end`` of a landing file; the chunk owns the lines that start in them."""

    batch_date: date
    uri: str
    source_file: str
    start: int
    end: int
    whole: bool

    @property
    def weight(self) -> int:
        """Expected bytes of text."""
        return (self.end - self.start) * (GZIP_RATIO if self.uri.endswith(".gz") else 1)


def landing_files(interval: Interval, settings: Settings) -> dict[date, list[StoredFile]]:
    """Return the landing files of each night, sorted; a night without a folder has none.

    Raises
    ------
    PermanentError
        If a folder cannot be read.
    """
    return {
        night: [
            file
            for file in list_files(join(landing_events(settings), f"{PARTITION_PREFIX}{night}"), settings)
            if not file.relative.endswith(SIDECAR_SUFFIX)
        ]
        for night in interval.nights()
    }


def cut(night: date, file: StoredFile, chunk_bytes: int = CHUNK_BYTES) -> list[Chunk]:
    """Cut a plain file into byte ranges; a compressed file stays whole."""
    if file.uri.endswith(".gz") or file.size <= chunk_bytes:
        return [Chunk(night, file.uri, file.relative, 0, file.size, whole=True)]
    return [
        Chunk(night, file.uri, file.relative, start, min(start + chunk_bytes, file.size), whole=False)
        for start in range(0, file.size, chunk_bytes)
    ]


def pack(chunks: list[Chunk], tasks: int) -> list[list[Chunk]]:
    """Distribute chunks over at most ``tasks`` tasks, largest first to the lightest task."""
    heap: list[tuple[int, int]] = [(0, index) for index in range(min(tasks, len(chunks)))]
    packed: list[list[Chunk]] = [[] for _ in heap]
    for chunk in sorted(chunks, key=lambda item: (-item.weight, item.uri, item.start)):
        weight, index = heapq.heappop(heap)
        packed[index].append(chunk)
        heapq.heappush(heap, (weight + chunk.weight, index))
    return packed
