"""The models that score people: what each predicts, and the features that are its contract (a Feast service each)."""

from dataclasses import dataclass

from habitlake.tables.features import ADHERENCE_V1, FOUR_WEEKS_V1


@dataclass(frozen=True, slots=True)
class Model:
    """A model as those know it who read its scores; ``predicts`` completes "predicts ..."."""

    name: str
    features: tuple[str, ...]
    predicts: str
    is_amount: bool = False
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
        return {f"{self.name}_probability": "probability"}


# What a score can rest on as a whole, where single features have no share of their own.
FACTORS: dict[str, str] = {
    "training": "sessions and use of the app, days and figures together",
    "plans": "workouts planned and skipped, days and figures together",
    "recovery": "load, sleep, stress and energy, days and figures together",
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
    )
}
