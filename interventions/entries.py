"""What reviewed YAML may say: conditions, triggers, guards, support and interventions, as pydantic models."""

from collections.abc import Iterator
from string import Formatter
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from habitlake.contracts.intervention import Channel
from habitlake.contracts.profile import HealthCondition

Action = Literal[
    "preparation_optimization", "context_optimization", "barrier_prevention", "social_reinforcement", "encouragement",
    "recovery_day", "sleep_hygiene", "stress_relief", "goal_adjustment", "streak_protection", "training_variation",
    "milestone_celebration", "onboarding_step",
]  # fmt: skip
Language = Literal["en", "de"]
Style = Literal["encouraging", "direct", "playful"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
STYLES: tuple[Style, ...] = get_args(Style)
# Every intervention has texts in these styles; another style without texts of its own reads as the first.
REQUIRED_STYLES: tuple[Style, ...] = ("encouraging", "direct")
# Earlier sends are looked up over as many nights, so a longer cool-down would cost every night.
LONGEST_COOL_DOWN = 28
SnakeCase = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[SnakeCase, Field(description="snake_case, unique")]
Operator = Literal[">", ">=", "<", "<=", "=="]


class Entry(BaseModel):
    """Something written down: nothing unknown in it, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Entry):
    """One comparison of a known value with a threshold; an unknown value makes it false."""

    value: str
    operator: Operator
    threshold: float

    def __str__(self) -> str:
        return f"{self.value} {self.operator} {self.threshold:g}"


class TriggerCondition(Condition):
    """A condition of a trigger; one that was on last night stays on while the value keeps beyond ``exit``."""

    exit: float | None = Field(None, description="threshold at which it ends; absent means the same as to enter")

    @property
    def leaving(self) -> Condition:
        """The condition that keeps the trigger on."""
        threshold = self.threshold if self.exit is None else self.exit
        return Condition(value=self.value, operator=self.operator, threshold=threshold)

    @model_validator(mode="after")
    def _exit_is_easier(self) -> Self:
        above = self.operator in {">", ">="}
        if self.exit is not None and (self.operator == "==" or (self.exit >= self.threshold) is above):
            msg = f"exit {self.exit:g} must be on the far side of {self}; a flag (==) has none"
            raise ValueError(msg)
        return self


class Trigger(Entry):
    """A reason to act; fires when every condition holds."""

    name: Name
    description: str
    source: str
    active: bool = Field(default=True, description="false while its inputs do not exist yet")
    conditions: Annotated[tuple[TriggerCondition, ...], Field(min_length=1)]


class Guard(Entry):
    """When not to press a person: while it holds, interventions that push are excluded.

    It holds while every one of its conditions does, or for who states one of its health conditions. With ``all_but``
    everything is excluded except what answers to that trigger.
    """

    name: Name
    description: str
    source: str
    all_but: str | None = None
    conditions: tuple[Condition, ...] = ()
    health_conditions: tuple[HealthCondition, ...] = ()

    @model_validator(mode="after")
    def _holds_for_one_thing(self) -> Self:
        if bool(self.conditions) == bool(self.health_conditions):
            msg = "give either conditions or health_conditions"
            raise ValueError(msg)
        return self

    @property
    def reason(self) -> str:
        """Why an intervention is excluded."""
        return f"{self.name}: {'recovery alone' if self.all_but else 'nothing that pushes'}"


class Support(Entry):
    """How much evidence a message needs before it may name a value."""

    count: str = Field(description="value that counts what stands behind it")
    minimum: int


class Cap(Entry):
    """How often one channel may reach a person."""

    per_week: int = Field(ge=0, description="messages on any seven local dates in a row; 0 closes the channel")
    source: str


class Suits(Entry):
    """Whom an intervention suits: values of the profile; an empty list says nothing."""

    styles: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    fitness_levels: tuple[str, ...] = ()


class Intervention(Entry):
    """Something the app can do for a person, with its texts in every language and style.

    ``contraindications`` is a list of groups: any group whose conditions all hold excludes the intervention, and so does
    one of ``contraindicated_with`` that the person states. ``requires`` must all hold.
    """

    name: Name
    action: Action = Field(description="type; effects are estimated per type")
    triggers: Annotated[tuple[str, ...], Field(min_length=1)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, description="in order of preference")]
    base_effectiveness: Annotated[float, Field(ge=0, le=1, description="prior, replaced by nightly effects")]
    source: str = Field(min_length=1, description="where base_effectiveness comes from")
    pushes: bool = Field(default=False, description="asks to train: excluded while a guard holds")
    suits: Suits = Suits()
    contraindications: tuple[Annotated[tuple[Condition, ...], Field(min_length=1)], ...] = ()
    contraindicated_with: tuple[HealthCondition, ...] = Field((), description="not for who states one of these")
    requires: tuple[Condition, ...] = ()
    cool_down_days: Annotated[int, Field(ge=1, le=LONGEST_COOL_DOWN, description="days before it is sent again")]
    app_action: str
    payload: dict[str, int | float | str | bool] = {}
    payload_values: tuple[str, ...] = ()
    messages: dict[Language, dict[Style, Annotated[tuple[str, ...], Field(min_length=1)]]]

    @model_validator(mode="after")
    def _every_text(self) -> Self:
        for language in LANGUAGES:
            missing = [style for style in REQUIRED_STYLES if style not in self.messages.get(language, {})]
            if missing:
                msg = f"no message for {language}, {missing[0]}"
                raise ValueError(msg)
        for language, style, texts in self.texts():
            if placeholders(texts[-1]):
                msg = f"{language}, {style}: the last message must name no value"
                raise ValueError(msg)
        return self

    @property
    def fixed_payload(self) -> dict[str, int | float | str | bool]:
        """What the payload says to everyone: what to do, and its parameters."""
        return {"do": self.app_action, **self.payload}

    def texts(self) -> Iterator[tuple[Language, Style, tuple[str, ...]]]:
        """Yield the texts of every language and style that has its own."""
        for language, styles in self.messages.items():
            for style, texts in styles.items():
                yield language, style, texts

    def texts_for(self, language: Language, style: Style) -> tuple[str, ...]:
        """Return the texts that a person of that language and style reads."""
        return self.messages[language].get(style) or self.messages[language][REQUIRED_STYLES[0]]


class LibraryFile(Entry):
    """One file of the library."""

    interventions: tuple[Intervention, ...] = ()
    guards: tuple[Guard, ...] = ()
    caps: dict[Channel, Cap] = {}
    support: dict[str, Support] = {}
    units: dict[Language, dict[str, tuple[str | None, str | None, str]]] = {}


class Catalogue(Entry):
    """Every trigger (most urgent first), every intervention, guard and cap, and the version of all."""

    version: str
    triggers: tuple[Trigger, ...]
    interventions: tuple[Intervention, ...]
    guards: tuple[Guard, ...]
    caps: dict[Channel, Cap]
    support: dict[str, Support]
    units: dict[Language, dict[str, tuple[str | None, str | None, str]]]

    @property
    def active_triggers(self) -> tuple[Trigger, ...]:
        """Triggers whose inputs exist."""
        return tuple(trigger for trigger in self.triggers if trigger.active)

    @property
    def active_interventions(self) -> tuple[Intervention, ...]:
        """Interventions that an active trigger can call."""
        names = {trigger.name for trigger in self.active_triggers}
        return tuple(item for item in self.interventions if names & set(item.triggers))

    @property
    def longest_cool_down(self) -> int:
        """Days over which earlier sends matter."""
        return max(item.cool_down_days for item in self.interventions)

    def intervention(self, name: str) -> Intervention:
        """Return the intervention of that name."""
        return next(item for item in self.interventions if item.name == name)


def placeholders(text: str) -> list[tuple[str, str]]:
    """Return the (value, format) pairs that a message names, in order."""
    return [(name, form or "") for _, name, form, _ in Formatter().parse(text) if name is not None]
