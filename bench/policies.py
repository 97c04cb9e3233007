"""Policies of sending in the simulated world, closed loop: who is sent what changes what they do, and what is learned.

People live through the simulator's days in memory. Each night the features that triggers, rules and scores read are
computed from their days, the platform's own functions say who is available and which candidates are eligible, and each
policy chooses. The learned one draws with the platform's probabilities and learns by the platform's attribution and
response model. Every policy meets the same people and the same chances of each seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from bench.intervals import mean_with_interval
from bench.simulated import Life, features
from habitlake.simulator import truth
from habitlake.simulator.day import Day
from habitlake.simulator.draws import uniform
from interventions.arms import drawn_arm, offered
from interventions.candidates import ROW, candidates, with_triggers
from interventions.caps import messages_of_week, with_channel_weeks
from interventions.catalogue import Catalogue, catalogue
from interventions.entries import LONGEST_COOL_DOWN
from interventions.holdout import with_holdout
from interventions.policy import unavailable_reasons
from interventions.response.attribution import contrasts, judged
from interventions.response.effects import dosage_price, expectations, unlearned, with_effects
from interventions.response.model import COUNTS, GROUP, SUMS, Floats, added, beliefs, contribution, nothing
from interventions.response.outcomes import ALL_OUTCOMES, CALM, RESTED, SESSION, SLEPT, VISIT, outcome_of
from interventions.scoring import WEEKLY_CAP

RUN_IN = 28
DRAW = 200
RANDOM_RATE = 0.5
ENOUGH = 1_000
SENT = {"intervention": pl.String, "channel": pl.String, "local_date": pl.Date}
LEARNED, RULES, RANDOM, NONE = "learned (this platform)", "rules alone", "random", "none"


Policy = Callable[[pl.DataFrame, pl.DataFrame, Floats, pl.DataFrame, Catalogue], pl.DataFrame]


def _one_arm(chosen: pl.DataFrame, probability: float) -> pl.DataFrame:
    return chosen.select(
        ROW, arms=pl.concat_list("intervention"), arm_actions=pl.concat_list("action"),
        arm_channels=pl.concat_list("channel"),
        arm_probabilities=pl.concat_list(pl.lit(probability)),
    )  # fmt: skip


def learned(
    possible: pl.DataFrame, people: pl.DataFrame, _: Floats, known: pl.DataFrame, library: Catalogue
) -> pl.DataFrame:
    """Draw with the platform's probabilities."""
    return offered(with_effects(possible, people, known, library), dosage_price(known))


def rules_alone(possible: pl.DataFrame, *_: object) -> pl.DataFrame:
    """Send the candidate of the greatest score whenever there is one."""
    best = possible.sort("score", descending=True, maintain_order=True).unique(ROW, keep="first", maintain_order=True)
    return _one_arm(best, 1.0)


def at_random(possible: pl.DataFrame, _people: pl.DataFrame, draws: Floats, *_: object) -> pl.DataFrame:
    """Send one of the candidates, each alike, on every other day."""
    ranked = possible.with_columns(
        pl.Series("draw", draws[possible[ROW].to_numpy()]),
        number=pl.int_range(pl.len()).over(ROW),
        count=pl.len().over(ROW),
    )
    return _one_arm(ranked.filter(pl.col("number") == (pl.col("draw") * pl.col("count")).floor()), RANDOM_RATE)


POLICIES: dict[str, Policy | None] = {LEARNED: learned, RULES: rules_alone, RANDOM: at_random, NONE: None}


@dataclass(slots=True)
class Memory:
    """What the nights before decided: the triggers that were on, and what was sent for which date."""

    triggers: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={ROW: pl.UInt32, "triggers_before": pl.List(pl.String)})
    )
    sent: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={ROW: pl.UInt32, **SENT}))

    def told(self, people: pl.DataFrame) -> pl.DataFrame:
        """Add ``triggers_before`` and ``sent_before`` to the people."""
        sent = self.sent.group_by(ROW).agg(sent_before=pl.struct(*SENT))
        people = people.drop("triggers_before", "sent_before")
        for known in (self.triggers, sent):
            people = people.join(known, on=ROW, how="left", maintain_order="left")
        return people

    def keep(self, people: pl.DataFrame, decided: pl.DataFrame) -> None:
        """Remember a night."""
        self.triggers = people.select(ROW, triggers_before="triggers")
        day = people["first_decision_date"].first()
        sent = decided.filter("send").select(ROW, "intervention", "channel", local_date=pl.lit(day))
        since = (day - pl.col("local_date")).dt.total_days()
        self.sent = pl.concat([self.sent, sent]).filter(since < LONGEST_COOL_DOWN)


def decisions(life: Life, memory: Memory, policy: Policy, known: pl.DataFrame, library: Catalogue) -> pl.DataFrame:
    """Return the night's decisions about who is available, as ``attribution.contrasts`` reads them."""
    people = with_holdout(with_channel_weeks(memory.told(features(life)), library.caps), share=0.0)
    people = with_triggers(people, library).with_columns(messages_of_week=messages_of_week())
    index = len(life.days)
    signed = (life.traits.sign_up < index) & ~life.state.dropped
    eligible = candidates(people, library).filter(pl.col("excluded").is_null())
    draws, more_draws = (uniform(life.seed, life.traits.person, index, purpose) for purpose in (DRAW, DRAW + 1))
    chosen = policy(eligible, people, more_draws, known, library)
    rows = people.with_columns(pl.Series("signed", signed), pl.Series("draw", draws)).join(chosen, on=ROW, how="left")
    decided = (
        rows.filter("signed", unavailable_reasons().list.len() == 0)
        .with_columns(probability=pl.col("arm_probabilities").list.sum().round(6))
        .with_columns(arm=drawn_arm(pl.col("draw")))
        .select(
            "user_id", ROW, "dosage", "usual_sessions", "probability", "arms", "arm_actions", "arm_probabilities",
            decision_id=pl.col("user_id"), send=pl.col("arm").is_not_null(),
            intervention=pl.col("arms").list.get(pl.col("arm").fill_null(0)),
            action=pl.col("arm_actions").list.get(pl.col("arm").fill_null(0)),
            channel=pl.col("arm_channels").list.get(pl.col("arm").fill_null(0)),
        )
    )  # fmt: skip
    memory.keep(people, decided)
    return decided


def outcomes(life: Life) -> pl.DataFrame:
    """Return each person's answers on the day just lived, as of ``attribution.read_outcomes``."""
    day = life.days[-1]
    seen = np.asarray(day["present"], dtype=bool)
    return pl.DataFrame(
        {
            "user_id": [f"u{person}" for person in life.traits.person[seen]],
            SESSION.name: day["session"][seen],
            RESTED.name: ~np.asarray(day["session"], dtype=bool)[seen],
            VISIT.name: seen[seen],
            SLEPT.name: day["sleep"][seen] >= 7,
            CALM.name: day["stress"][seen] < 5,
        }
    )


@dataclass(slots=True)
class Learner:
    """What the platform knows of the effects: sums, beliefs, and yesterday's contrasts whose outcome is today's."""

    library: Catalogue
    sums: pl.DataFrame = field(default_factory=nothing)
    waiting: list[pl.DataFrame] = field(default_factory=list)
    truths: list[pl.DataFrame] = field(default_factory=list)

    def learn(self, rows: pl.DataFrame, seen: pl.DataFrame) -> None:
        """Take in the contrasts of the day just lived and the outcomes that are known after it."""
        self.waiting.append(rows.with_columns(pl.lit(0).alias(name) for name in COUNTS[4:]))
        due = [
            part.filter(pl.col("action").is_in([a for a in part["action"].unique() if outcome_of(a).days == days]))
            for days, part in enumerate(reversed(self.waiting))
        ]
        self.waiting = self.waiting[-max(outcome.days for outcome in ALL_OUTCOMES) :]
        self.sums = added(self.sums, contribution(judged(pl.concat(due), seen)))

    def known(self) -> pl.DataFrame:
        """Return the beliefs of tonight."""
        return beliefs(self.sums, expectations(self.library))


def true_effects(rows: pl.DataFrame, life: Life, dosage: Floats, day: Day) -> pl.DataFrame:
    """Return the true effect of each contrast's arm on its outcome, with its weight in a centred regression."""
    number = rows["user_id"].str.slice(1).cast(pl.Int64).to_numpy()
    base = day.probability_unsent[number]
    effect = rows["action"].replace_strict(truth.TRUE_EFFECTS, default=0.0, return_dtype=pl.Float64).to_numpy()
    spent = dosage[number]
    pull = effect * life.traits.responsiveness[number] * np.exp(-truth.EFFECT_FADING * spent) - truth.ANNOYANCE * spent
    able = (base > 0) & day.present[number]
    logit = np.log(np.where(able, base, 0.5) / (1 - np.where(able, base, 0.5)))
    change = np.where(able, 1 / (1 + np.exp(-logit - pull)) - base, 0.0)
    on_outcome = {SESSION.name: 1.0, RESTED.name: -1.0}
    signs = {action: on_outcome.get(outcome_of(action).name, 0.0) for action in rows["action"].unique()}
    sign = rows["action"].replace_strict(signs, return_dtype=pl.Float64)
    chance = rows["chance"].to_numpy()
    return rows.select("action", true=pl.Series(change) * sign, weight=pl.Series(chance * (1 - chance)))


@dataclass(frozen=True, slots=True)
class Run:
    """What a policy brought in one world: per person and week, and how often a cap was passed."""

    sessions: float
    messages: float
    above_cap: int
    effects: pl.DataFrame | None = None


def run(seed: int, people: int, nights: int, policy: Policy | None) -> Run:
    """Live ``RUN_IN`` days without messages and ``nights`` under the policy."""
    library = catalogue()
    life, memory, learner, known = Life.of(seed, people), Memory(), Learner(library), unlearned(library)
    for _ in range(RUN_IN):
        life.live([None] * people)
    above = 0
    for _ in range(nights):
        actions: list[str | None] = [None] * people
        if policy is not None:
            decided = decisions(life, memory, policy, known, library)
            for row, action in decided.filter("send").select(ROW, "action").iter_rows():
                actions[row] = action
        dosage = life.state.dosage.copy()
        day = life.live(actions)
        above += int((life.total("delivered", 7) > WEEKLY_CAP).sum())
        if policy is learned:
            rows = contrasts(decided)
            learner.truths.append(true_effects(rows, life, dosage, day))
            learner.learn(rows, outcomes(life))
            known = learner.known()
    weeks = nights / 7 * people
    return Run(
        float(life.total("session", nights).sum() / weeks),
        float(life.total("delivered", nights).sum() / weeks),
        above,
        recovered(learner) if policy is learned else None,
    )


def recovered(learner: Learner) -> pl.DataFrame:
    """Return per type with enough decisions the believed effect with its interval beside the true one."""
    by_type = learner.sums.group_by("action").agg(pl.col(*COUNTS, *SUMS).sum())
    expected = expectations(learner.library).group_by("action").agg(pl.col("expected").mean())
    found = beliefs(
        by_type.with_columns(intervention="action").select(*GROUP, *COUNTS, *SUMS),
        expected.select("action", intervention="action", expected="expected"),
    )
    weight = pl.col("weight")
    true = pl.concat(learner.truths).group_by("action").agg(true=(pl.col("true") * weight).sum() / weight.sum())
    half = 1.96 * pl.col("effect_sd")
    return (
        found.filter(pl.col("level") == "intervention")
        .join(by_type.select("action", "decisions"), on="action")
        .filter(pl.col("decisions") >= ENOUGH)
        .join(true, on="action")
        .select("action", "decisions", "effect", low=pl.col("effect") - half, high=pl.col("effect") + half, true="true")
        .with_columns(inside=pl.col("true").is_between("low", "high"))
        .sort("action")
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A policy over all seeds; ``more`` is what the platform's brings more in sessions, with a 95 % interval."""

    policy: str
    sessions: float
    messages: float
    above_cap: int
    more: float
    low: float
    high: float


def compare(people: int, nights: int, seeds: int) -> tuple[list[Comparison], pl.DataFrame]:
    """Return each policy's figures, paired by seed, and what was recovered of the true effects in each world."""
    runs = {name: [run(seed, people, nights, policy) for seed in range(seeds)] for name, policy in POLICIES.items()}
    rows = []
    for name, worlds in runs.items():
        more = np.array([ours.sessions - other.sessions for ours, other in zip(runs[LEARNED], worlds, strict=True)])
        rows.append(
            Comparison(
                name,
                float(np.mean([world.sessions for world in worlds])),
                float(np.mean([world.messages for world in worlds])),
                sum(world.above_cap for world in worlds),
                *mean_with_interval(more),
            )
        )
    effects = [
        world.effects.with_columns(seed=pl.lit(seed))
        for seed, world in enumerate(runs[LEARNED])
        if world.effects is not None
    ]
    return rows, pl.concat(effects)
