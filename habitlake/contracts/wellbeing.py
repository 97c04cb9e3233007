"""Sleep, daily state, injuries and satisfaction."""

from typing import Annotated, Literal

from pydantic import Field

from habitlake.contracts.base import Contract, Scale10, Share, Text, Timestamp


class SleepLogged(Contract):
    """One night's sleep; the event's timestamp is the waking time."""

    duration: Annotated[float, Field(ge=0, le=86_400)] = Field(
        description="seconds asleep", json_schema_extra={"column": "sleep_duration_s"}
    )
    efficiency: Share | None = Field(
        None, description="share of the time in bed asleep, 0 to 1", json_schema_extra={"column": "sleep_efficiency"}
    )
    started_at: Timestamp | None = Field(
        None, description="falling asleep, with offset", json_schema_extra={"column": "sleep_started_at"}
    )


class DailyWellbeing(Contract):
    """The state of one day, from a wearable or a question."""

    hrv: Annotated[float, Field(ge=0, le=500)] | None = Field(
        None, description="heart rate variability (RMSSD), milliseconds", json_schema_extra={"column": "hrv_ms"}
    )
    resting_heart_rate: Annotated[float, Field(ge=20, le=200)] | None = Field(
        None, description="resting heart rate, beats per minute"
    )
    stress: Scale10 | None = Field(None, description="stress, 1 to 10")
    energy: Scale10 | None = Field(None, description="energy, 1 to 10")
    soreness: Scale10 | None = Field(None, description="soreness, 1 to 10")
    mood: Scale10 | None = Field(None, description="mood, 1 to 10")
    steps: Annotated[int, Field(ge=0, le=200_000)] | None = Field(None, description="steps of the day")


class InjuryReported(Contract):
    """An injury or illness, or its end."""

    body_part: Text = Field(description="where, or illness", json_schema_extra={"pii": True})
    severity: Scale10 | None = Field(
        None, description="severity, 1 to 10", json_schema_extra={"column": "injury_severity"}
    )
    status: Literal["started", "ongoing", "resolved"] | None = Field(
        None, description="state of the injury; absent means started", json_schema_extra={"column": "injury_status"}
    )


class SatisfactionReported(Contract):
    """A rating of the app."""

    rating: Annotated[float, Field(ge=1, le=5)] | None = Field(None, description="stars, 1 to 5")
    nps: Annotated[int, Field(ge=0, le=10)] | None = Field(None, description="would recommend, 0 to 10")
    comment: Text | None = Field(None, description="free text", json_schema_extra={"pii": True})
