"""The models that score people: what each predicts, and the features that are its contract (a Feast service each)."""

from dataclasses import dataclass

from habitlake.tables.features import ADHERENCE_V1, FOUR_WEEKS_V1

# What a model of days says beside its probability, which is that of the first day.
DAILY_OUTPUTS = {"session_probabilities": "days", "skip_probabilities": "skips"}


@dataclass(frozen=True, slots=True)
class Model:
    """A model as those know it who read its scores; ``predicts`` completes "predicts ..."."""

    name: str
    features: tuple[str, ...]
    predicts: str
    is_amount: bool = False
    # Of each of the seven days ahead, and not of a span.
    is_daily: bool = False
    version: int = 1

    @property
    def feature_service(self) -> str:
        """Name of the feature service: the model's contract."""
        return f"{self.name}_v{self.version}"

    @property
    def outputs(self) -> dict[str, str]:
        """Columns of gold.user_predictions that hold what it says, to the columns of gold.predictions they come from."""
        if self.is_amount:
            return {
                self.name: "value",
                f"{self.name}_low": "value_low",
                f"{self.name}_high": "value_high",
                f"{self.name}_trajectory": "trajectory",
            }
        chance = {f"{self.name}_probability": "probability"}
        return chance | DAILY_OUTPUTS if self.is_daily else chance


# What a score can rest on as a whole, where single features have no share of their own.
FACTORS: dict[str, str] = {
    "training": "sessions and use of the app, days and figures together",
    "plans": "workouts planned and skipped, days and figures together",
    "recovery": "load, sleep, stress and energy, days and figures together",
}
# What a model of days reads of each day ahead, beside the features of its contract.
DAY_FEATURES: dict[str, str] = {
    "days_ahead": "days from the last complete local day to the day, 1 to 7",
    "weekday_session_rate": "share of the same weekday's days of 30 with any sign of use that had a session, drawn towards"
    " the share of all days",
    "weekday_planned_rate": "share of the same weekday's days of 30 with any sign of use that had a workout planned, drawn"
    " towards the share of all days",
    "workout_planned": "1 where a workout is known to be planned for the day, else 0",
    "session_week_before": "1 with a session on the day a week before, else 0",
}

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "adherence",
            ADHERENCE_V1,
            "whether a person does at least 80 % of the sessions planned for the next 7 complete local days; where none is"
            " planned, of their usual week",
        ),
        Model(
            "lapse_7d",
            ADHERENCE_V1,
            "whether a person who shows any sign of use does no session at all in the next 7 complete local days",
        ),
        Model(
            "churn",
            FOUR_WEEKS_V1,
            "whether one of the next four weeks is the first without any sign of use or session: a hazard per week, and the"
            " probability over the four",
        ),
        Model(
            "burnout",
            FOUR_WEEKS_V1,
            "whether mean energy or motivation of the next four weeks falls by 0.5 points of 10 or more against the four"
            " weeks before, while load rises by a tenth or the share of skipped workouts by 10 points",
        ),
        Model(
            "plateau",
            FOUR_WEEKS_V1,
            "whether output per session at equal effort (load per heart rate, else minutes) of the next four weeks is less"
            " than 1 % above that of the four weeks before",
        ),
        Model("injury_risk", FOUR_WEEKS_V1, "whether an injury is reported in the 28 days after the as-of date"),
        Model(
            "integrated_risk",
            FOUR_WEEKS_V1,
            "whether a setback follows within four weeks: a week without any sign of use, signs of burnout, or an injury",
        ),
        Model(
            "performance",
            FOUR_WEEKS_V1,
            "sessions a week over the next four weeks (of those with any sign of use), and in each of them, with intervals"
            " that should hold 80 %",
            is_amount=True,
        ),
        Model(
            "daily_session",
            ADHERENCE_V1,
            "whether a person does a session on a local day on which they show any sign of use: each of the seven after the"
            " last complete one; the single probability is that of the first",
            is_daily=True,
        ),
    )
}
# Columns of gold.user_predictions that hold a probability.
CHANCES = tuple(
    output for model in MODELS.values() for output, source in model.outputs.items() if source == "probability"
)
