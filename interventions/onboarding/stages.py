"""Stages, steps and segments of onboarding as reviewed data: one YAML file, checked when it is read."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

import polars as pl
import yaml
from pydantic import Field, ValidationError, model_validator

from habitlake.errors import PermanentError
from interventions import wording
from interventions.eligibility import compares
from interventions.entries import LANGUAGES, Entry, Operator, SnakeCase
from interventions.reviewed import one_line, parsed, version_of

FILE = Path(__file__).parent / "onboarding.yaml"
# What a condition may ask for: values of features and profile that the job brings, with their types.
NUMBERS = (
    "days_since_last_session", "sessions_28d", "planned_next_7d", "time_of_day_consistency", "consistency_score",
    "features_used_30d", "partner_share_30d", "goal_progress", "motivation_level", "habit_strength",
    "available_time_min", "target_sessions_per_week", "is_beginner", "is_intermediate", "days_since_signup_at_start",
)  # fmt: skip
OTHERS = ("primary_goal", "workout_types", "preferred_times", "schedule_json", "equipment", "top_barrier")


class Text(Entry):
    """A text in every language."""

    en: Annotated[str, Field(min_length=3, max_length=140)]
    de: Annotated[str, Field(min_length=3, max_length=140)]


class Condition(Entry):
    """A comparison of a value with a threshold, or the question whether it is known."""

    value: str
    operator: Operator | Literal["known"]
    threshold: float | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.value not in (*NUMBERS, *OTHERS):
            msg = f"unknown value {self.value!r}"
            raise ValueError(msg)
        if self.operator == "known":
            if self.threshold is not None:
                msg = f"{self.value}: known has no threshold"
                raise ValueError(msg)
        elif self.threshold is None or self.value in OTHERS:
            msg = f"{self.value}: {self.operator} compares a number with a threshold"
            raise ValueError(msg)
        return self

    def holds(self) -> pl.Expr:
        """Return whether the condition holds; false when its value is not known."""
        if self.operator == "known" or self.threshold is None:
            return pl.col(self.value).is_not_null()
        return compares(self.value, self.operator, self.threshold)


class Step(Entry):
    """Something to do once, asked for on a day of its stage."""

    name: SnakeCase
    day: Annotated[int, Field(ge=0)]
    done: Annotated[tuple[Condition, ...], Field(min_length=1)]
    title: Text
    text: Text


class Stage(Entry):
    """A part of onboarding: its usual length, its steps, and what leads on to the next."""

    name: SnakeCase
    days: Annotated[int, Field(ge=1)]
    success: Condition
    next_stage_delay_days: Annotated[int, Field(ge=0)] | None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class Segment(Entry):
    """A kind of newcomer, and how their path differs."""

    name: SnakeCase
    when: tuple[Condition, ...]
    first: tuple[SnakeCase, ...]
    leave_out: tuple[SnakeCase, ...]
    pace: Annotated[float, Field(gt=0, le=2)]
    welcome: Text


class PathStep(Entry):
    """A step on a segment's path: which stage it is in, and on which of its days it comes."""

    stage: int
    step: Step
    day: int


class Onboarding(Entry):
    """The state machine."""

    version: str
    longest_days: Annotated[int, Field(ge=1)]
    reminders: Annotated[tuple[int, ...], Field(min_length=1)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        steps = [step.name for stage in self.stages for step in stage.steps]
        names = [*steps, *(stage.name for stage in self.stages), *(segment.name for segment in self.segments)]
        complaints = []
        if len(set(names)) < len(names):
            complaints.append("two steps, stages or segments have one name")
        for segment in self.segments:
            unknown = {*segment.first, *segment.leave_out} - set(steps)
            if unknown:
                complaints.append(f"segment {segment.name}: unknown steps {sorted(unknown)}")
            empty = [s.name for s in self.stages if all(step.name in segment.leave_out for step in s.steps)]
            if empty:
                complaints.append(f"segment {segment.name}: no step left of {empty[0]}")
        if self.segments[-1].when:
            complaints.append("the last segment is everybody's and has no conditions")
        if [stage.next_stage_delay_days is None for stage in self.stages] != [False] * (len(self.stages) - 1) + [True]:
            complaints.append("every stage but the last has a delay to the next")
        if list(self.reminders) != sorted(set(self.reminders)):
            complaints.append("reminders are days in rising order")
        texts = [segment.welcome for segment in self.segments]
        texts += [step.text for stage in self.stages for step in stage.steps]
        for language in LANGUAGES:
            for text in texts:
                complaints += wording.problems(getattr(text, language), language, gentle=True)
        for complaint in complaints:
            raise ValueError(complaint)
        return self

    def path(self, segment: Segment) -> tuple[PathStep, ...]:
        """Return the steps of a segment in the order in which they are taken, with their days at its pace."""
        found = []
        for number, stage in enumerate(self.stages):
            kept = [step for step in stage.steps if step.name not in segment.leave_out]
            kept.sort(key=lambda step: step.name not in segment.first)
            days = sorted(round(step.day * segment.pace) for step in kept)
            found += [PathStep(stage=number, step=step, day=day) for step, day in zip(kept, days, strict=True)]
        return tuple(found)


def load_onboarding(path: Path = FILE) -> Onboarding:
    """Read and check the file.

    Raises
    ------
    PermanentError
        If it is not as it should be; one line says where.
    """
    raw = path.read_bytes()
    try:
        return Onboarding(version=version_of([raw]), **parsed(raw))
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        msg = f"{path.name} is wrong: {one_line(error)}; correct the YAML"
        raise PermanentError(msg) from error


@lru_cache(maxsize=1)
def onboarding() -> Onboarding:
    """Return the state machine that ships with the code."""
    return load_onboarding()
