"""Workouts: planned, started, completed, skipped."""

from typing import Annotated, Literal

from pydantic import Field

from habitlake.contracts.base import Contract, Share, Text, Timestamp

Intensity = Literal["low", "medium", "high"]


class Workout(Contract):
    """What all workout events share."""

    workout_id: Annotated[str, Field(min_length=1, max_length=128)] = Field(description="the planned or done workout")
    workout_type: Text | None = Field(None, description="kind of workout, such as hiit, yoga, run")
    duration: Annotated[float, Field(ge=0, le=86_400)] | None = Field(
        None, description="seconds: planned, or done so far", json_schema_extra={"column": "duration_s"}
    )
    completion_rate: Share | None = Field(None, description="share of the workout that was done, 0 to 1")
    intensity: Intensity | None = Field(None, description="effort of the workout")
    location: Text | None = Field(None, description="place: home, gym, outdoors, work, other")
    equipment: list[Text] | None = Field(None, description="equipment used")
    heart_rate_avg: Annotated[float, Field(ge=25, le=250)] | None = Field(
        None, description="mean heart rate, beats per minute"
    )
    calories_burned: Annotated[float, Field(ge=0, le=10_000)] | None = Field(None, description="energy, kilocalories")
    planned_for: Timestamp | None = Field(None, description="start that was planned, with offset")
    skip_reason: Text | None = Field(None, description="why it was skipped, in the app's words")


class WorkoutPlanned(Workout):
    """A workout was put on the calendar; ``planned_for`` says when it is to start."""

    planned_for: Timestamp = Field(description="start that is planned, with offset")


class WorkoutStarted(Workout):
    """A workout began."""


class WorkoutCompleted(Workout):
    """A workout ended; ``completion_rate`` says how much of it was done."""

    duration: Annotated[float, Field(ge=0, le=86_400)] = Field(
        description="seconds done", json_schema_extra={"column": "duration_s"}
    )


class WorkoutSkipped(Workout):
    """A planned workout was not done."""
