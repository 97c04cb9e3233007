"""One night of onboarding: the state of the night before and what is known now give the new state; pure."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from interventions.onboarding.stages import Onboarding

ACTIVE, FINISHED, ENDED = "active", "finished", "ended"
# What the state of the night before brings; null for who is new.
STATE = (
    "segment", "stage", "stage_entered_on", "success_on", "completed_steps", "next_step", "reminders_sent",
)  # fmt: skip


def _segment(machine: Onboarding) -> pl.Expr:
    """Return the segment: what the facts say in the first stage, what it was after it."""
    found = pl.coalesce(
        *(
            pl.when(pl.all_horizontal([condition.holds() for condition in segment.when])).then(pl.lit(segment.name))
            for segment in machine.segments[:-1]
        ),
        pl.lit(machine.segments[-1].name),
    )
    first = pl.col("stage").fill_null(machine.stages[0].name) == machine.stages[0].name
    return pl.when(first).then(found).otherwise("segment")


def _completed(machine: Onboarding) -> pl.Expr:
    """Return the names of the steps that are done or ever were, in the order of the stages."""
    before = pl.col("completed_steps").fill_null([]).list
    steps = [step for stage in machine.stages for step in stage.steps]
    return pl.concat_list(
        pl.when(
            before.contains(pl.lit(step.name)) | pl.any_horizontal([condition.holds() for condition in step.done])
        ).then(pl.lit(step.name))
        for step in steps
    ).list.drop_nulls()


def _by_stage(values: Mapping[str, int | None]) -> pl.Expr:
    return pl.col("stage").replace_strict(values, return_dtype=pl.Int64)


def moved(people: pl.DataFrame, machine: Onboarding) -> pl.DataFrame:
    """Bring segment, completed steps and stage up to date, and say whether onboarding is over (``status``).

    Parameters
    ----------
    people
        Per person the state of the night before (``STATE``), ``as_of_date`` (the last complete local day),
        ``valid_for`` (the first local date after the night), ``days_since_first_event``, and the values that
        conditions ask for.
    """
    names = [stage.name for stage in machine.stages]
    following = dict(zip(names, [*names[1:], names[-1]], strict=True))
    delays = {stage.name: stage.next_stage_delay_days for stage in machine.stages}
    met = pl.coalesce(
        *(
            pl.when((pl.col("stage") == stage.name) & stage.success.holds()).then("as_of_date")
            for stage in machine.stages
        )
    )
    people = people.with_columns(segment=_segment(machine), completed_steps=_completed(machine)).with_columns(
        stage=pl.col("stage").fill_null(names[0]),
        stage_entered_on=pl.col("stage_entered_on").fill_null(pl.col("valid_for")),
    )
    people = people.with_columns(success_on=pl.coalesce("success_on", met))
    # Whole local days: the day after the one of success is a delay of one.
    waited = (pl.col("valid_for") - pl.col("success_on")).dt.total_days()
    people = people.with_columns(on=(waited >= _by_stage(delays)).fill_null(value=False))
    finished = (pl.col("stage") == names[-1]) & pl.col("success_on").is_not_null()
    too_long = pl.col("days_since_first_event").fill_null(0) >= machine.longest_days
    return people.with_columns(
        stage=pl.when("on").then(pl.col("stage").replace_strict(following)).otherwise("stage"),
        stage_entered_on=pl.when("on").then("valid_for").otherwise("stage_entered_on"),
        success_on=pl.when("on").then(pl.lit(None, pl.Date)).otherwise("success_on"),
        status=pl.when(finished).then(pl.lit(FINISHED)).when(too_long).then(pl.lit(ENDED)).otherwise(pl.lit(ACTIVE)),
    ).drop("on")


def _next_steps(machine: Onboarding) -> tuple[pl.Expr, pl.Expr]:
    """Return the first step of the stage that is not done, and its day; null where all are."""
    undone = pl.col("completed_steps").list
    steps, days = [], []
    for segment in machine.segments:
        for item in machine.path(segment):
            here = (
                (pl.col("segment") == segment.name)
                & (pl.col("stage") == machine.stages[item.stage].name)
                & ~undone.contains(pl.lit(item.step.name))
            )
            steps.append(pl.when(here).then(pl.lit(item.step.name)))
            days.append(pl.when(here).then(pl.lit(item.day, pl.Int64)))
    return pl.coalesce(steps), pl.coalesce(days)


def with_next_step(people: pl.DataFrame, machine: Onboarding) -> pl.DataFrame:
    """Add the next step, its date, whether it comes up tonight (``due``), and how often it did.

    ``addressable`` says who may be spoken to at all; for others nothing is due.
    """
    active = pl.col("status") == ACTIVE
    step, day = _next_steps(machine)
    people = people.rename({"next_step": "step_before"}).with_columns(
        next_step=pl.when(active).then(step), day=pl.when(active).then(day)
    )
    people = people.with_columns(
        next_step_due=pl.col("stage_entered_on") + pl.duration(days="day"),
        count=pl.when(pl.col("next_step") == pl.col("step_before")).then("reminders_sent").otherwise(0).fill_null(0),
    )
    reminder = pl.col("count").replace_strict(dict(enumerate(machine.reminders)), default=None, return_dtype=pl.Int64)
    late = (pl.col("valid_for") - pl.col("next_step_due")).dt.total_days()
    due = (late >= reminder).fill_null(value=False) & pl.col("addressable")
    return people.with_columns(due=due, reminders_sent=(pl.col("count") + due).cast(pl.Int64)).drop(
        "count", "day", "step_before"
    )


def with_estimate(people: pl.DataFrame, machine: Onboarding) -> pl.DataFrame:
    """Add ``estimated_days``: what is left of the stage at the pace of the segment, and the stages after it."""
    pace = pl.col("segment").replace_strict(
        {segment.name: segment.pace for segment in machine.segments}, return_dtype=pl.Float64
    )
    delay = pl.col("stage").replace_strict(
        {stage.name: stage.next_stage_delay_days or 0 for stage in machine.stages}, return_dtype=pl.Int64
    )
    after = {
        stage.name: sum(later.days for later in machine.stages[number + 1 :])
        for number, stage in enumerate(machine.stages)
    }
    waits = {
        stage.name: sum(later.next_stage_delay_days or 0 for later in machine.stages[number + 1 :])
        for number, stage in enumerate(machine.stages)
    }
    elapsed = (pl.col("valid_for") - pl.col("stage_entered_on")).dt.total_days()
    waited = (pl.col("valid_for") - pl.col("success_on")).dt.total_days()
    here = (_by_stage({stage.name: stage.days for stage in machine.stages}) * pace).ceil() - elapsed
    left = (
        pl.when(pl.col("success_on").is_not_null())
        .then((delay - waited).clip(lower_bound=0).cast(pl.Float64))
        .otherwise(here.clip(lower_bound=1) + delay)
    )
    rest = (_by_stage(after) * pace).ceil() + _by_stage(waits)
    over = pl.col("status") != ACTIVE
    return people.with_columns(estimated_days=pl.when(over).then(0).otherwise(left + rest).cast(pl.Int64))


def advanced(people: pl.DataFrame, night: date, machine: Onboarding) -> pl.DataFrame:
    """Return the new state of people; see ``moved`` for what must be known, and ``addressable`` beside it."""
    people = with_estimate(with_next_step(moved(people, machine), machine), machine)
    return people.with_columns(batch_date=pl.lit(night), onboarding_version=pl.lit(machine.version))
