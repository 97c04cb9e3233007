"""Which nights are out of date: pure functions over fingerprints of landing partitions.

A night's result depends on its own landing partition and on every earlier one. Each processed night
therefore stores a link: the hash of the link before it and of its own landing partition as it was read.
Where a link can no longer be reproduced, that night and every later one are stale.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from habitlake.clock import Interval
from habitlake.storage import StoredFile

FIRST_LINK = ""


@dataclass(frozen=True, slots=True)
class ProcessedNight:
    """A night as it was processed: the fingerprint it read and the link it stored; ``done`` once it ended well."""

    batch_date: date
    fingerprint: str
    link: str
    done: bool


@dataclass(frozen=True, slots=True)
class StaleNight:
    """A night that must be run again, and why."""

    batch_date: date
    reason: str


def fingerprint(files: Sequence[StoredFile]) -> str:
    """Return the fingerprint of one landing partition: names, sizes and change times, in any order of listing."""
    lines = sorted(f"{file.relative}\x1f{file.size}\x1f{file.modified_ns}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def link(previous: str, own_fingerprint: str) -> str:
    """Return the link of a night from the link of the night processed before it and its own fingerprint."""
    return hashlib.sha256(f"{previous}\x1f{own_fingerprint}".encode()).hexdigest()[:32]


def links_of(interval: Interval, landing: Mapping[date, str], previous: str, empty: str) -> dict[date, str]:
    """Return the link of every night of the interval; ``empty`` is the fingerprint of a night without files."""
    links: dict[date, str] = {}
    for night in interval.nights():
        previous = link(previous, landing.get(night, empty))
        links[night] = previous
    return links


def stale_nights(processed: Mapping[date, ProcessedNight], landing: Mapping[date, str]) -> list[StaleNight]:
    """Return the nights up to the last finished one that no longer follow from what has landed, in order.

    Parameters
    ----------
    processed
        Every night that was ever opened.
    landing
        Fingerprint of every landing partition that has files now.
    """
    finished = [night for night, record in processed.items() if record.done]
    if not finished:
        return []
    last, empty = max(finished), fingerprint([])
    stale: list[StaleNight] = []
    previous = FIRST_LINK
    for night in sorted(day for day in {*processed, *landing} if day <= last):
        record = processed.get(night)
        now = landing.get(night, empty)
        reason = None
        if record is None:
            reason = "landed, never processed"
        elif not record.done:
            reason = "opened, did not end well"
        elif record.fingerprint != now:
            reason = "its landing files changed after it was processed"
        elif stale or record.link != link(previous, now):
            reason = "an earlier night was processed or changed after it"
        if reason:
            stale.append(StaleNight(night, reason))
        previous = link(previous, now)
    return stale


def pending_nights(processed: Mapping[date, ProcessedNight], landing: Mapping[date, str]) -> list[date]:
    """Return the nights that have landed after the last finished night and wait to be run."""
    finished = [night for night, record in processed.items() if record.done]
    return sorted(night for night in landing if not finished or night > max(finished))


def repair_interval(stale: Sequence[StaleNight], processed: Mapping[date, ProcessedNight]) -> Interval | None:
    """Return the range of nights to run again: from the first stale night to the last finished one."""
    if not stale:
        return None
    return Interval(stale[0].batch_date, max(night for night, record in processed.items() if record.done))
