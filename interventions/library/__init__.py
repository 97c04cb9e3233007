"""The library of interventions: reviewed YAML, checked when it is loaded."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from habitlake.contracts.intervention import Channel
from habitlake.errors import PermanentError
from habitlake.tables import FEATURE_COLUMNS

FILE = Path(__file__).with_name("interventions.yaml")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
DEFAULT_LANGUAGE = "en"
DEFAULT_STYLE = "default"


class Intervention(BaseModel):
    """One intervention of the library."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str
    triggers: tuple[str, ...]
    channel: Channel
    base_effectiveness: float = Field(ge=0, le=1)
    source: str
    at_least: dict[str, float] = Field(default_factory=dict)
    payload: dict[str, Any] = Field(default_factory=dict)
    templates: dict[str, dict[str, str]]

    def placeholders(self) -> tuple[str, ...]:
        """Return the features that any of its templates or its eligibility needs."""
        found = {name for styles in self.templates.values() for text in styles.values() for name in PLACEHOLDER.findall(text)}
        return tuple(sorted(found | set(self.at_least)))


@lru_cache(maxsize=4)
def load_library(path: Path = FILE) -> tuple[Intervention, ...]:
    """Return the interventions, in order of the file.

    Raises
    ------
    PermanentError
        If an entry breaks the schema, names an unknown trigger or feature, or lacks a default template.
    """
    from interventions.triggers import TRIGGERS

    known_triggers, features = {trigger.name for trigger in TRIGGERS}, {column.name for column in FEATURE_COLUMNS}
    entries = []
    for number, raw in enumerate(yaml.safe_load(path.read_text()), start=1):
        try:
            entry = Intervention.model_validate(raw)
        except ValidationError as error:
            msg = f"{path.name}, entry {number}: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}"
            raise PermanentError(msg) from error
        problems = [f"unknown trigger {name}" for name in entry.triggers if name not in known_triggers]
        problems += [f"unknown placeholder {name}" for name in entry.placeholders() if name not in features]
        if DEFAULT_STYLE not in entry.templates.get(DEFAULT_LANGUAGE, {}):
            problems.append(f"no {DEFAULT_LANGUAGE}/{DEFAULT_STYLE} template")
        if problems:
            msg = f"{path.name}, entry {number} ({entry.action}): {'; '.join(problems)}"
            raise PermanentError(msg)
        entries.append(entry)
    return tuple(entries)


def template_for(intervention: Intervention, language: str | None, style: str | None) -> str:
    """Return the text in the person's language and style, falling back to the defaults."""
    styles = intervention.templates.get(language or DEFAULT_LANGUAGE) or intervention.templates[DEFAULT_LANGUAGE]
    return styles.get(style or DEFAULT_STYLE) or styles[DEFAULT_STYLE]
