"""Where a world's events come from, and which nights the next run has to do.

A world is one ``HABITLAKE_HOME``. Its source is chosen by the first nightly run and kept: the simulated
demo population, a real export read by an adapter, or files that others land.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from habitlake.clock import ONE_DAY, Interval
from habitlake.errors import PermanentError
from habitlake.settings import Settings

DEMO = "demo"
LANDING = "landing"
TRAINING_NIGHTS = 90
FIRST_TRAINING_NIGHTS = 366


@dataclass(frozen=True, slots=True)
class World:
    """The source of a world, how far its first run came, and its first simulated night."""

    source: str
    imported: bool = False
    trained: bool = False
    first: date | None = None

    @property
    def adapter(self) -> tuple[str, Path] | None:
        """Adapter name and export path, where the world comes from an export."""
        if self.source in (DEMO, LANDING):
            return None
        name, _, path = self.source.partition(":")
        return name, Path(path)


RECORD = TypeAdapter(World)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one nightly run does, in this order; None steps are left out."""

    simulate_history: Interval | None
    history: Interval | None
    train: Interval | None
    simulate_night: date | None
    night: date


def _file(settings: Settings) -> Path:
    return settings.home / "world.json"


def parse_source(data: str | None, settings: Settings) -> str | None:
    """Return the source named on the command line in one canonical form; None when none was named.

    Raises
    ------
    PermanentError
        If the text is neither ``demo``, ``landing`` nor ``NAME:PATH`` with a path that exists.
    """
    if not data:
        return LANDING if settings.landing != str(settings.home / "landing") else None
    if data in (DEMO, LANDING):
        return data
    name, separator, path = data.partition(":")
    if not separator or not path:
        msg = f"DATA={data!r} is not understood; use demo, landing, or NAME:PATH such as lifesnaps:/data/lifesnaps"
        raise PermanentError(msg)
    absolute = Path(path).expanduser().resolve()
    if not absolute.exists():
        msg = f"DATA={data!r}: there is no {absolute}; give the folder or file of the export"
        raise PermanentError(msg)
    return f"{name}:{absolute}"


def load_world(settings: Settings, data: str | None) -> World:
    """Return this world, created from ``data`` (default: the demo population) at its first run.

    Raises
    ------
    PermanentError
        If the world already has another source.
    """
    source, path = parse_source(data, settings), _file(settings)
    if not path.exists():
        return World(source or DEMO)
    world = RECORD.validate_json(path.read_bytes())
    if source not in (None, world.source):
        msg = f"{settings.home} holds a world from {world.source}, not {source}; set HABITLAKE_HOME to another folder"
        raise PermanentError(msg)
    return world


def save_world(world: World, settings: Settings) -> None:
    """Write the world's record."""
    settings.home.mkdir(parents=True, exist_ok=True)
    temporary = _file(settings).with_suffix(".tmp")
    temporary.write_bytes(RECORD.dump_json(world))
    temporary.replace(_file(settings))


def plan_run(
    world: World, *, landed: Sequence[date], last_night: date | None, pending: Sequence[date], today: date, history: int
) -> Plan:
    """Decide what the next nightly run does.

    Parameters
    ----------
    landed
        Nights that have a landing folder.
    last_night
        Newest night that ended well.
    pending
        Landed nights after it.
    today
        UTC date of the call; the first run of a demo world ends with the night before, unless the world has begun.
    history
        Nights of history that the first run of a demo world simulates.

    Raises
    ------
    PermanentError
        If there is nothing to read.
    """
    simulated = world.source == DEMO
    if last_night is None:
        if simulated:
            first = world.first or today - timedelta(days=history + 1)
            night = first + timedelta(days=history)
            past = Interval(first, night - ONE_DAY)
            return Plan(past, past, _training(past), night, night)
        if not landed:
            msg = "nothing has landed; import an export with DATA=NAME:PATH or put files under landing/events/batch_date=YYYY-MM-DD/"
            raise PermanentError(msg)
        if len(landed) == 1:
            return Plan(None, None, None, None, landed[0])
        past = Interval(landed[0], landed[-1] - ONE_DAY)
        return Plan(None, past, _training(past), None, landed[-1])
    training = None if world.trained else _training(Interval(min((*landed, last_night)), last_night))
    night = last_night + ONE_DAY
    if simulated:
        return Plan(None, None, training, night, night)
    if len(pending) > 1:
        return Plan(None, Interval(night, pending[-1] - ONE_DAY), training, None, pending[-1])
    return Plan(None, None, training, None, pending[-1] if pending else night)


def _training(known: Interval) -> Interval:
    """Return the nights of a world's first training: all there are up to a year, for a study may be long and its end thin.

    Later training takes the last 90 nights (dags/retrain.py), and never fewer here.
    """
    nights = min(max(len(known), TRAINING_NIGHTS), FIRST_TRAINING_NIGHTS)
    return Interval(known.end - timedelta(days=nights - 1), known.end)
