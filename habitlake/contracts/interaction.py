"""Use of the app."""

from typing import Annotated

from pydantic import Field

from habitlake.contracts.base import Contract, Scale10, Share, Text


class AppInteraction(Contract):
    """One visit to the app, with the micro-behaviours around a workout."""

    screen_time: Annotated[float, Field(ge=0, le=86_400)] | None = Field(
        None, description="seconds on screen", json_schema_extra={"column": "screen_time_s"}
    )
    features_used: list[Text] | None = Field(None, description="features touched in the visit")
    skip_reasons: list[Text] | None = Field(None, description="reasons given for skipping")
    motivation_level: Scale10 | None = Field(None, description="motivation, 1 to 10")
    barriers: list[Text] | None = Field(None, description="barriers named")
    preparation_time: Annotated[float, Field(ge=0, le=1_440)] | None = Field(
        None, description="minutes from deciding to starting", json_schema_extra={"column": "preparation_time_min"}
    )
    completion_rate: Share | None = Field(None, description="share of the guided content done, 0 to 1")
