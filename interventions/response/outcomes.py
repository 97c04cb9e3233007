"""What counts as a positive response to each type of intervention, and when that is known.

A night closes the local date before it: by its end that date is over in every zone of the world. What arrives later is not
learned from. So a decision is judged one night after its outcome's date, and by that night alone.
"""

from dataclasses import dataclass

import polars as pl

from interventions.entries import Action

SLEPT_SECONDS = 7 * 3600
CALM_BELOW_PERMILLE = 5_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A yes or no about one local date, from the sums of gold.user_day; null where nothing was reported.

    ``days`` is how long after the decision's local date that date is; ``unseen`` the answer for who was not seen on it.
    """

    name: str
    days: int
    positive: pl.Expr
    unseen: bool | None


def _mean(total: str, count: str) -> pl.Expr:
    return pl.when(pl.col(count) > 0).then(pl.col(total) / pl.col(count))


SESSION = Outcome("session", 0, pl.col("workouts_completed") > 0, unseen=False)
RESTED = Outcome("rested", 0, pl.col("workouts_completed") <= 0, unseen=True)
VISIT = Outcome("visit", 0, pl.col("app_visits") > 0, unseen=False)
SLEPT = Outcome("slept 7 hours", 1, _mean("sleep_s", "sleep_count") >= SLEPT_SECONDS, unseen=None)
CALM = Outcome("stress below 5", 1, _mean("stress_permille", "stress_count") < CALM_BELOW_PERMILLE, unseen=None)

OUTCOMES: dict[Action, Outcome] = {
    "recovery_day": RESTED,
    "sleep_hygiene": SLEPT,
    "stress_relief": CALM,
    "onboarding_step": VISIT,
}
ALL_OUTCOMES: tuple[Outcome, ...] = (SESSION, *OUTCOMES.values())


def outcome_of(action: str) -> Outcome:
    """Return the outcome by which an intervention of that type is judged; a session on the date by default."""
    return OUTCOMES.get(action, SESSION)  # type: ignore[call-overload,no-any-return]
