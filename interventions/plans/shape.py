"""How a person's week of training is to be: how many sessions, how long, how hard, of what; pure, many people at once."""

import polars as pl

from interventions.health import HELD, STATED_CONSTRAINT, condition_mask, states
from interventions.plans.catalogue import INTENSITIES, LEVELS, PLACES, REGIONS, PlanCatalogue
from interventions.plans.compose import DELOAD_DOSE, LOW_ENERGY
from interventions.plans.minutes import DELOAD_SHARE, longest_session, session_minutes, wished_minutes
from interventions.plans.words import (
    ALL_DAYS,
    each_looked_up,
    equipment_of,
    focus_of,
    free_days,
    looked_up,
    part_of_day,
    regions_of,
    union,
)
from interventions.strain import load_rises, tired

PLAN_DAYS = 7
BLOCK_WEEKS = 4
# A plan that ended longer ago than this starts a new block.
MAX_PAUSE_DAYS = 14
DEFAULT_SESSIONS, DEFAULT_MINUTES = 2.0, 30.0
# As among the risk factors (Foster 1998).
MONOTONY = 2.0
# Until then a person is new, and the chronic load of 28 days says nothing yet.
NEWCOMER_DAYS = 28
HIGHEST_INTENSITY = {"beginner": 1, "intermediate": 1, "advanced": 2}
DEFAULT_FOCUS = "walk"


def due_reason() -> pl.Expr:
    """Return why a plan is due, or null: the first one, the old one's week is over, injuries or health conditions changed."""
    injuries = pl.col("injured").ne_missing(pl.col("last_injured")) | pl.col("injured_mask").ne_missing(
        pl.col("last_injured_mask")
    )
    over = (pl.col("valid_from") - pl.col("last_valid_from")).dt.total_days() >= PLAN_DAYS
    return (
        pl.when(pl.col("last_valid_from").is_null())
        .then(pl.lit("first"))
        .when(over)
        .then(pl.lit("week_over"))
        .when(injuries)
        .then(pl.lit("injury_changed"))
        .when(pl.col("conditions_changed_on") > pl.col("last_night"))
        .then(pl.lit("constraint_changed"))
    )


def with_week(people: pl.DataFrame) -> pl.DataFrame:
    """Add ``due_reason``, and of the week that is due, else of the one in force, ``block_week`` and ``unloads``.

    The goals of the night, which rest on this, can only make a week of rest of it, of who is injured.
    """
    return people.with_columns(due_reason=due_reason(), block_week=_block_week()).with_columns(
        block_week=pl.when(pl.col("due_reason").is_null()).then("last_block_week").otherwise("block_week"),
        unloads=pl.when(pl.col("due_reason").is_null())
        .then("last_deload")
        .otherwise(pl.any_horizontal(_unloading().values()) & ~pl.any_horizontal(_rest().values()))
        .fill_null(value=False),
    )


def with_meanings(people: pl.DataFrame, catalogue: PlanCatalogue) -> pl.DataFrame:
    """Add what the words of the profile mean, as positions and bit masks of the catalogue.

    These are ``first_focus``, ``second_focus``, ``own_equipment``, ``past_mask``, ``health_mask``, ``free_mask``, ``place``
    and, as text, ``part_of_day``.
    """
    focuses = list(catalogue.focuses)

    def focus(text: str) -> int | None:
        return focus_of(text, catalogue)

    people = people.with_columns(
        condition_mask().alias("health_mask"),
        each_looked_up(people["workout_types"], focus, pl.Int64).alias("kinds"),
        looked_up(people["primary_goal"], focus, pl.Int64).alias("goal_focus"),
        union(people["equipment"], lambda text: equipment_of(text, catalogue)).alias("named_equipment"),
        union(people["injury_history"], lambda text: regions_of(text, catalogue)).alias("past_mask"),
        looked_up(people["schedule_json"], free_days, pl.Int64).fill_null(ALL_DAYS).alias("free_mask"),
        each_looked_up(people["preferred_times"], part_of_day, pl.String).list.first().alias("preferred_part"),
    )
    kind = pl.col("kinds").list
    people = people.with_columns(
        first_focus=pl.coalesce(kind.first(), "goal_focus", pl.lit(focuses.index(DEFAULT_FOCUS), pl.Int64)),
        part_of_day=pl.coalesce("best_part", "preferred_part"),
    ).with_columns(second_focus=pl.coalesce(kind.get(1, null_on_oob=True), "first_focus"))
    # Who likes a kind of training has what it takes.
    brings = {
        number: sum(catalogue.equipment_bits[name] for name in item.brings)
        for number, item in enumerate(catalogue.focuses.values())
    }
    own = pl.col("named_equipment")
    for name in ("first_focus", "second_focus"):
        own = own | pl.col(name).replace_strict(brings, return_dtype=pl.Int64)
    of_a_gym = catalogue.equipment_bits["machines"] | catalogue.equipment_bits["barbell"]
    home, gym = PLACES.index("home"), PLACES.index("gym")
    known_place = pl.col("best_place").replace_strict(
        {name: number for number, name in enumerate(PLACES)}, default=None, return_dtype=pl.Int64
    )
    guess = pl.when(pl.col("named_equipment") & of_a_gym != 0).then(pl.lit(gym)).otherwise(pl.lit(home))
    return people.with_columns(own_equipment=own, place=pl.coalesce(known_place, guess))


def _is_known() -> pl.Expr:
    return pl.col("days_since_first_event").fill_null(0) >= NEWCOMER_DAYS


def _rest() -> dict[str, pl.Expr]:
    """Return per rule that makes a week one of rest whether it applies, as far as goals do not decide it."""
    injured, ill = pl.col("injured"), pl.col("ill")
    return {"rest_ill": injured & ill, "rest_injury_unknown": injured & ~ill & (pl.col("injured_mask") == 0)}


def _unloading() -> dict[str, pl.Expr]:
    """Return per rule that makes a week one of unloading whether it applies."""
    return {
        "deload_week": pl.col("block_week") == BLOCK_WEEKS,
        "load_spike": _is_known() & load_rises(),
        "high_monotony": pl.col("monotony") >= MONOTONY,
    }


def _rules() -> dict[str, pl.Expr]:
    """Return per rule that shapes a plan, in the order in which reasons are listed, whether it applies."""
    injured, known = pl.col("injured"), _is_known()
    no_goal = pl.col("goal_sessions").is_null() & ~pl.any_horizontal(_rest().values())
    target = pl.col("target_sessions_per_week")
    return {
        **_rest(),
        # Who is well again gets the one session that is the least of all goals.
        "rest_goal": injured & (pl.col("goal_sessions").round() == 0),
        "injured": injured & ~pl.col("ill") & (pl.col("injured_mask") != 0),
        "past_injury": pl.col("past_mask") != 0,
        STATED_CONSTRAINT: pl.col("health_mask") != 0,
        **_unloading(),
        "worn_out": tired(),
        "low_energy": pl.col("energy_level") <= LOW_ENERGY,
        "newcomer": ~known,
        "own_target": no_goal & target.is_not_null(),
        "usual_start": no_goal & target.is_null(),
    }


def _block_week() -> pl.Expr:
    """Return the week within the block of four: it starts anew after a deload, an injury and a pause."""
    pause = (pl.col("valid_from") - pl.col("last_valid_from")).dt.total_days() > PLAN_DAYS + MAX_PAUSE_DAYS
    anew = (
        pl.col("injured")
        | pl.col("last_injured").fill_null(value=True)
        | pl.col("last_deload").fill_null(value=True)
        | pause.fill_null(value=True)
    )
    return pl.when(anew).then(pl.lit(1, pl.Int64)).otherwise(pl.col("last_block_week") % BLOCK_WEEKS + 1)


def _session_minutes(people: pl.DataFrame) -> pl.Series:
    """Return the minutes of each person's sessions: the week's goal over its sessions, within what the profile allows."""
    wished = wished_minutes()
    asked = pl.coalesce(
        pl.col("goal_minutes") / pl.max_horizontal("sessions", pl.lit(1)),
        (wished.list.min() + wished.list.max()) / 2,
        pl.lit(DEFAULT_MINUTES),
    )
    share = pl.when("deload").then(DELOAD_SHARE).otherwise(1.0)
    known = people.select(asked=asked, longest=longest_session(), share=share)
    return pl.Series(session_minutes(*(known[name].to_numpy() for name in known.columns))).cast(pl.Int64)


def _highest_intensity(catalogue: PlanCatalogue) -> pl.Expr:
    """Return the highest intensity that level and stated health conditions allow."""
    level = pl.col("level").replace_strict(
        {number: HIGHEST_INTENSITY[name] for number, name in enumerate(LEVELS)}, return_dtype=pl.Int64
    )
    allowed = [
        pl.when(states([name])).then(pl.lit(INTENSITIES.index(item.highest), pl.Int64))
        for name, item in catalogue.health_conditions.items()
    ]
    return pl.min_horizontal(level, *allowed)


def shaped(people: pl.DataFrame, catalogue: PlanCatalogue) -> pl.DataFrame:
    """Add the shape of the week; levels, intensities and doses as positions.

    These are ``sessions``, ``session_minutes``, ``level``, ``intensity``, ``dose``, ``deload``, ``low_energy`` and
    ``reasons``. Needs what ``with_week`` and ``with_meanings`` add, and the goals of the night.
    """
    rules = {name: rule.fill_null(value=False) for name, rule in _rules().items()}
    people = people.with_columns(rule.alias(f"is_{name}") for name, rule in rules.items())
    rest = pl.any_horizontal("is_rest_ill", "is_rest_injury_unknown", "is_rest_goal")
    wanted = pl.coalesce("goal_sessions", "target_sessions_per_week", pl.lit(DEFAULT_SESSIONS))
    named = [pl.when(pl.col(f"is_{name}")).then(pl.lit(name)) for name in rules]
    level = pl.col("fitness_level").replace_strict(
        {name: number for number, name in enumerate(LEVELS)}, default=0, return_dtype=pl.Int64
    )
    people = people.with_columns(
        sessions=pl.when(rest).then(0).otherwise(wanted.round().clip(1, PLAN_DAYS)).cast(pl.Int64),
        deload=pl.col("unloads") & ~rest,
        level=level.fill_null(0),
        reasons=pl.concat_list(named).list.drop_nulls(),
        low_energy=pl.col("is_low_energy"),
    )
    eased = pl.col("deload") | pl.col("is_worn_out") | pl.col("is_newcomer")
    gentle = pl.col("injured") | pl.col("is_worn_out") | states(HELD)
    intensity = (_highest_intensity(catalogue) - eased.cast(pl.Int64)).clip(0)
    return people.with_columns(
        _session_minutes(people).alias("session_minutes"),
        intensity=pl.when("injured").then(0).otherwise(intensity),
        dose=pl.when("deload").then(DELOAD_DOSE).when(gentle).then(0).otherwise(pl.col("block_week") - 1),
    ).drop(f"is_{name}" for name in rules)


def region_names() -> pl.Expr:
    """Return the names of the regions of ``injured_mask``."""
    named = [
        pl.when(pl.col("injured_mask") & (1 << number) != 0).then(pl.lit(name)) for number, name in enumerate(REGIONS)
    ]
    return pl.concat_list(named).list.drop_nulls()
