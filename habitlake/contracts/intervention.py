"""What became of an intervention."""

from typing import Annotated, Literal

from pydantic import Field

from habitlake.contracts.base import Contract, Text

Channel = Literal["push", "in_app", "email", "workout_modification", "goal_adjustment"]


class InterventionFeedback(Contract):
    """What all feedback shares: the decision it answers."""

    decision_id: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="gold.decisions.decision_id")
    channel: Channel | None = Field(None, description="channel it went through")
    response_time: Annotated[float, Field(ge=0, le=31_536_000)] | None = Field(
        None, description="seconds from delivery", json_schema_extra={"column": "response_time_s"}
    )
    rating: Annotated[float, Field(ge=1, le=5)] | None = Field(None, description="stars, 1 to 5")
    comment: Text | None = Field(None, description="free text", json_schema_extra={"pii": True})
    outcome: Annotated[float, Field(ge=-1_000_000, le=1_000_000)] | None = Field(
        None, description="measured response near in time, such as steps in the next 30 minutes"
    )


class InterventionRated(InterventionFeedback):
    """The person rated the intervention."""

    rating: Annotated[float, Field(ge=1, le=5)] = Field(description="stars, 1 to 5")
