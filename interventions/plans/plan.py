"""The plans of people whose week has its shape: days, sessions and JSON; pure, many people at once."""

import json
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from interventions.entries import LANGUAGES, STYLES
from interventions.identity import SEPARATOR, stable_seeds
from interventions.messages import language_of, style_of
from interventions.plans.catalogue import INTENSITIES, LEVELS, PLACES, REGIONS, Moment
from interventions.plans.choose import VARIETIES, SessionKey
from interventions.plans.compose import Composer
from interventions.plans.contract import SCHEMA_VERSION
from interventions.plans.shape import PLAN_DAYS, region_names
from interventions.plans.week import DAYS, best_days
from interventions.plans.words import WEEKDAYS

# The third session of a week is of another kind, so that a week of running has strength in it.
COMPLEMENT_EVERY = 3
HARD = INTENSITIES.index("high")
UNKNOWN_RATE, UNKNOWN_DAY = 0.5, 0.1
TIE = 0.01
SESSION_MOMENTS: tuple[Moment, ...] = ("before_low_motivation", "struggling", "after_success")
PLAN_MOMENTS: tuple[Moment, ...] = ("streak", "general")
RATES = tuple(f"rate_{day}" for day in WEEKDAYS)
# How many bits each member of a session's key takes in one integer; the catalogue is held to them.
KEY_BITS = (4, 2, 16, 2, 2, 7, 12, 8, 2, 2, 1)


def plan_seeds(people: pl.DataFrame, seed: int) -> NDArray[np.int64]:
    """Return a seed per plan, from the person and the plan's first day alone."""
    keys = people.select(
        pl.concat_str(
            pl.lit(f"{seed}"), pl.lit("plan"), "user_id", pl.col("valid_from").cast(pl.String), separator=SEPARATOR
        )
    )
    return stable_seeds(keys.to_series().to_list())


def training_days(people: pl.DataFrame, seeds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return per person the weekdays (Monday first) of the sessions.

    A weekday without a known success rate counts a little less than the worst known one.
    """
    rates = people.select(RATES).cast(pl.Float64).to_numpy()
    lowest = np.fmin.reduce(rates, axis=1)
    unknown = np.where(np.isnan(lowest), UNKNOWN_RATE, lowest - UNKNOWN_DAY)
    days = np.arange(DAYS)
    free = (people["free_mask"].to_numpy()[:, None] >> days & 1).astype(bool)
    ties = TIE * ((seeds[:, None] >> (8 * days)) & 255) / 255
    return best_days(people["sessions"].to_numpy(), np.where(np.isnan(rates), unknown[:, None], rates), free, ties)


def session_rows(people: pl.DataFrame, seeds: NDArray[np.int64], composer: Composer) -> pl.DataFrame:
    """Return a row per session in order of person and date.

    Its columns are ``row`` of the person, ``offset`` from the plan's first day, and the members of its ``SessionKey``.
    """
    first_weekday = (people["valid_from"].dt.weekday() - 1).to_numpy()
    on_day = training_days(people, seeds)
    offsets = np.arange(DAYS)
    by_offset = np.take_along_axis(on_day, (first_weekday[:, None] + offsets) % DAYS, axis=1)
    person, offset = np.nonzero(by_offset)
    number = (by_offset.cumsum(axis=1) - 1)[person, offset]
    focuses = composer.catalogue.focuses
    index = {name: place for place, name in enumerate(focuses)}
    complements = np.array([index[item.complement] for item in focuses.values()])
    relevant = np.array([composer.chooser.relevant_equipment(name) for name in focuses])
    steady = np.array([item.steady for item in focuses.values()])
    places = np.array([[PLACES.index(composer.chooser.place_of(name, place)) for place in PLACES] for name in focuses])

    def own(name: str) -> NDArray[np.int64]:
        return people[name].to_numpy()[person]

    first, second = own("first_focus"), own("second_focus")
    focus = np.where(
        number % COMPLEMENT_EVERY == COMPLEMENT_EVERY - 1, complements[first], np.where(number % 2 == 1, second, first)
    )
    place = places[focus, own("place")]
    there = np.array(composer.chooser.at_place)[place]
    intensity = own("intensity")
    return pl.DataFrame(
        {
            "row": person,
            "offset": offset,
            "focus": focus,
            "place": place,
            "equipment": own("own_equipment") & relevant[focus] & ~there,
            "level": own("level"),
            # No two hard sessions one after the other.
            "intensity": np.where((intensity == HARD) & (number % 2 == 1), intensity - 1, intensity),
            "minutes": own("session_minutes"),
            "avoided": own("injured_mask") | own("health_mask") << len(REGIONS),
            "past": own("past_mask") & ~own("injured_mask"),
            "dose": np.where(steady[focus], 0, own("dose")),
            "variety": (seeds[person] + number) % VARIETIES,
            "language": own("language_number"),
        }
    )


def _packed() -> pl.Expr:
    """Return the session key as one integer, which groups faster than its eleven members."""
    packed = pl.lit(0, pl.Int64)
    for name, width in zip(SessionKey._fields, KEY_BITS, strict=True):
        packed = packed * (1 << width) + pl.col(name)
    return packed


def composed(rows: pl.DataFrame, composer: Composer) -> pl.DataFrame:
    """Add ``done_focus``, ``done_place``, ``swapped`` and ``members`` (JSON) of each session, each composed once."""
    rows = rows.with_columns(key=_packed())
    unique = rows.unique("key")
    found = [composer.compose(SessionKey(*row)) for row in unique.select(SessionKey._fields).iter_rows()]
    kinds = {"done_focus": pl.String, "done_place": pl.String, "swapped": pl.Boolean, "members": pl.String}
    by_key = pl.concat([unique.select("key"), pl.DataFrame(found, schema=kinds, orient="row")], how="horizontal")
    return rows.join(by_key, on="key", how="left", maintain_order="left")


def _texts(moments: tuple[Moment, ...], composer: Composer) -> pl.DataFrame:
    """Return the JSON of some moments' texts by style, language and variety."""
    texts = composer.catalogue.moments
    return pl.DataFrame(
        [
            {
                "style": style,
                "language_number": number,
                "variety": variety,
                "texts": json.dumps(
                    {moment: texts[moment][language][style][variety] for moment in moments}, ensure_ascii=False
                ),
            }
            for style in STYLES
            for number, language in enumerate(LANGUAGES)
            for variety in range(VARIETIES)
        ]
    )


def _session_json() -> pl.Expr:
    part = pl.when(pl.col("part_of_day").is_null()).then(pl.lit("null")).otherwise(pl.format('"{}"', "part_of_day"))
    return pl.concat_str(
        pl.lit('{"date":"'), pl.col("day").cast(pl.String), pl.lit('","weekday":"'), "weekday", pl.lit('","part_of_day":'), part,
        pl.lit(","), "members", pl.lit(',"motivation":'), "texts", pl.lit("}"),
    )  # fmt: skip


def _note(composer: Composer) -> pl.Expr:
    """Return the member of a plan's JSON that says what comes first, for who states any health condition; else nothing."""
    note = composer.catalogue.note
    members = {name: f'"note":{json.dumps(getattr(note, name), ensure_ascii=False)},' for name in LANGUAGES}
    text = pl.col("language").replace_strict(members, return_dtype=pl.String)
    return pl.when(pl.col("health_mask") != 0).then(text).otherwise(pl.lit(""))


def _plan_json(composer: Composer) -> pl.Expr:
    deload = pl.when("deload").then(pl.lit("true")).otherwise(pl.lit("false"))
    start = pl.when("low_energy").then(pl.lit("short")).otherwise(pl.lit("full"))
    listed = pl.when(pl.col("reasons").list.len() > 0).then(
        pl.format('"{}"', pl.col("reasons").list.join('","'))
    ).otherwise(pl.lit(""))  # fmt: skip
    return pl.concat_str(
        pl.lit(f'{{"schema_version":{SCHEMA_VERSION},"valid_from":"'), pl.col("valid_from").cast(pl.String),
        pl.lit('","valid_to":"'), (pl.col("valid_from") + pl.duration(days=PLAN_DAYS - 1)).cast(pl.String),
        pl.lit('","language":"'), "language", pl.lit('","style":"'), "style", pl.lit('","deload":'), deload,
        pl.lit(',"start_with":"'), start, pl.lit('","reasons":['), listed, pl.lit("],"), _note(composer),
        pl.lit('"motivation":'), "texts",
        pl.lit(',"sessions":['), pl.col("session").fill_null(""), pl.lit("]}"),
    )  # fmt: skip


def _named(column: str, names: tuple[str, ...]) -> pl.Expr:
    return pl.col(column).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def plans(people: pl.DataFrame, batch_date: date, seed: int, composer: Composer) -> pl.DataFrame:
    """Return a plan per person given, columns as in ``gold.workout_plans``, in their order.

    Parameters
    ----------
    people
        People whose plan is due, with the columns that ``shape.with_meanings`` and ``shape.shaped`` add.
    """
    seeds = plan_seeds(people, seed)
    people = people.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        language=language_of(),
        style=style_of(),
        variety=pl.Series(seeds % VARIETIES),
    )
    people = people.with_columns(
        language_number=pl.col("language").replace_strict(
            {name: number for number, name in enumerate(LANGUAGES)}, return_dtype=pl.Int64
        )
    )
    by_text = ["style", "language_number", "variety"]
    rows = composed(session_rows(people, seeds, composer), composer)
    rows = (
        rows.rename({"language": "language_number"})
        .join(people.select("row", "valid_from", "part_of_day", "style"), on="row", how="left", maintain_order="left")
        .join(_texts(SESSION_MOMENTS, composer), on=by_text, how="left", maintain_order="left")
    )
    rows = rows.with_columns(day=pl.col("valid_from") + pl.duration(days=pl.col("offset")))
    rows = rows.with_columns(
        weekday=pl.col("day").dt.weekday().replace_strict(dict(enumerate(WEEKDAYS, start=1)), return_dtype=pl.String)
    ).select(
        "row",
        "done_focus",
        "done_place",
        "swapped",
        "intensity",
        "weekday",
        session=_session_json(),
    )
    weeks = rows.group_by("row").agg(
        pl.col("done_focus", "done_place").first(),
        pl.col("swapped").any(),
        pl.col("intensity").max().alias("hardest"),
        pl.col("weekday"),
        pl.col("session").str.join(","),
    )
    found = people.join(weeks, on="row", how="left", maintain_order="left").join(
        _texts(PLAN_MOMENTS, composer), on=by_text, how="left", maintain_order="left"
    )
    return found.select(
        pl.lit(batch_date).alias("batch_date"),
        "user_id",
        "valid_from",
        "due_reason",
        "sessions",
        session_minutes=pl.when(pl.col("sessions") > 0).then("session_minutes").otherwise(0),
        minutes=pl.col("sessions") * pl.col("session_minutes"),
        focus="done_focus",
        place="done_place",
        intensity=_named("hardest", INTENSITIES),
        level=_named("level", LEVELS),
        weekdays=pl.col("weekday").fill_null([]),
        part_of_day="part_of_day",
        block_week="block_week",
        deload="deload",
        injured="injured",
        injured_regions=region_names(),
        swapped=pl.col("swapped").fill_null(value=False),
        reasons="reasons",
        catalogue_version=pl.lit(composer.catalogue.version),
        plan=_plan_json(composer),
    )
