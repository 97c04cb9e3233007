"""Triggers and interventions as reviewed data: YAML files, checked when they are read.

``Catalogue.version`` is a hash of all of them, so a decision names exactly the texts and thresholds it came from.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from habitlake.contracts.intervention import Channel
from habitlake.errors import PermanentError

Action = Literal[
    "preparation_optimization", "context_optimization", "barrier_prevention", "social_reinforcement", "encouragement",
    "recovery_day", "sleep_hygiene", "stress_relief", "goal_adjustment", "streak_protection",
]  # fmt: skip
Language = Literal["en", "de"]
Style = Literal["encouraging", "direct"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
LANGUAGES: tuple[Language, ...] = get_args(Language)
STYLES: tuple[Style, ...] = get_args(Style)
PLAIN_FORMATS = frozenset({"decimal", "day"})
FOLDER = Path(__file__).parent


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Entry):
    """One comparison of a known value with a threshold; an unknown value makes it false."""

    value: str
    operator: Literal[">", ">=", "<", "<=", "=="]
    threshold: float

    def __str__(self) -> str:
        return f"{self.value} {self.operator} {self.threshold:g}"


class Trigger(_Entry):
    """A reason to act; fires when every condition holds."""

    name: str
    description: str
    source: str
    active: bool = True
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]


class Suits(_Entry):
    """Whom an intervention suits: values of the profile; an empty list says nothing."""

    styles: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    fitness_levels: tuple[str, ...] = ()


class Intervention(_Entry):
    """Something the app can do for a person, with its texts in every language and style.

    ``contraindications`` is a list of groups: any group whose conditions all hold excludes the intervention.
    ``requires`` must all hold.
    """

    name: Name
    action: Action
    triggers: Annotated[tuple[str, ...], Field(min_length=1)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    base_effectiveness: Annotated[float, Field(ge=0, le=1)]
    source: str
    suits: Suits = Suits()
    contraindications: tuple[tuple[Condition, ...], ...] = ()
    requires: tuple[Condition, ...] = ()
    app_action: str
    payload: dict[str, int | float | str | bool] = {}
    payload_values: tuple[str, ...] = ()
    messages: dict[Language, dict[Style, Annotated[tuple[str, ...], Field(min_length=1)]]]

    @model_validator(mode="after")
    def _every_text(self) -> Self:
        for language in LANGUAGES:
            for style in STYLES:
                texts = self.messages.get(language, {}).get(style)
                if not texts:
                    msg = f"{self.name}: no message for {language}, {style}"
                    raise ValueError(msg)
                if placeholders(texts[-1]):
                    msg = f"{self.name} {language} {style}: the last message must name no value"
                    raise ValueError(msg)
        return self


class Catalogue(_Entry):
    """Every trigger (most urgent first) and every intervention, and the version of both."""

    version: str
    triggers: tuple[Trigger, ...]
    interventions: tuple[Intervention, ...]
    units: dict[Language, dict[str, tuple[str | None, str, str]]]

    @property
    def active_triggers(self) -> tuple[Trigger, ...]:
        """Triggers whose inputs exist."""
        return tuple(trigger for trigger in self.triggers if trigger.active)

    def intervention(self, name: str) -> Intervention:
        """Return the intervention of that name."""
        return next(item for item in self.interventions if item.name == name)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [trigger.name for trigger in self.triggers]
        interventions = [item.name for item in self.interventions]
        if len(set(names)) < len(names) or len(set(interventions)) < len(interventions):
            msg = "a trigger or an intervention is named twice"
            raise ValueError(msg)
        for item in self.interventions:
            unknown = set(item.triggers) - set(names)
            if unknown:
                msg = f"{item.name}: unknown triggers {sorted(unknown)}"
                raise ValueError(msg)
            for language, styles in item.messages.items():
                formats = {form for texts in styles.values() for text in texts for _, form in placeholders(text)}
                wrong = formats - PLAIN_FORMATS - set(self.units[language])
                if wrong:
                    msg = f"{item.name} {language}: unknown formats {sorted(wrong)}"
                    raise ValueError(msg)
        return self


def placeholders(text: str) -> list[tuple[str, str]]:
    """Return the (value, format) pairs that a message names, in order."""
    return [(name, form or "") for _, name, form, _ in Formatter().parse(text) if name is not None]


def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read and check ``triggers.yaml`` and every file of ``library/``, in the order of their names.

    Raises
    ------
    PermanentError
        If a file is not as it should be; the message says where.
    """
    contents: dict[str, Any] = {"interventions": []}
    digest = hashlib.sha256()
    try:
        for file in (folder / "triggers.yaml", *sorted((folder / "library").glob("*.yaml"))):
            raw = file.read_bytes()
            digest.update(raw)
            content = yaml.safe_load(raw)
            contents["interventions"] += content.pop("interventions", [])
            contents |= content
        return Catalogue(version=digest.hexdigest()[:8], **contents)
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        msg = f"the intervention catalogue in {folder} is wrong: {error}; correct the YAML"
        raise PermanentError(msg) from error


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the catalogue that ships with the code."""
    return load_catalogue()
