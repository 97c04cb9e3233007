"""The contracts of what lands: the event types, the family each belongs to and their fields; forecasts of the weather."""

from dataclasses import dataclass, replace
from functools import lru_cache

from pydantic import BaseModel

from habitlake.contracts.base import (
    Context,
    Contract,
    Event,
    FieldSpec,
    Reason,
    context_fields,
    data_fields,
)
from habitlake.contracts.interaction import AppInteraction
from habitlake.contracts.intervention import InterventionFeedback, InterventionRated
from habitlake.contracts.profile import ProfileUpdated
from habitlake.contracts.weather import WeatherForecast, forecast_fields
from habitlake.contracts.wellbeing import DailyWellbeing, InjuryReported, SatisfactionReported, SleepLogged
from habitlake.contracts.workout import WorkoutCompleted, WorkoutPlanned, WorkoutSkipped, WorkoutStarted


@dataclass(frozen=True, slots=True)
class Family:
    """Event types that share one silver table; ``with_context`` families keep the context columns."""

    name: str
    table: str
    events: dict[str, type[Contract]]
    with_context: bool = True

    def fields(self) -> tuple[FieldSpec, ...]:
        """Return the union of the payload leaves of the family's events, in order of first appearance."""
        union: dict[str, FieldSpec] = {}
        required: dict[str, list[str]] = {}
        for event_type, model in self.events.items():
            for spec in data_fields(model):
                union.setdefault(spec.column, spec)
                if spec.required:
                    required.setdefault(spec.column, []).append(event_type)
        return tuple(replace(spec, required_by=tuple(required.get(spec.column, ()))) for spec in union.values())


FAMILIES: tuple[Family, ...] = (
    Family(
        "workout",
        "silver.workouts",
        {
            "workout_planned": WorkoutPlanned,
            "workout_started": WorkoutStarted,
            "workout_completed": WorkoutCompleted,
            "workout_skipped": WorkoutSkipped,
        },
    ),
    Family("interaction", "silver.interactions", {"app_interaction": AppInteraction}),
    Family(
        "wellbeing",
        "silver.wellbeing",
        {
            "sleep_logged": SleepLogged,
            "daily_wellbeing": DailyWellbeing,
            "injury_reported": InjuryReported,
            "satisfaction_reported": SatisfactionReported,
        },
    ),
    Family("profile", "silver.profiles", {"profile_updated": ProfileUpdated}, with_context=False),
    Family(
        "intervention",
        "silver.intervention_events",
        {
            "intervention_delivered": InterventionFeedback,
            "intervention_opened": InterventionFeedback,
            "intervention_dismissed": InterventionFeedback,
            "intervention_acted": InterventionFeedback,
            "intervention_rated": InterventionRated,
        },
        with_context=False,
    ),
)

EVENT_MODELS: dict[str, type[Contract]] = {
    event_type: model for family in FAMILIES for event_type, model in family.events.items()
}
FAMILY_OF: dict[str, Family] = {event_type: family for family in FAMILIES for event_type in family.events}


@lru_cache(maxsize=64)
def event_model(event_type: str) -> type[BaseModel]:
    """Return the model of a whole event: the envelope around the payload of that type."""
    model: type[BaseModel] = Event.__class_getitem__(EVENT_MODELS[event_type])  # type: ignore[assignment]
    return model


__all__ = [
    "EVENT_MODELS",
    "FAMILIES",
    "FAMILY_OF",
    "Context",
    "Contract",
    "Event",
    "Family",
    "FieldSpec",
    "Reason",
    "WeatherForecast",
    "context_fields",
    "data_fields",
    "event_model",
    "forecast_fields",
]
