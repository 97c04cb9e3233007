"""The contracts as JSON Schema, for senders in any language."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from habitlake.contracts import EVENT_MODELS, WeatherForecast, event_model

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: type[BaseModel], **more: Any) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a model; ``more`` are members beside it, such as ``$id``."""
    return {"$schema": DIALECT, **more, **model.model_json_schema()}


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as it is published: members in order, so that a change is a small difference."""
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def event_schema(event_type: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one event type, envelope included."""
    schema = event_model(event_type).model_json_schema(by_alias=True)
    schema["$schema"] = DIALECT
    schema["title"] = event_type
    schema["properties"]["eventType"] = {"const": event_type}
    return schema


def forecast_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a line of landing/weather."""
    return {**json_schema(WeatherForecast), "title": "weather_forecast"}


def write_schemas(folder: Path) -> list[Path]:
    """Write one ``<event_type>.json`` per event type and ``weather_forecast.json``; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in {
        **{kind: event_schema(kind) for kind in EVENT_MODELS},
        "weather_forecast": forecast_schema(),
    }.items():
        path = folder / f"{name}.json"
        path.write_text(schema_text(schema))
        written.append(path)
    return written
