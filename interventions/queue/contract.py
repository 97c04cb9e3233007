"""What a consumer gets: one item of the queue, as a pydantic model and as JSON Schema."""

from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from habitlake.contracts.intervention import Channel
from habitlake.contracts.schema import json_schema
from interventions.entries import Action

SCHEMA_VERSION = 1


class QueueItem(BaseModel):
    """A decision to send. At most one per user and local date; the newest batch date holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision_id: str = Field(description="deterministic id; send it back as decisionId in feedback events")
    user_id: str = Field(description="the person, as the app names them")
    local_date: date = Field(description="the person's local date that the decision is for")
    action: Action = Field(description="intervention type")
    intervention: str | None = Field(
        None, min_length=1, description="entry of the library; null where decided before entries had names"
    )
    channel: Channel = Field(description="how to reach the person")
    message: str = Field(min_length=1, description="text in the person's language")
    payload: dict[str, Any] = Field(
        description="what the app is to do ('do') and its parameters, as payload_CHANNEL.v1.schema.json says"
    )
    send_at: AwareDatetime = Field(description="when to send, within 08:00 to 21:00 local time")
    expires_at: AwareDatetime = Field(description="after this instant it must not be sent")
    probability: float = Field(gt=0, lt=1, description="probability with which it was sent, for analysis")
    policy_version: str = Field(description="policy and catalogue that decided")
    model: str | None = Field(None, description="model whose score was used")
    model_version: str | None = Field(None, description="version of that model")
    batch_date: date = Field(description="night that decided")
    horizon: int = Field(ge=0, le=2, description="0 the next local day; 1 and 2 fallback days")


class ClaimedItem(QueueItem):
    """An item handed to a client, with its state in the queue."""

    status: str = Field(description="pending, claimed, acked, failed, withdrawn or dead")
    attempts: int = Field(description="how often it was handed out")
    claimed_by: str | None = Field(None, description="client that holds it")
    lease_until: datetime | None = Field(None, description="until when that client holds it")
    last_error: str | None = Field(None, description="what the last client reported")


def item_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a queue item."""
    return json_schema(QueueItem)
