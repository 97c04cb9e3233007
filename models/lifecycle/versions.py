"""Which versions score which night: those asked for, those that scored it before, or those that the registry names."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.lake import count_rows
from habitlake.nights.ledger import pinned_challengers, pinned_models
from habitlake.settings import Settings
from models.catalogue import SPECS
from models.lifecycle.registry import CHALLENGER, CHAMPION, FEATURES, by_alias

# No model at all; CHAMPION asks for every model in force.
NONE = "none"
ROWS_PER_RUN = 2_000_000
# What was registered, by model and version.
Bundles = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that score a night, by model: those in force, and those in shadow."""

    champions: Mapping[str, str]
    challengers: Mapping[str, str]

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """Every model and version that scores."""
        return {*self.champions.items(), *self.challengers.items()}

    def __bool__(self) -> bool:
        """Return whether anything scores."""
        return bool(self.champions or self.challengers)


def chosen_versions(chosen: Sequence[str]) -> dict[str, str]:
    """Return the versions asked for by name, of ``model=version``.

    Raises
    ------
    PermanentError
        If a model is not known.
    """
    known = {spec.name for spec in SPECS}
    unknown = [one for one in chosen if one.partition("=")[0] not in known | {CHAMPION, NONE}]
    if unknown:
        msg = (
            f"--model-version takes model=version, champion or none, not {unknown}; models: {', '.join(sorted(known))}"
        )
        raise PermanentError(msg)
    return dict(one.split("=", 1) for one in chosen if "=" in one)


def versions_of(interval: Interval, chosen: Sequence[str], settings: Settings) -> dict[date, Versions]:
    """Return the versions of each night: those asked for, else those that scored it before, else the registry's.

    A challenger scores in shadow beside another version, or where none is in force.
    """
    if NONE in chosen:
        return {night: Versions({}, {}) for night in interval.nights()}
    asked = chosen_versions(chosen)
    again = CHAMPION not in chosen
    champions = pinned_models(interval, settings) if again else {}
    challengers = pinned_challengers(interval, settings) if again else {}
    registered = by_alias(settings) if len(champions) < len(interval) else {CHAMPION: {}, CHALLENGER: {}}
    known = {spec.name for spec in SPECS}
    found = {}
    for night in interval.nights():
        own = {**champions.get(night, registered[CHAMPION]), **asked}
        shadow = challengers.get(night, registered[CHALLENGER])
        found[night] = Versions(
            {name: version for name, version in own.items() if name in known},
            {name: version for name, version in shadow.items() if name in known and own.get(name) != version},
        )
    return found


def runs_of_nights(versions: Mapping[date, Versions], settings: Settings) -> Iterator[tuple[Interval, Versions]]:
    """Yield neighbouring nights that the same versions score, so many at a time as memory holds."""
    for own, group in itertools.groupby(versions, key=lambda night: versions[night]):
        first, rows = None, 0
        last: date | None = None
        for night in group:
            of_night = count_rows(FEATURES, settings, Interval(night, night))
            if first and last and rows + of_night > ROWS_PER_RUN:
                yield Interval(first, last), own
                first, rows = None, 0
            first, last, rows = first or night, night, rows + of_night
        if first and last:
            yield Interval(first, last), own
