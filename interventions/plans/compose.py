"""One session of a plan: which exercises, how much of each, and its JSON; pure.

A session is a function of its ``SessionKey`` and of the catalogue, so it is composed once for everybody who shares the
key. An exercise that an injury rules out is swapped for its easier variant, else for another of the same movement, else
for something gentle; the session says what it stands in for.
"""

import json
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from interventions.catalogue import LANGUAGES, Language
from interventions.plans.catalogue import INTENSITIES, LEVELS, PLACES, REGIONS, Exercise, PlanCatalogue, easier_variants

# Share of an exercise's dose in the first, second and third week of a block, and in a week of unloading.
DOSES = (1.0, 1.05, 1.1, 0.8)
DELOAD_DOSE = 3
VARIETIES = 3
SHORT_MINUTES = 10
LOW_ENERGY = 4
SECONDS_PER_MINUTE = 60
# About so long is spent on one exercise of a circuit, with so many of them, in so many rounds.
SECONDS_PER_EXERCISE = 240
FEWEST, MOST = 3, 6
MOST_SETS = 5
LEAST_REST_S = 10
# What fills a circuit whose own movements do not: nothing of it needs more than a floor.
FILL = ("core", "flow", "mobilise", "stretch", "balance")


class SessionKey(NamedTuple):
    """All that a session depends on; numbers are positions in the catalogue's lists, sets are bit masks.

    ``equipment`` is what the person has beyond what the place has; ``injured`` regions rule exercises out, ``past``
    ones allow low intensity alone; ``variety`` chooses among equals.
    """

    focus: int
    place: int
    equipment: int
    level: int
    intensity: int
    minutes: int
    injured: int
    past: int
    dose: int
    variety: int
    language: int


class Session(NamedTuple):
    """A composed session: the focus and place it came to, whether an injury changed it, and its JSON members."""

    focus: str
    place: str
    swapped: bool
    members: str


class Choice(NamedTuple):
    """An exercise chosen, and the one it stands in for because of an injury."""

    exercise: Exercise
    instead_of: str | None


class MainPart(NamedTuple):
    """The JSON of a main part but for rounds and rests: per exercise what comes before and between the two numbers."""

    entries: tuple[tuple[str, str], ...]
    work_s: int
    rest_s: int

    def json(self, main_s: int) -> str:
        """Return the main part within its time: one movement kept up, or rounds of a circuit with rests between."""
        if not self.work_s:
            ((before, between),) = self.entries
            return f"[{before}1{between.replace('null', str(main_s))}0}}]"
        count = len(self.entries)
        sets = min(max(round(main_s / (self.work_s + count * self.rest_s)), 1), MOST_SETS)
        while sets > 1 and (main_s - sets * self.work_s) // (sets * count) < LEAST_REST_S:
            sets -= 1
        rest_s = max((main_s - sets * self.work_s) // (sets * count) // 5 * 5, 0)
        return f"[{','.join([f'{before}{sets}{between}{rest_s}}}' for before, between in self.entries])}]"


class Outline(NamedTuple):
    """What sessions share that differ in minutes and dose alone; ``parts`` holds the main part by dose."""

    focus: str
    place: str
    swapped: bool
    main: list[Choice]
    before: str
    after: str
    parts: dict[int, MainPart]


def bits(names: Iterable[str], order: Iterable[str]) -> int:
    """Return the bit mask of some names of an ordered list."""
    chosen = set(names)
    return sum(1 << number for number, name in enumerate(order) if name in chosen)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


class Composer:
    """Composes sessions from a catalogue; remembers what several sessions share."""

    def __init__(self, catalogue: PlanCatalogue) -> None:
        self.catalogue = catalogue
        self.focuses = tuple(catalogue.focuses)
        self._ranked: dict[tuple[str, str, int, int, int], list[Exercise]] = {}
        self._entries: dict[tuple[str, str | None, Language], str] = {}
        self._short: dict[SessionKey, str] = {}
        self._outlines: dict[SessionKey, Outline] = {}
        self._needs = {
            name: bits(exercise.equipment, catalogue.equipment) for name, exercise in catalogue.exercises.items()
        }
        self._strains = {name: bits(item.contraindicated, REGIONS) for name, item in catalogue.exercises.items()}

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

    def compose(self, key: SessionKey) -> Session:
        """Return the session of a key."""
        shared = key._replace(minutes=_size(key.minutes), dose=0)
        outline = self._outlines.get(shared)
        if outline is None:
            outline = self._outlines[shared] = self._outlined(shared)
        part = outline.parts.get(key.dose)
        if part is None:
            language = LANGUAGES[key.language]
            part = outline.parts[key.dose] = self._part(outline.focus, outline.main, DOSES[key.dose], language)
        warm_s, cool_s = _frame(key.minutes)
        main = part.json(key.minutes * SECONDS_PER_MINUTE - warm_s - cool_s)
        members = f'{outline.before}{key.minutes},"main":{main},{outline.after}'
        return Session(outline.focus, outline.place, outline.swapped, members)

    def _outlined(self, key: SessionKey) -> Outline:
        """Return the outline of the sessions of a key."""
        focus, chosen = self._main(self.focuses[key.focus], key)
        language = LANGUAGES[key.language]
        place = self.place_of(focus, PLACES[key.place])
        warm_s, cool_s = _frame(key.minutes)
        taken = {choice.exercise.name for choice in chosen}
        warm = self._around("mobilise", warm_s, key, place, taken)
        cool = self._around("stretch", cool_s, key, place, taken)
        everything = (*warm, *chosen, *cool)
        pieces = dict.fromkeys(piece for choice in everything for piece in choice.exercise.equipment)
        labels = [_text(getattr(self.catalogue.equipment[piece].label, language)) for piece in pieces]
        title = _text(getattr(self.catalogue.focuses[focus].label, language))
        return Outline(
            focus,
            place,
            any(choice.instead_of for choice in everything),
            chosen,
            f'"title":{title},"focus":"{focus}","place":"{place}","intensity":"{INTENSITIES[key.intensity]}","minutes":',
            f'"equipment":[{",".join(labels)}],"warm_up":{self._whole(warm, warm_s, language)},'
            f'"cool_down":{self._whole(cool, cool_s, language)},"short_version":{self._short_version(focus, key)}',
            {},
        )

    def _short_version(self, focus: str, key: SessionKey) -> str:
        """Return the JSON of ten easy minutes of the same kind, for a day of low energy."""
        minutes = min(key.minutes, SHORT_MINUTES)
        easy = key._replace(focus=self.focuses.index(focus), level=0, intensity=0, minutes=minutes)
        if easy not in self._short:
            focus, chosen = self._main(focus, easy)
            exercises = self._part(focus, chosen, DOSES[0], LANGUAGES[key.language]).json(minutes * SECONDS_PER_MINUTE)
            self._short[easy] = f'{{"energy_at_most":{LOW_ENERGY},"minutes":{minutes},"exercises":{exercises}}}'
        return self._short[easy]

    def _main(self, focus: str, key: SessionKey) -> tuple[str, list[Choice]]:
        """Return the main exercises, and the focus they are of: the one asked for, or what takes its place."""
        while not (chosen := self._choices(focus, key)):
            focus = self.catalogue.focuses[focus].instead
        return focus, chosen

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
        if own == 0 or found.steady:
            return chosen
        for movement in FILL * (wanted - own):
            if len(chosen) < wanted and (choice := self._choose(movement, place, key, taken)):
                chosen.append(choice)
        # A circuit of which little is left is no session of its kind.
        return chosen if own >= FEWEST - 1 or found.instead == focus else []

    def _choose(self, movement: str, place: str, key: SessionKey, taken: set[str]) -> Choice | None:
        """Choose an exercise that nobody took yet, and note it as taken; None where no safe one is left."""
        free = [item for item in self._fitting(movement, place, key) if item.name not in taken]
        if not free:
            return None
        wanted = free[key.variety % min(VARIETIES, len(free))]
        chosen: Exercise | None = wanted
        if not self._safe(wanted, key):
            easier = [item for item in easier_variants(wanted, self.catalogue) if self._possible(item, place, key)]
            chosen = next((item for item in (*easier, *free) if item.name not in taken and self._safe(item, key)), None)
        if chosen is None:
            return None
        taken.add(chosen.name)
        return Choice(chosen, None if chosen is wanted else wanted.name)

    def _fitting(self, movement: str, place: str, key: SessionKey) -> list[Exercise]:
        """Return the exercises of a movement that the person could do if nothing were injured, best first."""
        has = key.equipment | self.at_place[PLACES.index(place)]
        request = (movement, place, has, key.level, key.intensity)
        if request not in self._ranked:
            possible = [
                item
                for item in self.catalogue.exercises.values()
                if item.pattern == movement
                and self._possible(item, place, key)
                and LEVELS.index(item.level) <= key.level
                and INTENSITIES.index(item.intensity) <= key.intensity
            ]
            # The nearest to what is asked for; of equals the one that uses what is at hand.
            self._ranked[request] = sorted(
                possible,
                key=lambda item: (
                    -INTENSITIES.index(item.intensity),
                    -LEVELS.index(item.level),
                    -len(item.equipment),
                    item.name,
                ),
            )
        return self._ranked[request]

    def _possible(self, exercise: Exercise, place: str, key: SessionKey) -> bool:
        """Return whether place and equipment allow the exercise."""
        has = key.equipment | self.at_place[PLACES.index(place)]
        return place in exercise.places and self._needs[exercise.name] & ~has == 0

    def _safe(self, exercise: Exercise, key: SessionKey) -> bool:
        """Return whether no injury speaks against the exercise."""
        strains = self._strains[exercise.name]
        return not (strains & key.injured or (strains & key.past and exercise.intensity != "low"))

    def _part(self, focus: str, chosen: list[Choice], dose: float, language: Language) -> MainPart:
        """Return the main part of a dose; a movement that is kept up has no work of its own, it takes all the time."""
        found = self.catalogue.focuses[focus]
        amounts = [None if found.steady else _scaled(choice.exercise, dose) for choice in chosen]
        entries = tuple(
            (self._entry(choice, language), _dose_json(choice.exercise, amount))
            for choice, amount in zip(chosen, amounts, strict=True)
        )
        work_s = sum(_work_s(choice.exercise, amount or 0) for choice, amount in zip(chosen, amounts, strict=True))
        return MainPart(entries, work_s, found.rest_s)

    def _around(self, movement: str, length_s: int, key: SessionKey, place: str, taken: set[str]) -> list[Choice]:
        """Return what comes before or after the main part: one or two easy exercises."""
        wanted = 2 if length_s >= 180 else 1
        easy = key._replace(level=0, intensity=0)
        return [choice for _ in range(wanted) if (choice := self._choose(movement, place, easy, taken))]

    def _whole(self, chosen: list[Choice], length_s: int, language: Language) -> str:
        """Return the JSON of exercises that share a time evenly."""
        entries = [
            f"{self._entry(choice, language)}1{_dose_json(choice.exercise, length_s // len(chosen))}0}}"
            for choice in chosen
        ]
        return f"[{','.join(entries)}]"

    def _entry(self, choice: Choice, language: Language) -> str:
        """Return the JSON of an exercise up to the number of its sets."""
        request = (choice.exercise.name, choice.instead_of, language)
        if request not in self._entries:
            exercise, instead_of = choice
            swapped = f',"instead_of":"{instead_of}"' if instead_of else ""
            self._entries[request] = (
                f'{{"exercise":"{exercise.name}","kind":"{self.catalogue.kinds[exercise.name]}",'
                f'"label":{_text(getattr(exercise.label, language))},'
                f'"cue":{_text(getattr(self.catalogue.patterns[exercise.pattern], language))}{swapped},"sets":'
            )
        return self._entries[request]


def _frame(minutes: int) -> tuple[int, int]:
    """Return the seconds of warm-up and cool-down of a session."""
    if minutes >= 30:
        return 300, 180
    return (180, 120) if minutes >= 20 else (90, 60)


def _size(minutes: int) -> int:
    """Return the least minutes with the same exercises: what is chosen depends on no more than this."""
    if minutes >= 25:
        return 30 if minutes >= 30 else 25
    if minutes >= SHORT_MINUTES:
        return 20 if minutes >= 20 else SHORT_MINUTES
    return minutes


def _scaled(exercise: Exercise, dose: float) -> int:
    """Return repetitions, or seconds in steps of five, times the dose."""
    if exercise.reps is not None:
        return int(exercise.reps * dose + 0.5)
    return max(int((exercise.seconds or 0) * dose / 5 + 0.5) * 5, 5)


def _work_s(exercise: Exercise, amount: int) -> int:
    return amount if exercise.seconds else exercise.work_s * amount // (exercise.reps or 1)


def _dose_json(exercise: Exercise, amount: int | None) -> str:
    unit = "seconds" if exercise.seconds else "reps"
    return f',"{unit}":{"null" if amount is None else amount},"rest_s":'
