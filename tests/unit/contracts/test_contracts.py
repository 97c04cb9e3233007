import json
import re

import pytest
from pydantic import ValidationError

from habitlake.contracts import EVENT_MODELS, FAMILIES, FAMILY_OF, Event, context_fields
from habitlake.contracts.schema import event_schema
from habitlake.report.person.facts import PROFILE
from habitlake.tables import FEATURES, TABLES, get_table
from interventions.health import CONDITIONS

# The workout event of the founding document.
SEED_WORKOUT = {
    "userId": "user_123",
    "eventType": "workout_completed",
    "timestamp": "2025-01-15T09:30:00Z",
    "data": {
        "workoutId": "hiit_001",
        "duration": 1800,
        "completionRate": 0.95,
        "intensity": "high",
        "location": "home",
        "equipment": ["dumbbells", "mat"],
        "heartRateAvg": 145,
        "caloriesBurned": 320,
    },
    "context": {
        "weatherTemperature": 72,
        "timeOfDay": "morning",
        "dayOfWeek": "tuesday",
        "stressLevel": 3,
        "sleepHours": 7.5,
        "socialContext": "alone",
    },
}


def parse(document):
    return Event[EVENT_MODELS[document["eventType"]]].model_validate_json(json.dumps(document))


def test_the_founding_event_is_accepted():
    event = parse(SEED_WORKOUT)
    assert event.data.duration == 1800
    assert event.context.weather_temperature == 72


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("completionRate", 1.2),
        ("duration", 1_800_000),
        ("intensity", "brutal"),
        ("heartRateAvg", 10),
        ("workoutId", None),
    ],
)
def test_broken_data_is_refused(where, value):
    with pytest.raises(ValidationError):
        parse({**SEED_WORKOUT, "data": {**SEED_WORKOUT["data"], where: value}})


def test_a_timestamp_needs_an_offset():
    with pytest.raises(ValidationError, match="offset"):
        parse({**SEED_WORKOUT, "timestamp": "2025-01-15T09:30:00"})


def test_unknown_fields_are_kept():
    event = parse({**SEED_WORKOUT, "data": {**SEED_WORKOUT["data"], "newField": 7}})
    assert event.data.model_extra == {"newField": 7}


def test_every_event_type_of_the_design_exists():
    assert set(EVENT_MODELS) == {
        "workout_planned", "workout_started", "workout_completed", "workout_skipped", "app_interaction",
        "sleep_logged", "daily_wellbeing", "injury_reported", "satisfaction_reported", "profile_updated",
        "intervention_delivered", "intervention_opened", "intervention_dismissed", "intervention_acted", "intervention_rated",
    }  # fmt: skip
    assert set(FAMILY_OF) == set(EVENT_MODELS)


def test_a_column_name_means_one_type_everywhere():
    types: dict[str, str] = {}
    for family in FAMILIES:
        names = [spec.column for spec in family.fields()]
        assert len(names) == len(set(names))
        for spec in family.fields():
            assert types.setdefault(spec.column, spec.sql_type) == spec.sql_type, spec.column
        if family.with_context:
            assert not set(names) & {spec.column for spec in context_fields()}


def test_published_schema_has_the_ranges():
    schema = event_schema("workout_completed")
    completion = schema["$defs"]["WorkoutCompleted"]["properties"]["completionRate"]
    assert {"minimum": 0.0, "maximum": 1.0, "type": "number"}.items() <= completion["anyOf"][0].items()
    assert schema["properties"]["eventType"] == {"const": "workout_completed"}


def test_health_conditions_are_held_where_they_came_in_and_nowhere_else():
    holders = {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        if "health_conditions" in (column.name, *re.findall(r"(\w+):", column.sql_type))
    }
    assert holders == {("bronze.events", "payload"), ("silver.profiles", "health_conditions")}
    assert all(column in get_table(table).pii_columns for table, column in holders)
    assert "health_conditions" not in {*PROFILE, *(feature.name for feature in FEATURES)}


def test_health_conditions_are_of_a_closed_list_and_no_answer_is_none():
    def stated(found):
        return parse({"userId": "u", "eventType": "profile_updated", "timestamp": "2026-01-15T09:30:00Z",
                      "data": {"constraints": {"healthConditions": found}}})  # fmt: skip

    assert stated(None).data.constraints.health_conditions is None
    assert stated(["pregnancy", "postpartum"]).data.constraints.health_conditions == ["pregnancy", "postpartum"]
    with pytest.raises(ValidationError):
        stated(["flat_feet"])
    schema = event_schema("profile_updated")["$defs"]["Constraints"]["properties"]["healthConditions"]
    assert schema["pii"]
    assert set(schema["anyOf"][0]["items"]["enum"]) == set(CONDITIONS)
