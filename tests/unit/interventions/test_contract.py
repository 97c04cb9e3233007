"""The published schemas are those of the code, and every payload of the library keeps its channel's contract."""

import json
import math
import re

import jsonschema
import pytest

from habitlake.settings import PROJECT_ROOT
from interventions.catalogue import catalogue
from interventions.messages import payload
from interventions.queue.contract import item_schema
from interventions.queue.payloads import CONTRACTS, payload_problems, payload_schemas
from interventions.values import TEXTS

FOLDER = PROJECT_ROOT / "interventions" / "queue"


def test_the_committed_schema_is_current():
    written = json.loads((FOLDER / "queue_item.schema.json").read_text())
    assert written == item_schema(), "write it again: python -m interventions.queue schema > FILE"


def test_the_committed_payload_schemas_are_current_one_a_channel():
    written = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("payload_*.schema.json")}
    assert written == payload_schemas(), "write them again: python -m interventions.queue.payloads"
    assert len(written) == len(CONTRACTS)


@pytest.mark.parametrize("item", catalogue().interventions, ids=lambda item: item.name)
def test_the_payload_of_every_channel_keeps_its_contract_with_real_missing_and_extreme_values(item, stated):
    kinds = stated({}).schema

    def row(number, count):
        return {
            name: "evening" if name in TEXTS else number if kinds[name].is_float() else count
            for name in item.payload_values
        }

    rows = stated({}, row(0.5, 1), row(-1e300, 0), row(math.inf, 9_999), row(math.nan, None))
    contents = [json.loads(text) for text in rows.select(payload(item)).to_series()]
    schemas = payload_schemas()
    for channel in item.channels:
        checker = jsonschema.Draft202012Validator(schemas[f"payload_{channel}.v1.schema.json"])
        for content in contents:
            assert not list(checker.iter_errors(content)), (channel, content)


@pytest.mark.parametrize(
    ("channel", "fixed", "complaint"),
    [
        ("push", {"do": "stand_on_your_head"}, "push, do: Input should be"),
        ("push", {"do": "start_timer", "duration_mins": 5}, "push knows no parameter duration_mins: name one of checklist"),
        ("in_app", {"do": "start_timer", "duration_min": 0}, "in_app, duration_min: .*greater than or equal to 1"),
        ("email", {"do": "show_message", "days": "7"}, "email, days: Input should be a valid integer"),
        ("workout_modification", {"do": "show_message"}, "workout_modification, do: Input should be"),
        ("workout_modification", {"do": "suggest_modified_workout", "duration_share": 1.5}, "duration_share: .*or equal to 1"),
        ("goal_adjustment", {"do": "pause_goals"}, "goal_adjustment, recommended_sessions: Field required"),
        ("goal_adjustment", {"do": "pause_goals", "recommended_sessions": True}, "recommended_sessions: .*valid number"),
    ],
)  # fmt: skip
def test_a_payload_that_breaks_its_contract_is_named(channel, fixed, complaint):
    problem = next(payload_problems(channel, fixed))
    assert re.search(complaint, problem), problem


def test_a_parameter_must_not_hide_a_value_of_the_person():
    fixed = {"do": "propose_weekly_target", "recommended_sessions": 3}
    assert list(payload_problems("goal_adjustment", fixed, ["recommended_sessions"])) == [
        "goal_adjustment: recommended_sessions is a fixed parameter and a value of the person: name it once"
    ]


def test_a_goal_adjustment_carries_the_goal_that_is_recommended(stated):
    known = stated({"target_sessions": 4.0, "recommended_sessions": 3.0}, {"target_sessions": 4.0})
    for item in catalogue().interventions:
        if "goal_adjustment" in item.channels:
            contents = [json.loads(text) for text in known.select(payload(item)).to_series()]
            assert [content["recommended_sessions"] for content in contents] == [3.0, None], item.name
