"""Texts in the person's language and style, with numbers that are their own.

Rendered per (action, language, style) group, so a template is formatted once for everyone who gets it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from string import Formatter

import polars as pl

from interventions.catalogue import Catalogue, per_catalogue
from interventions.entries import REQUIRED_STYLES, Intervention, Language, Style, placeholders

# Where a placeholder opens the text or a sentence; a colon opens none.
SENTENCE_START = re.compile(r"(?:^|[.?!]\s)$")
MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
           "November", "Dezember"),
}  # fmt: skip
DECIMAL_MARK: dict[Language, str] = {"en": ".", "de": ","}
DAY_FORMAT: dict[Language, str] = {"en": "{} {}", "de": "{}. {}"}
SLOTS: dict[Language, dict[str, str]] = {
    "en": {
        "early_morning": "early in the morning", "morning": "in the morning", "midday": "around noon",
        "afternoon": "in the afternoon", "evening": "in the evening", "night": "at night",
    },
    "de": {
        "early_morning": "am frühen Morgen", "morning": "am Vormittag", "midday": "am Mittag",
        "afternoon": "am Nachmittag", "evening": "am Abend", "night": "in der Nacht",
    },
}  # fmt: skip
STYLE_WORDS: dict[Style, tuple[str, ...]] = {
    "direct": ("direct", "factual", "concise"), "playful": ("playful", "humorous", "funny"),
}  # fmt: skip


def language_of() -> pl.Expr:
    """Return the language to write in: German for who asked for it in any form (de, de-AT), else English."""
    german = pl.col("language").str.to_lowercase().str.starts_with("de").fill_null(value=False)
    return pl.when(german).then(pl.lit("de")).otherwise(pl.lit("en"))


def style_of() -> pl.Expr:
    """Return the style to write in: direct or playful for who asked for it, else encouraging."""
    wish = pl.col("communication_style").str.to_lowercase()
    asked = [pl.when(wish.is_in(words)).then(pl.lit(style)) for style, words in STYLE_WORDS.items()]
    return pl.coalesce(*asked, pl.lit("encouraging"))


def formatted(value: str, form: str, language: Language, catalogue: Catalogue) -> pl.Expr:
    """Return a value as text in a language; null when the value is not known or too little stands behind it."""
    column = pl.col(value)
    if value in catalogue.support:
        support = catalogue.support[value]
        column = pl.when(pl.col(support.count) >= support.minimum).then(column)
    if form == "decimal":
        rounded = column.cast(pl.Float64).round(1)
        return pl.when(rounded.is_finite()).then(
            rounded.cast(pl.Decimal(18, 1)).cast(pl.String).str.replace(".", DECIMAL_MARK[language], literal=True)
        )
    if form == "day":
        month = (
            column.dt.month()
            .cast(pl.Int64)
            .replace_strict(dict(enumerate(MONTHS[language], start=1)), default=None, return_dtype=pl.String)
        )
        return pl.format(DAY_FORMAT[language], column.dt.day(), month)
    if form == "per_hundred":
        share = (column.cast(pl.Float64) * 100).round(0)
        return pl.when(share.is_finite()).then(share.cast(pl.Int64).cast(pl.String))
    if form == "slot":
        return column.replace_strict(SLOTS[language], default=None, return_dtype=pl.String)
    none, one, many = catalogue.units[language].get(form, ("0", "1", "{}"))
    count = pl.when(column.cast(pl.Float64).is_finite()).then(column.cast(pl.Float64).round(0).cast(pl.Int64))
    return (
        pl.when(count == 0)
        .then(pl.lit(none, pl.String))
        .when(count == 1)
        .then(pl.lit(one, pl.String))
        .when(count.is_not_null())
        .then(pl.format(many, count))
    )


Shown = Callable[[str, str, Language, Catalogue], pl.Expr]


def already_shown(value: str, form: str, language: Language, _: Catalogue) -> pl.Expr:
    """Return the column in which a value is text already."""
    return pl.col(f"{value}:{form}:{language}")


def render(text: str, language: Language, catalogue: Catalogue, shown: Shown = formatted) -> pl.Expr:
    """Return the message, or null where a value that it names is not known."""
    parts: list[pl.Expr] = []
    before = ""
    for literal, name, form, _ in Formatter().parse(text):
        before += literal
        parts.append(pl.lit(literal))
        if name is None:
            continue
        value = shown(name, form or "", language, catalogue)
        # A sentence starts with a capital, also when it starts with "in the evening".
        if SENTENCE_START.search(before):
            value = pl.concat_str(value.str.slice(0, 1).str.to_uppercase(), value.str.slice(1))
        parts.append(value)
        before += "{}"
    return pl.concat_str(parts)


def message(
    intervention: Intervention, language: Language, style: Style, catalogue: Catalogue, shown: Shown = formatted
) -> pl.Expr:
    """Return the first message of a style whose values are all known."""
    return pl.coalesce([render(text, language, catalogue, shown) for text in intervention.texts_for(language, style)])


def payload(intervention: Intervention) -> pl.Expr:
    """Return the JSON payload for the app: what to do, its fixed parameters and the person's own values."""
    values = [pl.lit(value).alias(name) for name, value in intervention.fixed_payload.items()]
    return pl.struct([*values, *(pl.col(name) for name in intervention.payload_values)]).struct.json_encode()


Group = tuple[str, Language, Style]


@dataclass(frozen=True, slots=True)
class Written:
    """What a group of people with one intervention, language and style is told, over columns of ``already_shown``."""

    message: pl.Expr
    payload: pl.Expr
    values: dict[str, pl.Expr]  # by the name of the column


@per_catalogue
def written(catalogue: Catalogue) -> Callable[[Group], Written]:
    """Return a function: what a group is told, worked out once."""

    @cache
    def told(group: Group) -> Written:
        name, language, style = group
        item = catalogue.intervention(name)
        if style not in item.messages[language] and style != REQUIRED_STYLES[0]:
            return told((name, language, REQUIRED_STYLES[0]))
        text = message(item, language, style, catalogue, already_shown)
        content = payload(item)
        if not item.payload_values:
            # Alike for everybody, so it is encoded once.
            content = pl.lit(pl.select(content).item())
        named = {pair for text in item.texts_for(language, style) for pair in placeholders(text)}
        values = {
            already_shown(*pair, language, catalogue).meta.output_name(): formatted(*pair, language, catalogue)
            for pair in named
        }
        return Written(text.alias("message"), content.alias("payload"), values)

    return told


def with_messages(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Add ``message`` and ``payload`` to people with ``intervention``; both null where it is null."""
    people = people.with_row_index("_row")
    keys = ("intervention", "_language", "_style")
    labelled = people.filter(pl.col("intervention").is_not_null())
    # Sorted, so that a group is a slice, which copies nothing.
    labelled = labelled.with_columns(_language=language_of(), _style=style_of()).sort(keys)
    groups = labelled.group_by(keys, maintain_order=True).len()
    told: list[tuple[int, Written]] = []
    for name, language, style, size in groups.iter_rows():
        group = written(catalogue)((name, language, style))
        # A style without texts of its own comes right after the one that it reads as.
        if told and told[-1][1] is group:
            told[-1] = told[-1][0] + size, group
        else:
            told.append((size, group))
    # A value is turned into text once, however many groups name it.
    labelled = labelled.with_columns(**{name: value for _, group in told for name, value in group.values.items()})
    parts = [pl.DataFrame(schema={"_row": pl.UInt32, "message": pl.String, "payload": pl.String})]
    start = 0
    for size, group in told:
        parts.append(labelled.slice(start, size).select("_row", group.message, group.payload))
        start += size
    return people.join(pl.concat(parts), on="_row", how="left", maintain_order="left").drop("_row")
