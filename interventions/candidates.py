"""What could be sent to each person: one row per person and intervention with a trigger that fired.

Scores and exclusions are computed for those rows alone, so a night's cost follows what fired and not the size of the
library.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.contracts.intervention import Channel
from interventions.caps import CHANNEL_CAP, full
from interventions.catalogue import Catalogue, per_catalogue
from interventions.eligibility import COOL_DOWN, UNREACHED, Question, Rule, fired_triggers, holds, reaches, rules
from interventions.entries import Intervention
from interventions.goals.model import Floats
from interventions.scoring import context, history, match, score, wanted
from interventions.values import with_derived

Numbers = NDArray[np.integer[Any]]
ROW = "_row"
# Where there is no trigger, channel or reason.
NOBODY = -1
SCHEMA = {
    ROW: pl.UInt32, "position": pl.UInt16, "intervention": pl.String, "action": pl.String, "trigger": pl.String,
    "channel": pl.String, "score": pl.Float64, "excluded": pl.String,
}  # fmt: skip


def with_triggers(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Add the derived values, and ``triggers``: the list of what fired, most urgent first."""
    people = with_derived(people)
    named = [pl.when(fires).then(pl.lit(name)) for name, fires in fired_triggers(catalogue).items()]
    return people.with_columns(triggers=pl.concat_list(named).list.drop_nulls())


@dataclass(frozen=True, slots=True)
class Questions:
    """What the rules of a catalogue ask about people, each question once, and the rules of each intervention."""

    triggers: dict[str, pl.Expr]
    conditions: dict[Question, pl.Expr]
    reached: dict[Channel, pl.Expr]
    open: dict[Channel, pl.Expr]
    matches: dict[tuple[str, tuple[str, ...]], pl.Expr]
    rules: dict[str, list[Rule]]
    reasons: dict[str, int]

    @property
    def asked(self) -> tuple[dict[Any, pl.Expr], ...]:
        """All questions, in groups."""
        return self.triggers, self.conditions, self.reached, self.open, self.matches


@per_catalogue
def questions(catalogue: Catalogue) -> Questions:
    """Return what is asked about people, as expressions over ``candidates``'s people."""
    items = catalogue.interventions
    rules_of = {item.name: rules(item, catalogue.guards) for item in items}
    channels = list(dict.fromkeys(channel for item in items for channel in item.channels))
    reached = {channel: reaches(channel) for channel in channels}
    reasons = [*(rule.reason for found in rules_of.values() for rule in found), UNREACHED, CHANNEL_CAP]
    asked = dict.fromkeys(condition for found in rules_of.values() for rule in found for condition in rule.conditions)
    return Questions(
        {trigger.name: pl.col("triggers").list.contains(trigger.name) for trigger in catalogue.active_triggers},
        {condition: holds(condition) for condition in asked},
        reached,
        {channel: reaching & ~full(channel, catalogue.caps) for channel, reaching in reached.items()},
        {pair: match(*pair) for pair in dict.fromkeys(pair for item in items for pair in wanted(item))},
        rules_of,
        {reason: place for place, reason in enumerate(dict.fromkeys(reasons))},
    )


class Answers:
    """The answers to a catalogue's questions about some people: arrays alike with their rows.

    Rules are judged in NumPy on the rows of those whom a trigger fired for: a library holds some hundred rules, and most
    concern few people.
    """

    def __init__(self, people: pl.DataFrame, asked: Questions) -> None:
        expressions = [expression for group in asked.asked for expression in group.values()]
        numbered = [expression.alias(str(number)) for number, expression in enumerate(expressions)]
        found = iter(people.select(*numbered, history=history(), context=context()).get_columns())
        self.triggers, self.conditions, self.reached, self.open, self.matches = (
            {key: next(found).to_numpy() for key in group} for group in asked.asked
        )
        self.history, self.context = (next(found).to_numpy() for _ in range(2))

    def fired(self, item: Intervention, urgency: Sequence[str]) -> tuple[Numbers, Numbers]:
        """Return the rows of people for whom a trigger of the intervention fired, and the most urgent one's place."""
        trigger = np.full(len(self.history), NOBODY)
        for place in reversed(range(len(urgency))):
            if urgency[place] in item.triggers:
                trigger[self.triggers[urgency[place]]] = place
        rows = np.flatnonzero(trigger != NOBODY)
        return rows, trigger[rows]

    def channel(self, item: Intervention, rows: Numbers, places: dict[Channel, int]) -> Numbers:
        """Return the place of the first channel that can reach the person and is not full; NOBODY without any."""
        chosen = np.full(len(rows), NOBODY)
        for channel in reversed(item.channels):
            chosen[self.open[channel][rows]] = places[channel]
        return chosen

    def excluded(self, item: Intervention, rows: Numbers, chosen: Numbers, asked: Questions) -> Numbers:
        """Return the place of the first reason: a rule's, then that no channel is there, or has room."""
        first = np.where(chosen == NOBODY, asked.reasons[CHANNEL_CAP], NOBODY)
        reached = np.logical_or.reduce([self.reached[channel][rows] for channel in item.channels])
        first[~reached] = asked.reasons[UNREACHED]
        for rule in reversed(asked.rules[item.name]):
            hold = np.logical_and.reduce([self.conditions[condition][rows] for condition in rule.conditions])
            first[hold != rule.required] = asked.reasons[rule.reason]
        return first

    def score(self, item: Intervention, rows: Numbers) -> Floats:
        """Return the score of the intervention for each row."""
        matches = [self.matches[pair][rows] for pair in wanted(item)]
        return score(item, matches, self.history[rows], self.context[rows])


def _named(names: Iterable[str], places: Numbers) -> pl.Series:
    """Return the names at places; null at NOBODY, the last one."""
    return pl.Series([*names, None], dtype=pl.String).gather(places)


def candidates(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return each person's candidates, in the order of the library.

    Parameters
    ----------
    people
        One row per person, with the row's number in ``_row``, ``first_decision_date``, ``triggers`` and how full the
        channels are (``caps.with_channel_weeks``).

    Returns
    -------
    pl.DataFrame
        ``_row``, ``position`` in the library, ``intervention``, ``action``, ``trigger`` (the most urgent of the
        intervention's that fired), ``channel``, ``score``, ``excluded`` (why not, or null).
    """
    asked = questions(catalogue)
    answers = Answers(people, asked)
    urgency = list(asked.triggers)
    places: dict[Channel, int] = {channel: place for place, channel in enumerate(asked.open)}
    parts = []
    for number, item in enumerate(catalogue.interventions):
        rows, trigger = answers.fired(item, urgency)
        if len(rows):
            channel = answers.channel(item, rows, places)
            excluded = answers.excluded(item, rows, channel, asked)
            parts.append((rows, np.full(len(rows), number), trigger, channel, answers.score(item, rows), excluded))
    if not parts:
        return pl.DataFrame(schema=SCHEMA)
    row, position, trigger, channel, scored, excluded = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    possible = pl.DataFrame(
        {
            ROW: people[ROW].gather(row), "position": position,
            "intervention": _named((item.name for item in catalogue.interventions), position),
            "action": _named((item.action for item in catalogue.interventions), position),
            "trigger": _named(urgency, trigger), "channel": _named(places, channel),
            "score": pl.Series(scored).round(6), "excluded": _named(asked.reasons, excluded),
        },
        schema_overrides=SCHEMA,
    )  # fmt: skip
    return _cooled_down(possible, people, catalogue)


def _cooled_down(possible: pl.DataFrame, people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Exclude what was sent to the person within its cool-down; other reasons stay."""
    sent = people.select(ROW, "first_decision_date", "sent_before").explode("sent_before").unnest("sent_before")
    days = {item.name: item.cool_down_days for item in catalogue.interventions}
    # A name that has left the library cools nothing down.
    last_days = pl.col("intervention").replace_strict(days, default=0, return_dtype=pl.Int64)
    since = (pl.col("first_decision_date") - pl.col("local_date")).dt.total_days()
    hot = sent.filter(since < last_days).select(ROW, "intervention", cooling=pl.lit(COOL_DOWN))
    return (
        possible.join(hot.unique(), on=[ROW, "intervention"], how="left", maintain_order="left")
        .with_columns(pl.coalesce("excluded", "cooling"))
        .drop("cooling")
    )


def listed(possible: pl.DataFrame, arms: pl.DataFrame) -> pl.DataFrame:
    """Return ``_row`` and ``candidates``, the person's candidates as a JSON list in the order of the library.

    Parameters
    ----------
    possible
        Candidates with ``effect`` and ``effect_sd``.
    arms
        As of ``interventions.arms.offered``: who is no arm has probability null.
    """
    drawn = arms.lazy().select(ROW, intervention="arms", probability="arm_probabilities")
    drawn = drawn.explode("intervention", "probability")
    record = pl.struct(
        "intervention", "action", "channel", "score", "effect", "effect_sd", "probability", "trigger", "excluded"
    ).struct.json_encode()
    # Rows come in the order of the library, and a group keeps it.
    joined = possible.lazy().join(drawn, on=[ROW, "intervention"], how="left", maintain_order="left")
    joined = joined.select(ROW, record=record).group_by(ROW).agg(pl.col("record").str.join(","))
    return joined.select(ROW, candidates=pl.format("[{}]", "record")).collect()
