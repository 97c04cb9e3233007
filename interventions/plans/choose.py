"""Which exercises a session is made of: by movement, place, equipment, level, injuries and health conditions; pure.

An exercise that one of these rules out is swapped for its easier variant, else for another of the same movement; a session
of which too little is left becomes another kind, at last a gentle one.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from interventions.plans.catalogue import (
    CONTRAINDICATIONS,
    INTENSITIES,
    LEVELS,
    PLACES,
    Exercise,
    PlanCatalogue,
    easier_variants,
)

VARIETIES = 3
SHORT_MINUTES = 10
# About so long is spent on one exercise of a circuit, with so many of them.
SECONDS_PER_EXERCISE = 240
FEWEST, MOST = 3, 6
# What fills a circuit whose own movements do not: nothing of it needs more than a floor.
FILL = ("core", "flow", "mobilise", "stretch", "balance")


class SessionKey(NamedTuple):
    """All that a session depends on; numbers are positions in the catalogue's lists, sets are bit masks.

    ``equipment`` is what the person has beyond what the place has; ``avoided`` are the regions injured and the health
    conditions stated (``CONTRAINDICATIONS``), which rule exercises out, while ``past`` regions allow low intensity alone;
    ``variety`` chooses among equals.
    """

    focus: int
    place: int
    equipment: int
    level: int
    intensity: int
    minutes: int
    avoided: int
    past: int
    dose: int
    variety: int
    language: int


class Choice(NamedTuple):
    """The name of an exercise chosen, and of the one it stands in for because that is ruled out."""

    exercise: str
    instead_of: str | None


class Option(NamedTuple):
    """What choosing asks of an exercise: its demand (higher is harder), and what speaks against it."""

    name: str
    demand: tuple[int, int]
    contraindicated: int
    is_low: bool

    def is_safe(self, key: SessionKey) -> bool:
        """Return whether nothing speaks against it."""
        return not (self.contraindicated & key.avoided or (self.contraindicated & key.past and not self.is_low))


class Selection(NamedTuple):
    """The exercises of a session, the focus and place they came to, and those of its short version."""

    focus: str
    place: str
    warm_up: tuple[Choice, ...]
    main: tuple[Choice, ...]
    cool_down: tuple[Choice, ...]
    short_focus: str
    short: tuple[Choice, ...]

    @property
    def everything(self) -> tuple[Choice, ...]:
        """All exercises of the session itself."""
        return (*self.warm_up, *self.main, *self.cool_down)


def bits(names: Iterable[str], order: Iterable[str]) -> int:
    """Return the bit mask of some names of an ordered list."""
    chosen = set(names)
    return sum(1 << number for number, name in enumerate(order) if name in chosen)


def contraindications(exercise: Exercise, catalogue: PlanCatalogue) -> set[str]:
    """Return what rules an exercise out: what it says, and the health conditions that allow less intensity."""
    too_hard = {
        name
        for name, rule in catalogue.health_conditions.items()
        if INTENSITIES.index(exercise.intensity) > INTENSITIES.index(rule.highest)
    }
    return {*exercise.contraindicated, *too_hard}


class Chooser:
    """Chooses exercises from a catalogue; remembers what several sessions share."""

    def __init__(self, catalogue: PlanCatalogue) -> None:
        self.catalogue = catalogue
        self.focuses = tuple(catalogue.focuses)
        self._ranked: dict[tuple[str, str, int, int, int], list[Option]] = {}
        self._selections: dict[SessionKey, Selection] = {}
        self._shorts: dict[SessionKey, tuple[str, tuple[Choice, ...]]] = {}
        self._arounds: dict[tuple[str, int, str, SessionKey, frozenset[str]], tuple[Choice, ...]] = {}
        self._needs = {
            name: bits(exercise.equipment, catalogue.equipment) for name, exercise in catalogue.exercises.items()
        }
        self._options = {
            name: Option(
                name,
                (INTENSITIES.index(item.intensity), LEVELS.index(item.level)),
                bits(contraindications(item, catalogue), CONTRAINDICATIONS),
                item.intensity == "low",
            )
            for name, item in catalogue.exercises.items()
        }

    @cached_property
    def at_place(self) -> tuple[int, ...]:
        """Bit mask of the equipment that each place has."""
        pieces = self.catalogue.equipment
        return tuple(bits((name for name, piece in pieces.items() if place in piece.at), pieces) for place in PLACES)

    def place_of(self, focus: str, place: str) -> str:
        """Return where a focus is done by someone who trains at ``place``: there, or at the first place it allows."""
        allowed = self.catalogue.focuses[focus].places
        return place if place in allowed else allowed[0]

    def relevant_equipment(self, focus: str) -> int:
        """Return the bit mask of equipment that some exercise of the focus needs, and of what stands beside it."""
        found = self.catalogue.focuses[focus]
        moves = {*found.movements, "mobilise", "stretch", *(() if found.steady else FILL)}
        needed = 0
        for exercise in self.catalogue.exercises.values():
            if exercise.pattern in moves:
                needed |= self._needs[exercise.name]
        return needed

    def select(self, key: SessionKey) -> Selection:
        """Return the exercises of a key; minutes count by ``size``, dose and language do not."""
        key = key._replace(minutes=size(key.minutes), dose=0, language=0)
        if key not in self._selections:
            focus, chosen = self._main(self.focuses[key.focus], key)
            place = self.place_of(focus, PLACES[key.place])
            easy = key._replace(focus=self.focuses.index(focus), level=0, intensity=0, minutes=SHORT_MINUTES)
            if easy not in self._shorts:
                self._shorts[easy] = self._main(focus, easy)
            warm_s, cool_s = frame(key.minutes)
            warm = self._around("mobilise", warm_s, easy, place, chosen)
            cool = self._around("stretch", cool_s, easy, place, chosen)
            self._selections[key] = Selection(focus, place, warm, chosen, cool, *self._shorts[easy])
        return self._selections[key]

    def _main(self, focus: str, key: SessionKey) -> tuple[str, tuple[Choice, ...]]:
        """Return the main exercises, and the focus they are of: the one asked for, or what takes its place."""
        while not (chosen := self._choices(focus, key)):
            focus = self.catalogue.focuses[focus].instead
        return focus, tuple(chosen)

    def _choices(self, focus: str, key: SessionKey) -> list[Choice]:
        """Return the main exercises of a focus; none where it cannot be done."""
        place = self.place_of(focus, PLACES[key.place])
        found = self.catalogue.focuses[focus]
        wanted = 1 if found.steady else min(max(key.minutes * 60 // SECONDS_PER_EXERCISE, FEWEST), MOST)
        taken: set[str] = set()
        chosen: list[Choice] = []
        for movement in found.movements:
            if len(chosen) < wanted and (choice := self._choose(movement, place, key, taken)):
                chosen.append(choice)
        own = len(chosen)
        if found.steady:
            # An easier variant may be of another kind, as a walk is of a run: then the session is of that kind.
            return [choice for choice in chosen if self.catalogue.exercises[choice.exercise].pattern in found.movements]
        if own == 0:
            return chosen
        for movement in FILL * (wanted - own):
            if len(chosen) < wanted and (choice := self._choose(movement, place, key, taken)):
                chosen.append(choice)
        # A circuit of which little is left is no session of its kind.
        return chosen if own >= FEWEST - 1 or found.instead == focus else []

    def _choose(self, movement: str, place: str, key: SessionKey, taken: set[str]) -> Choice | None:
        """Choose an exercise that nobody took yet, and note it as taken; None where no safe one is left."""
        free = [option for option in self._fitting(movement, place, key) if option.name not in taken]
        if not free:
            return None
        equals = sum(option.demand == free[0].demand for option in free)
        wanted = chosen = free[key.variety * min(max(equals, VARIETIES), len(free)) // VARIETIES]
        if not wanted.is_safe(key):
            found = next(
                (option for option in (*self._easier(wanted, place, key, taken), *free) if option.is_safe(key)), None
            )
            if found is None:
                return None
            chosen = found
        taken.add(chosen.name)
        return Choice(chosen.name, None if chosen is wanted else wanted.name)

    def _easier(self, option: Option, place: str, key: SessionKey, taken: set[str]) -> list[Option]:
        """Return the easier variants that place and equipment allow, the nearest first."""
        return [
            self._options[item.name]
            for item in easier_variants(self.catalogue.exercises[option.name], self.catalogue)
            if item.name not in taken and self._possible(item, place, key)
        ]

    def _fitting(self, movement: str, place: str, key: SessionKey) -> list[Option]:
        """Return the exercises of a movement that the person could do if nothing were ruled out.

        The most demanding first, as far as level and intensity go; of equals the one that uses what is at hand.
        """
        has = key.equipment | self.at_place[PLACES.index(place)]
        request = (movement, place, has, key.level, key.intensity)
        if request not in self._ranked:
            possible = [
                (self._options[item.name], len(item.equipment))
                for item in self.catalogue.exercises.values()
                if item.pattern == movement and self._possible(item, place, key)
            ]
            fitting = [
                (option, pieces)
                for option, pieces in possible
                if option.demand[0] <= key.intensity and option.demand[1] <= key.level
            ]
            fitting.sort(key=lambda item: (-item[0].demand[0], -item[0].demand[1], -item[1], item[0].name))
            self._ranked[request] = [option for option, _ in fitting]
        return self._ranked[request]

    def _possible(self, exercise: Exercise, place: str, key: SessionKey) -> bool:
        """Return whether place and equipment allow the exercise."""
        has = key.equipment | self.at_place[PLACES.index(place)]
        return place in exercise.places and self._needs[exercise.name] & ~has == 0

    def _around(
        self, movement: str, length_s: int, key: SessionKey, place: str, main: tuple[Choice, ...]
    ) -> tuple[Choice, ...]:
        """Return what comes before or after the main part: one or two easy exercises that are not in it."""
        wanted = 2 if length_s >= 180 else 1
        names = {choice.exercise for choice in main}
        taken = {option.name for option in self._fitting(movement, place, key) if option.name in names}
        request = (movement, wanted, place, key._replace(focus=0, place=0), frozenset(taken))
        if request not in self._arounds:
            found = (self._choose(movement, place, key, taken) for _ in range(wanted))
            self._arounds[request] = tuple(choice for choice in found if choice)
        return self._arounds[request]


def frame(minutes: int) -> tuple[int, int]:
    """Return the seconds of warm-up and cool-down of a session."""
    if minutes >= 30:
        return 300, 180
    return (180, 120) if minutes >= 20 else (90, 60)


def size(minutes: int) -> int:
    """Return the least minutes with the same exercises: what is chosen depends on no more than this."""
    if minutes >= 25:
        return 30 if minutes >= 30 else 25
    if minutes >= SHORT_MINUTES:
        return 20 if minutes >= 20 else SHORT_MINUTES
    return minutes
