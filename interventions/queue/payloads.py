"""What the payload of each channel holds: pydantic models, and the JSON Schemas beside this file.

    python -m interventions.queue.payloads    # write payload_CHANNEL.v1.schema.json anew

``do`` says what the app is to do; parameters are named here, and besides them a payload carries values of the person
under their own names: a number, a text, or null where not known. Each entry of the library is checked when it is read,
and each payload once more before it is published: decisions may be older than the library, or a value not what it was.
The version is that of the files' names: it rises with any change that a consumer of the old one could not read.
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from habitlake.contracts.intervention import Channel
from habitlake.contracts.schema import json_schema, schema_text
from interventions.reviewed import one_line

PAYLOAD_VERSION = 1
FOLDER = Path(__file__).parent
Share = Annotated[float, Field(gt=0, le=1)]
Minutes = Annotated[int, Field(ge=1, le=90)]
Days = Annotated[int, Field(ge=1, le=28)]


class Payload(BaseModel):
    """What all payloads share."""

    # Strict: a flag is no number, and "15" is no count of minutes. JSON has no NaN.
    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, float | str | None] = Field(init=False)


class MessagePayload(Payload):
    """What opens with a message."""

    do: Literal[
        "make_if_then_plan", "open_journal", "open_onboarding_step", "pause_training_plan", "plan_next_session",
        "reschedule_workouts", "schedule_prep_reminder", "set_bedtime_reminder", "set_fixed_days",
        "set_indoor_alternative", "setup_social_accountability", "share_badge", "show_badge", "show_checklist",
        "show_goal_note", "show_groups", "show_message", "show_past_sessions", "show_progress", "show_sleep_plan",
        "show_week_plan", "start_routine", "start_timer", "suggest_breathing_exercise", "suggest_other_workout",
        "suggest_recovery_day", "suggest_short_session",
    ] = Field(description="what the app opens or starts")  # fmt: skip
    routine: Literal["walk", "gentle_stretching"] | None = Field(None, description="routine to start")
    duration_min: Minutes | None = Field(None, description="minutes of what is started")
    screen_free_min: Minutes | None = Field(None, description="minutes without a screen before sleep")
    days: Days | None = Field(None, description="days to pause, or fixed days in a week")
    checklist: Literal["bag"] | None = Field(None, description="list to show")
    reminders: Literal["joint"] | None = Field(None, description="who is reminded: joint is both")
    stage: Literal["core_setup", "pattern_discovery", "habit_formation", "advanced_features"] | None = Field(
        None, description="stage of onboarding"
    )


class PushPayload(MessagePayload):
    """A notification."""


class InAppPayload(MessagePayload):
    """A message inside the app."""


class EmailPayload(MessagePayload):
    """A mail; ``do`` is where its link leads."""


class WorkoutModificationPayload(Payload):
    """A change of the next session, or of the week's."""

    do: Literal["suggest_modified_workout", "suggest_other_workout", "suggest_lighter_week"] = Field(
        description="the same session made easier, another one, or a lighter week"
    )
    intensity: Literal["low", "medium", "high"] | None = Field(None, description="intensity of the session")
    duration_min: Minutes | None = Field(None, description="minutes of the session")
    duration_share: Share | None = Field(None, description="share of the planned minutes")
    load_share: Share | None = Field(None, description="share of the week's load")
    location: Literal["home", "gym", "outdoors", "pool"] | None = Field(None, description="where")
    equipment: Literal["none"] | None = Field(None, description="none: a session without any")
    change: Literal["intervals"] | None = Field(None, description="what is new in it")


class GoalAdjustmentPayload(Payload):
    """A proposal for the weekly goal, which the person accepts or not."""

    do: Literal["propose_weekly_target", "pause_goals"] = Field(description="propose another goal, or pause all")
    recommended_sessions: float | None = Field(
        description="sessions in seven days that gold.goals recommends; null where no goal is known"
    )
    target_sessions: float | None = Field(None, description="weekly target of the profile; null where not stated")
    share: Share | None = Field(None, description="share of the target to propose for the week")
    minutes_more: Minutes | None = Field(None, description="minutes to add to each session")
    days: Days | None = Field(None, description="days to pause")


CONTRACTS: dict[str, type[Payload]] = {
    "push": PushPayload,
    "in_app": InAppPayload,
    "email": EmailPayload,
    "workout_modification": WorkoutModificationPayload,
    "goal_adjustment": GoalAdjustmentPayload,
}


def payload_problems(
    channel: Channel, fixed: Mapping[str, object], numbers: Collection[str] = (), texts: Collection[str] = ()
) -> Iterator[str]:
    """Yield how a payload breaks the contract of its channel.

    Parameters
    ----------
    fixed
        ``do`` and its parameters; only what the contract names may be among them.
    numbers, texts
        Names of the person's values, of which any may be null.
    """
    contract = CONTRACTS[channel]
    known = sorted(contract.model_fields)
    yield from (
        f"{channel} knows no parameter {name}: name one of {', '.join(known)}" for name in fixed if name not in known
    )
    for values in ({**dict.fromkeys(numbers, 1.0), **dict.fromkeys(texts, "text")}, dict.fromkeys([*numbers, *texts])):
        twice = sorted(values.keys() & fixed.keys())
        if twice:
            yield f"{channel}: {', '.join(twice)} is a fixed parameter and a value of the person: name it once"
            return
        try:
            contract.model_validate({**fixed, **values})
        except ValidationError as error:
            yield f"{channel}, {one_line(error)}"
            return


def broken_contract(channel: str, payload: str) -> str | None:
    """Return how a payload, given as JSON, breaks the contract of its channel; None where it keeps it."""
    if channel not in CONTRACTS:
        return f"{channel} is none of the channels {', '.join(CONTRACTS)}"
    try:
        CONTRACTS[channel].model_validate_json(payload)
    except ValidationError as error:
        return f"{channel}, {one_line(error)}"
    return None


def payload_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas (draft 2020-12) by file name."""
    return {
        f"payload_{channel}.v{PAYLOAD_VERSION}.schema.json": json_schema(
            CONTRACTS[channel], **{"$id": f"urn:habitlake:payload:{channel}:{PAYLOAD_VERSION}"}
        )
        for channel in get_args(Channel)
    }


def main() -> int:
    """Write the schemas."""
    for name, schema in payload_schemas().items():
        (FOLDER / name).write_text(schema_text(schema))
    return 0


if __name__ == "__main__":
    sys.exit(main())
