"""Who a person is and what they want; every profile event carries the whole profile."""

from typing import Annotated, Any, Literal

from pydantic import Field

from habitlake.contracts.base import Contract, Text

# What a person may state of their health, where it matters to training.
HealthCondition = Literal["pregnancy", "postpartum", "limited_walking", "heart_condition"]


class Demographics(Contract):
    """Body and background."""

    first_name: Text | None = Field(None, description="first name", json_schema_extra={"pii": True})
    age: Annotated[int, Field(ge=5, le=120)] | None = Field(None, description="years", json_schema_extra={"pii": True})
    gender: Text | None = Field(None, description="gender as stated", json_schema_extra={"pii": True})
    height: Annotated[float, Field(ge=50, le=260)] | None = Field(
        None, description="centimetres", json_schema_extra={"column": "height_cm", "pii": True}
    )
    weight: Annotated[float, Field(ge=20, le=400)] | None = Field(
        None, description="kilograms", json_schema_extra={"column": "weight_kg", "pii": True}
    )
    fitness_level: Literal["beginner", "intermediate", "advanced"] | None = Field(None, description="stated level")


class Goals(Contract):
    """What the person wants to reach."""

    primary: Text | None = Field(None, description="main goal", json_schema_extra={"column": "primary_goal"})
    secondary: list[Text] | None = Field(
        None, description="other goals", json_schema_extra={"column": "secondary_goals"}
    )
    target_weight: Annotated[float, Field(ge=20, le=400)] | None = Field(
        None, description="kilograms", json_schema_extra={"column": "target_weight_kg", "pii": True}
    )
    target_sessions: Annotated[float, Field(ge=0, le=50)] | None = Field(
        None, description="sessions a week", json_schema_extra={"column": "target_sessions_per_week"}
    )
    target_steps: Annotated[float, Field(ge=0, le=200_000)] | None = Field(
        None, description="steps a day", json_schema_extra={"column": "target_steps_per_day"}
    )
    timeline: Text | None = Field(
        None, description="time to the goal, such as 6_months", json_schema_extra={"column": "goal_timeline"}
    )


class Preferences(Contract):
    """How the person likes to train and to be spoken to."""

    workout_types: list[Text] | None = Field(None, description="preferred kinds of workout")
    workout_duration: list[Annotated[float, Field(ge=0, le=1_440)]] | None = Field(
        None, description="shortest and longest session, minutes", json_schema_extra={"column": "workout_duration_min"}
    )
    preferred_times: list[Text] | None = Field(None, description="preferred parts of the day")
    equipment: list[Text] | None = Field(None, description="equipment at hand")
    communication_style: Text | None = Field(None, description="tone of messages the person prefers")
    language: Text | None = Field(None, description="language of messages, BCP 47")
    notifications: bool | None = Field(
        None, description="consent to messages; absent means yes", json_schema_extra={"column": "notifications_allowed"}
    )


class Constraints(Contract):
    """What limits the person."""

    available_time: Annotated[float, Field(ge=0, le=1_440)] | None = Field(
        None, description="minutes a session", json_schema_extra={"column": "available_time_min"}
    )
    injury_history: list[Text] | None = Field(None, description="past injuries", json_schema_extra={"pii": True})
    health_conditions: list[HealthCondition] | None = Field(
        None,
        description=(
            "stated health conditions that matter to training (limited_walking: cannot walk, or not far); a special category"
            " of personal data (GDPR, article 9): the app asks for consent before it sends them; absent means that nothing is"
            " known"
        ),
        json_schema_extra={"pii": True},
    )
    schedule: dict[str, Any] | None = Field(
        None,
        description="weekly schedule: weekday to {available, timeSlots}",
        json_schema_extra={"column": "schedule_json"},
    )


class ProfileUpdated(Contract):
    """The whole profile as it now is."""

    demographics: Demographics | None = None
    goals: Goals | None = None
    preferences: Preferences | None = None
    constraints: Constraints | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="IANA time zone the person lives in"
    )
    subscription_tier: Literal["free", "basic", "premium"] | None = Field(None, description="subscription")
    signup_date: Annotated[str, Field(max_length=32)] | None = Field(None, description="ISO date of sign-up")
