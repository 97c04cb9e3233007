"""A panel: one question of a page, filled from the stores, or one line on why it is empty and how to fill it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from habitlake.errors import HabitlakeError
from habitlake.log import get_logger
from habitlake.tables import get_table

Content = Mapping[str, Any]


class MissingError(HabitlakeError):
    """A panel has nothing to show; the message says why and how to get it."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What a page says under one heading.

    ``template`` names the part that draws ``content``; ``definitions`` are (term, meaning) pairs for every number shown.
    """

    key: str
    title: str
    lead: str
    definitions: tuple[tuple[str, str], ...] = ()
    content: Content = field(default_factory=dict)
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a panel comes about: its words, and the function that reads and shapes its content."""

    key: str
    title: str
    lead: str
    fill: Callable[..., Content]
    definitions: tuple[tuple[str, str], ...] = ()


def serve(recipe: Recipe, *arguments: object) -> Panel:
    """Return the filled panel; whatever goes wrong becomes its one line, so that no panel breaks the page."""
    content: Content = {}
    missing = None
    try:
        content = recipe.fill(*arguments)
    except MissingError as error:
        missing = str(error)
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        get_logger("report").warning("a panel could not be read", panel=recipe.key, error=first)
        missing = f"this panel could not be read: {first}"
    return Panel(recipe.key, recipe.title, recipe.lead, recipe.definitions, content, missing)


def described(table: str, columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the registry's meaning of some columns as definitions."""
    meanings = {column.name: column.description for column in get_table(table).columns}
    return tuple((name.replace("_", " "), meanings[name]) for name in columns)
