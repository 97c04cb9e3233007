"""What a model is: a label, the features it reads, whom it is for, and what it has to beat.

Everything else (data set, training, evaluation, promotion, scoring) is the same for every model.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from habitlake.tables import DAY_FEATURES, MODELS
from models.lifecycle.estimators import Estimator, logistic_and_trees

# Snapshots of a person every third night: nearer ones say nearly the same.
NIGHT_STRIDE = 3
MIN_HISTORY_DAYS = 14
# Who is trained on, and judged: over gold.user_features.
KNOWN_LONG = (pl.col("days_since_first_event") >= MIN_HISTORY_DAYS) & (pl.col("observed_days_28d") > 0)
# A local day can end a day after the night that saw most of it, and a night later is when it is known.
LABEL_DELAY_DAYS = 2
TEST_SHARE = 0.3
UNSEEN_SHARE = 0.2
# Where they alone are the test, more people are needed.
UNSEEN_SHARE_ALONE = 0.4
MIN_ROWS = 10_000
MIN_ROWS_PILOT = 500
BOOTSTRAP_SAMPLES = 200
MIN_IMPROVEMENT = 0.05
# Amounts of each of the four weeks, in the rows of a model that has a trajectory.
WEEK_COLUMNS = ("week_1", "week_2", "week_3", "week_4")
# What a simple model knows, for baselines.
RECENCY_FREQUENCY = ("sessions_7d", "sessions_28d", "days_since_last_session")
# Last week's sessions over twice the usual week.
FREQUENCY_7D = (pl.col("sessions_7d") / pl.max_horizontal(pl.col("habitual_weekly_sessions"), pl.lit(1.0)) / 2).clip(
    0, 1
)


class Target(StrEnum):
    """What is predicted: whether something happens, or how much."""

    EVENT = "event"
    AMOUNT = "amount"

    @property
    def metric(self) -> str:
        """The figure by which models are compared: AUC (higher is better) or mean absolute error (lower is)."""
        return "auc" if self is Target.EVENT else "mae"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The fixed choices of one model of ``habitlake.tables.MODELS``.

    Parameters
    ----------
    label
        Over the columns of ``outcomes`` and gold.user_features: above 0 where the event happens (in which week, for a
        hazard), or the amount; null where it cannot be known (censored).
    trajectory
        The amount of each week, as ``label`` is given; null where it cannot be known.
    days
        Where rows are days (``lifecycle.days``): whether it happens on each of the days ahead, 1 or 0; null where it cannot
        be known. The label is then what they make together.
    horizon_days
        Days after the as-of date that the label looks at.
    eligible
        Whom the model is for, over gold.user_features, in training and in scoring.
    make_candidates
        Makes the unfitted candidates by name from the inputs.
    baselines
        Logistic (for amounts ridge) regressions on few features, fitted beside the candidates.
    rules
        Scores that need no fit, over the data set's rows.
    anchor
        What is known of such models from elsewhere, for the card.
    needs_sequence
        Whether a candidate, and so perhaps a version in force, reads the last thirty days (the column ``sequence``).
    min_event_people
        People with the event, and people without, that training needs; a third of them in the test.
    """

    name: str
    label: pl.Expr
    horizon_days: int
    anchor: str
    trajectory: tuple[pl.Expr, ...] = ()
    days: tuple[pl.Expr, ...] = ()
    make_candidates: Callable[[tuple[str, ...]], dict[str, Estimator]] = logistic_and_trees
    eligible: pl.Expr = field(default_factory=lambda: pl.lit(True))
    eligible_means: str = "everybody with any sign of use in 28 days"
    baselines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: Mapping[str, pl.Expr] = field(default_factory=dict)
    limits: str = ""
    needs_sequence: bool = False
    min_event_people: int = 30
    seed: int = 17

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the model's contract names."""
        return MODELS[self.name].features

    @property
    def inputs(self) -> tuple[str, ...]:
        """What a row holds for the candidates: the features, and of a day what is known of it."""
        return (*self.features, *DAY_FEATURES) if self.days else self.features

    @property
    def feature_service(self) -> str:
        """The feature service that is the model's contract."""
        return MODELS[self.name].feature_service

    @property
    def target(self) -> Target:
        """Whether an event is predicted or an amount."""
        return Target.AMOUNT if MODELS[self.name].is_amount else Target.EVENT

    @property
    def predicts(self) -> str:
        """What the label means, completing "predicts ..."."""
        return MODELS[self.name].predicts

    def candidates(self) -> dict[str, Estimator]:
        """Return the unfitted candidates by name, the simplest first; not every one can be fitted everywhere."""
        return self.make_candidates(self.inputs)

    @property
    def label_column(self) -> str:
        """The column of the shared data set that holds the label."""
        return f"label_{self.name}"

    @property
    def week_columns(self) -> dict[str, str]:
        """The columns of the shared data set that hold the amounts of the weeks, to their names among the model's rows."""
        return {f"{self.label_column}_{name}": name for name, _ in zip(WEEK_COLUMNS, self.trajectory, strict=False)}

    @property
    def day_columns(self) -> tuple[str, ...]:
        """The columns of the shared data set that hold the label of each day ahead."""
        return tuple(f"{self.label_column}_day_{ahead}" for ahead, _ in enumerate(self.days, start=1))

    @property
    def labels(self) -> dict[str, pl.Expr]:
        """Every column of the shared data set that is known only afterwards, and how it is made."""
        columns = (self.label_column, *self.week_columns, *self.day_columns)
        return dict(zip(columns, (self.label, *self.trajectory, *self.days), strict=True))
