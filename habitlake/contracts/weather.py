"""Forecasts of the weather, and the bands in which weather is told apart."""

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from habitlake.clock import known_zones
from habitlake.contracts.base import Contract, Fahrenheit, FieldSpec, Share, Timestamp, Weather, data_fields

DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
# Weather in which the ground is wet, and 5 and 30 degrees Celsius.
WET = ("rain", "snow", "storm")
COLD_BELOW_F, HOT_ABOVE_F = 41, 86


def _iso_date(value: object) -> object:
    if not isinstance(value, date) and not (isinstance(value, str) and re.match(DATE_PATTERN, value)):
        msg = "not an ISO-8601 date, such as 2026-01-15"
        raise ValueError(msg)
    return value


def _iana(name: str) -> str:
    if name not in known_zones():
        msg = "not an IANA time zone, such as Europe/Berlin"
        raise ValueError(msg)
    return name


class WeatherForecast(Contract):
    """What the weather of some hours of a local date is expected to be, as said at ``issued_at``.

    A place is a time zone, since that is all the lake knows of where people are. What is said later of the same hour
    replaces what was said before; lines of one ``issued_at`` may cover a date by hours or by parts of the day.
    """

    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_iana)] = Field(
        description="place: the IANA time zone of the people there"
    )
    local_date: Annotated[date, BeforeValidator(_iso_date)] = Field(description="local date that is forecast")
    hour: Annotated[int, Field(ge=0, le=23)] = Field(description="first local hour that the line is about, 0 to 23")
    hours: Annotated[int, Field(ge=1, le=24)] | None = Field(
        None, description="hours that it is about, to the end of the date at most; absent means one"
    )
    issued_at: Timestamp = Field(description="when the forecast was made, with offset")
    weather: Weather = Field(description="weather that is expected")
    temperature: Fahrenheit = Field(
        description="temperature that is expected, degrees Fahrenheit", json_schema_extra={"column": "temperature_f"}
    )
    precipitation_probability: Share | None = Field(
        None, description="probability of rain, snow or storm, 0 to 1; absent: as the weather says"
    )
    schema_version: Annotated[int, Field(ge=1)] | None = Field(
        None, description="contract version that the sender names"
    )


def forecast_fields() -> tuple[FieldSpec, ...]:
    """Return the fields of a forecast, in the order of the contract."""
    return data_fields(WeatherForecast)
