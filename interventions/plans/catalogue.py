"""Exercises, words and texts of plans as reviewed data: YAML files, checked when they are read.

``PlanCatalogue.version`` is a hash of all files, so a plan names exactly the catalogue it was composed from.
"""

from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from habitlake.contracts.profile import HealthCondition
from habitlake.errors import PermanentError
from interventions import wording
from interventions.entries import LANGUAGES, STYLES, Entry, Language, SnakeCase, Style
from interventions.health import CONDITIONS
from interventions.reviewed import one_line, parsed, version_of

Kind = Literal["strength", "cardio", "mobility", "balance", "conditioning"]
Level = Literal["beginner", "intermediate", "advanced"]
Intensity = Literal["low", "medium", "high"]
Place = Literal["home", "gym", "outdoors", "pool"]
Region = Literal["knee", "ankle", "hip", "lower_back", "shoulder", "elbow", "wrist", "neck"]
Moment = Literal["before_low_motivation", "struggling", "after_success", "streak", "general"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEVELS: tuple[Level, ...] = get_args(Level)
INTENSITIES: tuple[Intensity, ...] = get_args(Intensity)
PLACES: tuple[Place, ...] = get_args(Place)
REGIONS: tuple[Region, ...] = get_args(Region)
# What can rule an exercise out.
CONTRAINDICATIONS: tuple[Region | HealthCondition, ...] = (*REGIONS, *CONDITIONS)
MOMENTS: tuple[Moment, ...] = get_args(Moment)
EVERYWHERE: tuple[Place, ...] = ("home", "gym", "outdoors")
TEXTS_PER_MOMENT = 3
SECONDS_PER_REP = 3
# As many as a session's key has room for (interventions.plans.plan.KEY_BITS).
MOST_FOCUSES = MOST_EQUIPMENT = 16
FOLDER = Path(__file__).parent

Sentence = Annotated[str, Field(min_length=5, max_length=140)]
Words = Annotated[tuple[str, ...], Field(min_length=1)]


class Label(Entry):
    """A text in every language."""

    en: Annotated[str, Field(min_length=2, max_length=140)]
    de: Annotated[str, Field(min_length=2, max_length=140)]


class Exercise(Entry):
    """Something to do for a number of repetitions or of seconds."""

    name: SnakeCase = Field(description="unique name")
    label: Label = Field(description="what a person reads")
    pattern: SnakeCase = Field(description="movement pattern; its cue is shown with the exercise")
    muscles: Annotated[tuple[SnakeCase, ...], Field(min_length=1)] = Field(description="what works, main one first")
    equipment: tuple[SnakeCase, ...] = Field((), description="all of it is needed")
    places: Annotated[tuple[Place, ...], Field(min_length=1)] = Field(EVERYWHERE, description="where it can be done")
    level: Level = Field(description="from which level on")
    intensity: Intensity = Field(description="effort")
    reps: Annotated[int, Field(ge=3, le=30)] | None = Field(None, description="repetitions of a set")
    seconds: Annotated[int, Field(ge=10, le=3_600)] | None = Field(None, description="seconds of a set")
    contraindicated: tuple[Region | HealthCondition, ...] = Field(
        (), description="not while one of these regions is injured, or one of these health conditions is stated"
    )
    easier: SnakeCase | None = Field(None, description="name of the easier variant")
    harder: SnakeCase | None = Field(None, description="name of the harder variant")

    @model_validator(mode="after")
    def _one_dose(self) -> Self:
        if (self.reps is None) == (self.seconds is None):
            msg = f"{self.name}: give either reps or seconds"
            raise ValueError(msg)
        return self

    @property
    def work_s(self) -> int:
        """Seconds of work in a set."""
        return self.seconds or (self.reps or 0) * SECONDS_PER_REP


class ExerciseFile(Entry):
    """The exercises of one kind."""

    kind: Kind
    exercises: Annotated[tuple[Exercise, ...], Field(min_length=1)]


class RegionWords(Entry):
    """How a region of the body is named in profiles and reports."""

    words: Words


class HealthConditionRule(Entry):
    """What a stated health condition allows, beside the exercises that it rules out."""

    highest: Intensity


class Equipment(Entry):
    """A piece of equipment: how it is named, and where it is there for everybody."""

    label: Label
    words: Words
    at: tuple[Place, ...] = ()


class Focus(Entry):
    """A kind of session; see ``vocabulary.yaml``."""

    label: Label
    words: Words
    movements: Annotated[tuple[SnakeCase, ...], Field(min_length=1)]
    places: Annotated[tuple[Place, ...], Field(min_length=1)]
    rest_s: Annotated[int, Field(ge=0, le=120)]
    brings: tuple[SnakeCase, ...] = ()
    complement: SnakeCase
    instead: SnakeCase

    @property
    def steady(self) -> bool:
        """Whether the session is one movement kept up, and no circuit."""
        return len(self.movements) == 1


class PlanCatalogue(Entry):
    """All that plans are made of."""

    version: str
    kinds: dict[SnakeCase, Kind]
    exercises: dict[SnakeCase, Exercise]
    regions: dict[Region, RegionWords]
    illness: Words
    health_conditions: dict[HealthCondition, HealthConditionRule]
    note: Label
    equipment: dict[SnakeCase, Equipment]
    patterns: dict[SnakeCase, Label]
    focuses: dict[SnakeCase, Focus]
    moments: dict[
        Moment,
        dict[Language, dict[Style, Annotated[tuple[Sentence, ...], Field(min_length=3, max_length=3)]]],
    ]

    @cached_property
    def equipment_bits(self) -> dict[str, int]:
        """A bit per piece of equipment, in the order of the file."""
        return {name: 1 << number for number, name in enumerate(self.equipment)}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for complaint in (*_exercise_complaints(self), *_focus_complaints(self), *_text_complaints(self)):
            raise ValueError(complaint)
        return self


def _exercise_complaints(catalogue: PlanCatalogue) -> list[str]:
    found = []
    # What takes the whole of a part of a session.
    timed = {"mobilise", "stretch"} | {focus.movements[0] for focus in catalogue.focuses.values() if focus.steady}
    for exercise in catalogue.exercises.values():
        here = f"exercise {exercise.name}"
        variants = [name for name in (exercise.easier, exercise.harder) if name is not None]
        found += [f"{here}: no exercise {name!r}" for name in variants if name not in catalogue.exercises]
        found += [
            f"{here}: unknown equipment {name!r}" for name in exercise.equipment if name not in catalogue.equipment
        ]
        if exercise.pattern not in catalogue.patterns:
            found.append(f"{here}: unknown pattern {exercise.pattern!r}")
        if exercise.pattern in timed and exercise.seconds is None:
            found.append(f"{here}: {exercise.pattern} is counted in seconds")
    return found or _order_complaints(catalogue)


def _order_complaints(catalogue: PlanCatalogue) -> list[str]:
    found = []
    for exercise in catalogue.exercises.values():
        chain = easier_variants(exercise, catalogue)
        if exercise in chain:
            found.append(f"exercise {exercise.name}: its easier variants go in a circle")
        found += [
            f"exercise {exercise.name}: its easier variant {easier.name} is the harder one"
            for harder, easier in pairwise((exercise, *chain))
            if _demand(easier) > _demand(harder)
        ]
    return found


def _focus_complaints(catalogue: PlanCatalogue) -> list[str]:
    found = []
    used = {exercise.pattern for exercise in catalogue.exercises.values()}
    for name, focus in catalogue.focuses.items():
        found += [f"focus {name}: no exercise of pattern {move!r}" for move in focus.movements if move not in used]
        found += [
            f"focus {name}: no focus {other!r}"
            for other in (focus.complement, focus.instead)
            if other not in catalogue.focuses
        ]
        found += [
            f"focus {name}: unknown equipment {piece!r}" for piece in focus.brings if piece not in catalogue.equipment
        ]
    if len(catalogue.focuses) > MOST_FOCUSES or len(catalogue.equipment) > MOST_EQUIPMENT:
        found.append(f"at most {MOST_FOCUSES} focuses and {MOST_EQUIPMENT} pieces of equipment")
    if "gentle" not in catalogue.focuses:
        found.append("there is no focus 'gentle', which takes the place of all others")
    return found


def _text_complaints(catalogue: PlanCatalogue) -> list[str]:
    found = [f"region {region}: how is it named?" for region in REGIONS if region not in catalogue.regions]
    missing = [name for name in CONDITIONS if name not in catalogue.health_conditions]
    found += [f"health condition {name}: what is the highest intensity?" for name in missing]
    for moment in MOMENTS:
        for language in LANGUAGES:
            styles = catalogue.moments.get(moment, {}).get(language, {})
            found += [f"{moment}: no texts for {language}, {style}" for style in STYLES if style not in styles]
            spoken = [text for texts in styles.values() for text in texts]
            found += [problem for text in spoken for problem in wording.problems(text, language, gentle=True)]
    for cue in catalogue.patterns.values():
        for language in LANGUAGES:
            found += wording.problems(getattr(cue, language), language, gentle=True)
    for language in LANGUAGES:
        found += wording.problems(getattr(catalogue.note, language), language, gentle=True)
    return found


def _demand(exercise: Exercise) -> tuple[int, int]:
    return LEVELS.index(exercise.level), INTENSITIES.index(exercise.intensity)


def easier_variants(exercise: Exercise, catalogue: PlanCatalogue) -> list[Exercise]:
    """Return the easier variants of an exercise, the nearest first; ends where they would repeat."""
    found: list[Exercise] = []
    while exercise.easier is not None:
        exercise = catalogue.exercises[exercise.easier]
        if exercise in found:
            break
        found.append(exercise)
    return found


def _read(path: Path, model: type[BaseModel] | None = None) -> Any:
    try:
        content = parsed(path.read_bytes())
        return content if model is None else model.model_validate(content)
    except (ValidationError, yaml.YAMLError) as error:
        msg = f"{path.name} of the workout plans is wrong: {one_line(error)}; correct the YAML"
        raise PermanentError(msg) from error


def load_catalogue(folder: Path = FOLDER) -> PlanCatalogue:
    """Read and check the exercises (a file per kind), ``vocabulary.yaml`` and ``motivation.yaml``.

    Raises
    ------
    PermanentError
        If a file is not as it should be; one line says which and where.
    """
    paths = [folder / "exercises" / f"{kind}.yaml" for kind in KINDS]
    files: list[ExerciseFile] = [_read(path, ExerciseFile) for path in paths]
    exercises = [exercise for file in files for exercise in file.exercises]
    twice = {exercise.name for exercise in exercises if sum(other.name == exercise.name for other in exercises) > 1}
    if twice:
        msg = f"exercises of the workout plans are named twice: {', '.join(sorted(twice))}; correct the YAML"
        raise PermanentError(msg)
    words = [folder / "vocabulary.yaml", folder / "motivation.yaml"]
    content = {key: value for path in words for key, value in (_read(path) or {}).items()}
    try:
        return PlanCatalogue(
            version=version_of(path.read_bytes() for path in (*paths, *words)),
            kinds={exercise.name: file.kind for file in files for exercise in file.exercises},
            exercises={exercise.name: exercise for exercise in exercises},
            **content,
        )
    except (ValidationError, TypeError) as error:
        msg = f"the catalogue of the workout plans is wrong: {one_line(error)}; correct the YAML"
        raise PermanentError(msg) from error


@lru_cache(maxsize=1)
def catalogue() -> PlanCatalogue:
    """Return the catalogue that ships with the code."""
    return load_catalogue()
