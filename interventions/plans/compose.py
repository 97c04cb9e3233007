"""One session of a plan as JSON: which exercises, and how much of each; pure.

A session is a function of its ``SessionKey`` and of the catalogue, so it is composed once for everybody who shares the
key.
"""

import json
from typing import NamedTuple

from interventions.entries import LANGUAGES, Language
from interventions.plans.catalogue import INTENSITIES, Exercise, PlanCatalogue
from interventions.plans.choose import SHORT_MINUTES, Choice, Chooser, SessionKey, frame, size

# Share of an exercise's dose in the first, second and third week of a block, and in a week of unloading.
DOSES = (1.0, 1.05, 1.1, 0.8)
DELOAD_DOSE = 3
LOW_ENERGY = 4
SECONDS_PER_MINUTE = 60
MOST_SETS = 5
LEAST_REST_S = 10


class Session(NamedTuple):
    """A composed session: the focus and place it came to, whether an exercise was ruled out, and its JSON members."""

    focus: str
    place: str
    swapped: bool
    members: str


class MainPart(NamedTuple):
    """The JSON of a main part but for rounds and rests: per exercise what comes before and between the two numbers."""

    entries: list[tuple[str, str]]
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
    """What sessions share that differ in minutes and dose alone; ``parts`` holds the main parts asked for, by dose."""

    focus: str
    place: str
    swapped: bool
    main: tuple[Choice, ...]
    before: str
    after: str
    parts: dict[int, MainPart]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


class Composer:
    """Composes sessions from a catalogue; remembers what several sessions share."""

    def __init__(self, catalogue: PlanCatalogue) -> None:
        self.catalogue = catalogue
        self.chooser = Chooser(catalogue)
        self._outlines: dict[SessionKey, Outline] = {}
        self._parts: dict[tuple[str, tuple[Choice, ...], int, Language], MainPart] = {}
        self._wholes: dict[tuple[tuple[Choice, ...], int, Language], str] = {}
        self._entries: dict[tuple[Choice, Language], str] = {}

    def compose(self, key: SessionKey) -> Session:
        """Return the session of a key."""
        shared = key._replace(minutes=size(key.minutes), dose=0)
        outline = self._outlines.get(shared)
        if outline is None:
            outline = self._outlines[shared] = self._outlined(shared)
        part = outline.parts.get(key.dose)
        if part is None:
            language = LANGUAGES[key.language]
            part = outline.parts[key.dose] = self._part(outline.focus, outline.main, key.dose, language)
        warm_s, cool_s = frame(key.minutes)
        main = part.json(key.minutes * SECONDS_PER_MINUTE - warm_s - cool_s)
        members = f'{outline.before}{key.minutes},"main":{main},{outline.after}'
        return Session(outline.focus, outline.place, outline.swapped, members)

    def _outlined(self, key: SessionKey) -> Outline:
        """Return the outline of the sessions of a key."""
        chosen, language = self.chooser.select(key), LANGUAGES[key.language]
        known = self.catalogue.exercises
        pieces = dict.fromkeys(piece for choice in chosen.everything for piece in known[choice.exercise].equipment)
        labels = [_text(getattr(self.catalogue.equipment[piece].label, language)) for piece in pieces]
        title = _text(getattr(self.catalogue.focuses[chosen.focus].label, language))
        # Ten easy minutes of the same kind for a day of low energy; less where the session is shorter.
        minutes = min(key.minutes, SHORT_MINUTES)
        short = self._part(chosen.short_focus, chosen.short, 0, language).json(minutes * SECONDS_PER_MINUTE)
        warm_s, cool_s = frame(key.minutes)
        return Outline(
            chosen.focus,
            chosen.place,
            any(choice.instead_of for choice in chosen.everything),
            chosen.main,
            f'"title":{title},"focus":"{chosen.focus}","place":"{chosen.place}",'
            f'"intensity":"{INTENSITIES[key.intensity]}","minutes":',
            f'"equipment":[{",".join(labels)}],"warm_up":{self._whole(chosen.warm_up, warm_s, language)},'
            f'"cool_down":{self._whole(chosen.cool_down, cool_s, language)},'
            f'"short_version":{{"energy_at_most":{LOW_ENERGY},"minutes":{minutes},"exercises":{short}}}',
            {},
        )

    def _part(self, focus: str, chosen: tuple[Choice, ...], dose: int, language: Language) -> MainPart:
        """Return the main part of a dose; a movement that is kept up has no work of its own, it takes all the time."""
        request = (focus, chosen, dose, language)
        if request not in self._parts:
            found = self.catalogue.focuses[focus]
            exercises = [self.catalogue.exercises[choice.exercise] for choice in chosen]
            amounts = [None if found.steady else _scaled(exercise, DOSES[dose]) for exercise in exercises]
            self._parts[request] = MainPart(
                [
                    (self._entry(choice, language), _dose_json(exercise, amount))
                    for choice, exercise, amount in zip(chosen, exercises, amounts, strict=True)
                ],
                sum(_work_s(exercise, amount or 0) for exercise, amount in zip(exercises, amounts, strict=True)),
                found.rest_s,
            )
        return self._parts[request]

    def _whole(self, chosen: tuple[Choice, ...], length_s: int, language: Language) -> str:
        """Return the JSON of exercises that share a time evenly."""
        request = (chosen, length_s, language)
        if request not in self._wholes:
            entries = [
                f"{self._entry(choice, language)}1"
                f"{_dose_json(self.catalogue.exercises[choice.exercise], length_s // len(chosen))}0}}"
                for choice in chosen
            ]
            self._wholes[request] = f"[{','.join(entries)}]"
        return self._wholes[request]

    def _entry(self, choice: Choice, language: Language) -> str:
        """Return the JSON of an exercise up to the number of its sets."""
        request = (choice, language)
        if request not in self._entries:
            exercise = self.catalogue.exercises[choice.exercise]
            swapped = f',"instead_of":"{choice.instead_of}"' if choice.instead_of else ""
            self._entries[request] = (
                f'{{"exercise":"{exercise.name}","kind":"{self.catalogue.kinds[exercise.name]}",'
                f'"label":{_text(getattr(exercise.label, language))},'
                f'"cue":{_text(getattr(self.catalogue.patterns[exercise.pattern], language))}{swapped},"sets":'
            )
        return self._entries[request]


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
