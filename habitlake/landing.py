"""The landing zone: which feeds there are, which nights of each have landed, and their files.

A feed is a folder of partitions, ``landing/<feed>/batch_date=YYYY-MM-DD/*.jsonl[.gz]``. Events make a night; every other
feed may be absent, for a night or for good.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from habitlake.clock import parse_date
from habitlake.errors import PermanentError
from habitlake.settings import Settings
from habitlake.storage import StoredFile, folders, join, list_files

EVENTS, WEATHER = "events", "weather"
FEEDS = (EVENTS, WEATHER)
PARTITION_PREFIX = "batch_date="
# Files are named from the batch folder of events, which no file of a listing can lie above.
BESIDE_EVENTS = "../"


def feed_folder(feed: str, settings: Settings) -> str:
    """Return the location of a feed."""
    return join(settings.landing, feed)


def night_folder(feed: str, night: date, settings: Settings) -> str:
    """Return the location of a feed's partition of a night."""
    return join(feed_folder(feed, settings), f"{PARTITION_PREFIX}{night}")


def night_files(feed: str, night: date, settings: Settings) -> list[StoredFile]:
    """Return the files of a feed's partition of a night, sorted; a night without a folder has none.

    ``relative`` is the name that tables know a file by: ``app.jsonl.gz`` of events, ``../weather/app.jsonl.gz`` of the
    weather.

    Raises
    ------
    PermanentError
        If the folder cannot be read.
    """
    files = list_files(night_folder(feed, night, settings), settings)
    if feed == EVENTS:
        return files
    return [replace(file, relative=f"{BESIDE_EVENTS}{feed}/{file.relative}") for file in files]


def feed_nights(feed: str, settings: Settings) -> list[date]:
    """Return the batch dates that have a folder in a feed, sorted; an absent feed has none.

    Raises
    ------
    PermanentError
        If the feed cannot be read, or a folder in it looks like a partition but its name holds no date.
    """
    nights, location = [], feed_folder(feed, settings)
    for name in folders(location, settings):
        if name.startswith(PARTITION_PREFIX):
            try:
                nights.append(parse_date(name.removeprefix(PARTITION_PREFIX)))
            except PermanentError as error:
                msg = f"{join(location, name)} is no night: {error}; rename or remove the folder"
                raise PermanentError(msg) from error
    return sorted(nights)


def landed_nights(settings: Settings) -> list[date]:
    """Return the batch dates that have landed, sorted: those of events, and those of other feeds up to the newest of them.

    A forecast that comes ahead of the events of its night does not make the night one that waits to be run.
    """
    events = feed_nights(EVENTS, settings)
    others = {night for feed in FEEDS[1:] for night in feed_nights(feed, settings) if events and night <= events[-1]}
    return sorted({*events, *others})


def landing_files(settings: Settings, nights: Iterable[date] | None = None) -> dict[date, list[StoredFile]]:
    """Return the files of every feed by night, of the nights given or of all; nights without files are absent."""
    wanted = None if nights is None else set(nights)
    found: dict[date, list[StoredFile]] = {}
    for feed in FEEDS:
        for night in feed_nights(feed, settings):
            if wanted is None or night in wanted:
                found.setdefault(night, []).extend(night_files(feed, night, settings))
    return {night: files for night, files in sorted(found.items()) if files}
