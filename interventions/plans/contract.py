"""What the app gets: one weekly plan, as pydantic models and as JSON Schema.

    python -m interventions.plans.contract

writes ``workout_plan.schema.json`` and ``exercises.schema.json`` anew.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from habitlake.contracts.schema import json_schema, schema_text
from interventions.entries import Entry, Language, Style
from interventions.plans.catalogue import ExerciseFile, Intensity, Kind, Place
from interventions.plans.words import PartOfDay, Weekday

SCHEMA_VERSION = 1
FOLDER = Path(__file__).parent
Seconds = Annotated[int, Field(ge=0, le=7_200)]


class PlannedExercise(Entry):
    """An exercise with its dose; either repetitions or seconds of a set."""

    exercise: str = Field(description="name in the catalogue of exercises")
    kind: Kind = Field(description="kind of exercise")
    label: str = Field(description="name in the person's language")
    cue: str = Field(description="what a coach would say, in the person's language")
    instead_of: str | None = Field(None, description="exercise that was ruled out, as by an injury")
    sets: int = Field(ge=1, le=5, description="rounds")
    reps: int | None = Field(None, ge=1, le=60, description="repetitions of a set")
    seconds: Seconds | None = Field(None, description="seconds of a set")
    rest_s: Seconds = Field(description="seconds of rest after a set")


class ShortVersion(Entry):
    """Ten easy minutes for a day on which energy is low; less where the session is shorter."""

    energy_at_most: int = Field(ge=1, le=10, description="offer it when reported energy (1 to 10) is at most this")
    minutes: int = Field(ge=5, le=10, description="minutes")
    exercises: list[PlannedExercise] = Field(min_length=1)


class SessionMotivation(Entry):
    """Texts to show at moments of a session."""

    before_low_motivation: str
    struggling: str
    after_success: str


class PlanMotivation(Entry):
    """Texts to show between sessions."""

    streak: str
    general: str


class PlannedSession(Entry):
    """A session on a local date."""

    date: date
    weekday: Weekday
    part_of_day: PartOfDay | None = Field(description="when it is most likely to happen; null where nothing is known")
    title: str = Field(description="kind of session in the person's language")
    focus: str = Field(description="kind of session")
    place: Place
    intensity: Intensity
    minutes: int = Field(ge=5, le=90, description="minutes, warm-up and cool-down included")
    equipment: list[str] = Field(description="what to get ready, in the person's language")
    warm_up: list[PlannedExercise]
    main: list[PlannedExercise] = Field(min_length=1)
    cool_down: list[PlannedExercise]
    short_version: ShortVersion
    motivation: SessionMotivation


class WorkoutPlan(Entry):
    """Seven local days of training; no sessions in a week of rest."""

    schema_version: Literal[1]
    valid_from: date = Field(description="first local date")
    valid_to: date = Field(description="last local date")
    language: Language
    style: Style
    deload: bool = Field(description="a week of unloading")
    start_with: Literal["full", "short"] = Field(description="short where energy was low when the plan was made")
    reasons: list[str] = Field(description="what shaped the plan")
    note: str | None = Field(
        None, description="to be read before the sessions, in the person's language; absent where nothing needs a word"
    )
    motivation: PlanMotivation
    sessions: list[PlannedSession] = Field(max_length=7)


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas (draft 2020-12) by file name."""
    return {"workout_plan.schema.json": json_schema(WorkoutPlan), "exercises.schema.json": json_schema(ExerciseFile)}


if __name__ == "__main__":
    for name, schema in schemas().items():
        (FOLDER / name).write_text(schema_text(schema))
