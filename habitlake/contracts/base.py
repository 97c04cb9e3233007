"""Building blocks of the event contracts: one envelope, and payload models with units and ranges.

A contract is a pydantic model whose fields carry a camelCase alias (the name on the wire), a range or
a list of allowed values, and a description with the unit. Everything else is derived from it:
silver columns, the parsing kernel, validation, expectations, the simulator's checks and the JSON Schema.
"""

import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, TypeVar

import annotated_types
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

USER_ID_PATTERN = r"^[A-Za-z0-9_.:@-]{1,128}$"
MAX_TEXT_LENGTH = 2_000

TIMESTAMP_PATTERN = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$"


def _iso_with_offset(value: object) -> object:
    if isinstance(value, str) and not re.match(TIMESTAMP_PATTERN, value):
        msg = "not an ISO-8601 timestamp with offset, such as 2026-01-15T09:30:00Z"
        raise ValueError(msg)
    if not isinstance(value, str | datetime):
        msg = "a timestamp is text, such as 2026-01-15T09:30:00Z"
        raise ValueError(msg)
    return value


Timestamp = Annotated[datetime, BeforeValidator(_iso_with_offset)]
Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]
Scale10 = Annotated[float, Field(ge=1, le=10)]
Share = Annotated[float, Field(ge=0, le=1)]
Fahrenheit = Annotated[float, Field(ge=-90, le=140)]
Weather = Literal["clear", "cloudy", "rain", "snow", "storm", "fog"]


class Reason(StrEnum):
    """Why a line was not accepted. Values are stored in ``silver.rejected`` and ``silver.batch_audit``."""

    UNREADABLE_FILE = "unreadable_file"
    INVALID_ENCODING = "invalid_encoding"
    OVERSIZED_LINE = "oversized_line"
    EMPTY_LINE = "empty_line"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIMESTAMP = "bad_timestamp"
    CLOCK_SKEW = "clock_skew"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    CONFLICT = "conflict"


class Contract(BaseModel):
    """Base of every payload and context model; a field not named here goes to the event's extras."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True, coerce_numbers_to_str=True
    )


Data = TypeVar("Data", bound=Contract)


class Context(Contract):
    """The circumstances of an event, as far as the app knew them."""

    weather_temperature: Fahrenheit | None = Field(None, description="outside temperature, degrees Fahrenheit")
    weather: Weather | None = Field(None, description="weather")
    time_of_day: Literal["early_morning", "morning", "midday", "afternoon", "evening", "night"] | None = Field(
        None, description="part of the day as the app labelled it"
    )
    day_of_week: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = Field(
        None, description="weekday as the app labelled it"
    )
    stress_level: Scale10 | None = Field(None, description="stress, 1 (none) to 10")
    sleep_hours: Annotated[float, Field(ge=0, le=24)] | None = Field(None, description="sleep of the last night, hours")
    social_context: Literal["alone", "partner", "group"] | None = Field(None, description="with whom")
    partner_name: Text | None = Field(
        None, description="name of the partner, when given", json_schema_extra={"pii": True}
    )


class Event(Contract, Generic[Data]):
    """The envelope of every event.

    ``timestamp`` is ISO-8601 with an offset; ``event_id`` may be absent, then the content is the identity.
    """

    event_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    user_id: Annotated[str, Field(pattern=USER_ID_PATTERN)]
    event_type: str
    timestamp: Timestamp
    schema_version: Annotated[int, Field(ge=1)] | None = None
    data: Data
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One leaf of a contract, flattened: where it is on the wire and what it becomes in silver.

    ``sql_type`` is a Spark DDL type; ``json_object`` fields keep their JSON text in a string column;
    ``required_by`` names the event types of a family that cannot do without the field.
    """

    path: tuple[str, ...]
    column: str
    sql_type: str
    description: str
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    allowed: tuple[str, ...] = ()
    json_object: bool = False
    required_by: tuple[str, ...] = ()
    pii: bool = False


SQL_TYPES: dict[Any, str] = {
    str: "string",
    int: "bigint",
    float: "double",
    bool: "boolean",
    datetime: "timestamp",
    date: "date",
}


def _strip_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        if len(members) != 1:
            msg = f"a contract field has one type, optionally None: {annotation}"
            raise TypeError(msg)
        return members[0]
    return annotation


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """Return the bare type and the constraint metadata inside Optional and Annotated."""
    metadata: list[Any] = []
    annotation = _strip_none(annotation)
    while typing.get_origin(annotation) is Annotated:
        base, *extra = typing.get_args(annotation)
        for item in extra:
            metadata.extend(getattr(item, "metadata", None) or [item])
        annotation = _strip_none(base)
    return annotation, metadata


def _leaves(model: type[Contract], prefix: tuple[str, ...]) -> Iterator[FieldSpec]:
    for name, info in model.model_fields.items():
        bare, metadata = _unwrap(info.annotation)
        metadata = [*info.metadata, *metadata]
        path = (*prefix, info.alias or name)
        if isinstance(bare, type) and issubclass(bare, Contract):
            yield from _leaves(bare, path)
            continue
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        allowed: tuple[str, ...] = ()
        json_object = False
        if typing.get_origin(bare) is Literal:
            allowed, sql_type = tuple(typing.get_args(bare)), "string"
        elif typing.get_origin(bare) is list:
            element, element_metadata = _unwrap(typing.get_args(bare)[0])
            if typing.get_origin(element) is Literal:
                allowed, element = tuple(typing.get_args(element)), str
            metadata.extend(element_metadata)
            sql_type = f"array<{SQL_TYPES[element]}>"
        elif typing.get_origin(bare) is dict:
            sql_type, json_object = "string", True
        else:
            sql_type = SQL_TYPES[bare]
        yield FieldSpec(
            path=path,
            column=str(extra.get("column", name)),
            sql_type=sql_type,
            description=info.description or "",
            required=info.is_required(),
            minimum=next((float(str(m.ge)) for m in metadata if isinstance(m, annotated_types.Ge)), None),
            maximum=next((float(str(m.le)) for m in metadata if isinstance(m, annotated_types.Le)), None),
            min_length=next((m.min_length for m in metadata if isinstance(m, annotated_types.MinLen)), None),
            max_length=next((m.max_length for m in metadata if isinstance(m, annotated_types.MaxLen)), None),
            allowed=allowed,
            json_object=json_object,
            pii=bool(extra.get("pii", False)),
        )


@lru_cache(maxsize=64)
def data_fields(model: type[Contract]) -> tuple[FieldSpec, ...]:
    """Return the flattened leaves of a payload model; paths start below ``data``."""
    return tuple(_leaves(model, ()))


@lru_cache(maxsize=1)
def context_fields() -> tuple[FieldSpec, ...]:
    """Return the flattened leaves of the context; paths start below ``context``."""
    return tuple(_leaves(Context, ()))
