"""The circumstances of a workout are the same in marts as in features."""

import re

import duckdb
import jinja2
import pytest

from habitlake.settings import PROJECT_ROOT
from spark_jobs.features import contexts

MACROS = (PROJECT_ROOT / "dbt" / "macros" / "circumstances.sql").read_text()
DIMENSION = (PROJECT_ROOT / "dbt" / "models" / "marts" / "core" / "dim_context.sql").read_text()


def value_of(call: str) -> str | None:
    statement = jinja2.Template(f"{MACROS} SELECT {{{{ {call} }}}}").render()
    (value,) = duckdb.connect().execute(statement).fetchone()
    return value


@pytest.mark.parametrize("hour", range(24))
def test_parts_of_the_day(hour):
    slot = [name for name, start in contexts.SLOT_STARTS.items() if start <= hour]
    assert value_of(f"time_slot(\"TIMESTAMP '2026-01-05 {hour:02}:30:00'\")") == (slot or ["night"])[-1]


def test_weather():
    for weather in contexts.WET:
        assert value_of(f"weather_band(\"'{weather}'\", 'NULL')") == "wet"
    temperatures = {contexts.COLD_BELOW_F - 1: "cold", contexts.COLD_BELOW_F: "fair", contexts.HOT_ABOVE_F + 1: "hot"}
    for temperature, band in temperatures.items():
        assert value_of(f"weather_band('NULL', '{temperature}')") == band
    assert value_of("weather_band('NULL', 'NULL')") == contexts.UNKNOWN


def test_places():
    for place in contexts.LOCATIONS:
        assert value_of(f"place(\"' {place.upper()}'\")") == place
    assert [value_of(f'place("{text}")') for text in ("'the moon'", "' '", "NULL")] == ["other", "unknown", "unknown"]


def test_the_dimension_has_every_value():
    assert {*contexts.SLOTS, *contexts.LOCATIONS, contexts.UNKNOWN} <= set(re.findall(r"\('(\w+)'\)", DIMENSION))
