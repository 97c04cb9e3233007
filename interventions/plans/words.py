"""What the free words of profiles and reports mean in the catalogue; each distinct word is looked up once."""

import json
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar, get_args

import polars as pl

from interventions.plans.catalogue import REGIONS, PlanCatalogue

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
PartOfDay = Literal["early_morning", "morning", "midday", "afternoon", "evening", "night"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
PARTS_OF_DAY: tuple[PartOfDay, ...] = get_args(PartOfDay)
OTHER_NAMES = {"noon": "midday", "lunch": "midday", "lunchtime": "midday"}
ALL_DAYS = (1 << len(WEEKDAYS)) - 1

Meaning = TypeVar("Meaning", int, str, bool)


def _named(text: str, words: Iterable[str]) -> bool:
    plain = text.strip().lower().replace(" ", "_").replace("-", "_")
    return any(word.replace("-", "_") in plain for word in words)


def regions_of(text: str, catalogue: PlanCatalogue) -> int:
    """Return the bit mask of the regions that a report names; 0 where it names none."""
    return sum(1 << number for number, name in enumerate(REGIONS) if _named(text, catalogue.regions[name].words))


def is_illness(text: str, catalogue: PlanCatalogue) -> bool:
    """Return whether a report is about an illness and not about a region of the body."""
    return _named(text, catalogue.illness)


def equipment_of(text: str, catalogue: PlanCatalogue) -> int:
    """Return the bit mask of the equipment that a word of a profile names."""
    exact = text.strip().lower().replace(" ", "_")
    if exact in catalogue.equipment:
        return catalogue.equipment_bits[exact]
    named = [name for name, piece in catalogue.equipment.items() if _named(text, piece.words)]
    return sum(catalogue.equipment_bits[name] for name in named)


def focus_of(text: str, catalogue: PlanCatalogue) -> int | None:
    """Return the number of the first focus that a workout type or a goal means."""
    return next((number for number, item in enumerate(catalogue.focuses.values()) if _named(text, item.words)), None)


def part_of_day(text: str) -> str | None:
    """Return the part of the day that a preference means."""
    plain = text.strip().lower().replace(" ", "_").replace("-", "_")
    plain = OTHER_NAMES.get(plain, plain)
    return plain if plain in PARTS_OF_DAY else None


def free_days(schedule: str) -> int:
    """Return the bit mask of the weekdays on which a weekly schedule leaves time; every day where it names none."""
    try:
        days = json.loads(schedule)
    except ValueError:
        return ALL_DAYS
    if not isinstance(days, dict):
        return ALL_DAYS
    known = {str(name).lower(): day for name, day in days.items()}
    free = 0
    for number, name in enumerate(WEEKDAYS):
        day = known.get(name)
        if not isinstance(day, dict) or day.get("available", True) is not False:
            free |= 1 << number
    return free or ALL_DAYS


def looked_up(column: pl.Series, meaning: Callable[[str], Meaning | None], kind: type[pl.DataType]) -> pl.Series:
    """Return the meaning of each text; null where it has none."""
    texts = column.drop_nulls().unique().to_list()
    meanings = {text: meaning(text) for text in texts}
    return column.replace_strict(meanings, default=None, return_dtype=kind) if meanings else column.cast(kind)


def each_looked_up(column: pl.Series, meaning: Callable[[str], Meaning | None], kind: type[pl.DataType]) -> pl.Series:
    """Return the meanings of each list of texts, without those that have none and each once."""
    texts = column.explode().drop_nulls().unique().to_list()
    meanings = {text: meaning(text) for text in texts}
    if not meanings:
        return pl.Series(column.name, [None] * column.len(), dtype=pl.List(kind))
    element = pl.element().replace_strict(meanings, default=None, return_dtype=kind)
    return column.list.eval(element.drop_nulls().unique(maintain_order=True))


def union(column: pl.Series, meaning: Callable[[str], int]) -> pl.Series:
    """Return the bit mask of all that each list of texts names; 0 where nothing."""
    together = each_looked_up(column, meaning, pl.Int64).list.eval(pl.element().bitwise_or())
    return together.list.first().fill_null(0)
