"""The parsing kernel: every reason, garbage, and agreement with the pydantic contracts."""

import copy
import json
from datetime import date

import pyarrow as pa
import pytest
from pydantic import ValidationError

from habitlake.contracts import EVENT_MODELS, Reason, event_model
from spark_jobs.ingest.kernel import LINES_SCHEMA, Kernel

BATCH = date(2025, 1, 15)
WORKOUT = {
    "eventId": "e1",
    "userId": "u1",
    "eventType": "workout_completed",
    "timestamp": "2025-01-15T09:30:00+02:00",
    "data": {"workoutId": "w", "duration": 1800, "completionRate": 0.95, "intensity": "high", "equipment": ["mat"]},
    "context": {"stressLevel": 3},
}


@pytest.fixture(scope="module")
def kernel():
    return Kernel()


def judge(kernel, lines):
    count = len(lines)
    table = pa.table(
        {
            "batch_date": pa.array([BATCH] * count, pa.date32()),
            "_source_file": ["f"] * count,
            "_line": list(range(count)),
            "raw": lines,
            "raw_encoding": ["utf-8"] * count,
            "reason": pa.nulls(count, pa.string()),
            "detail": pa.nulls(count, pa.string()),
        },
        schema=LINES_SCHEMA,
    )
    rows = [row for batch in kernel.judge(table) for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: row["_line"])


def changed(change):
    event = copy.deepcopy(WORKOUT)
    change(event)
    return json.dumps(event)


def data(**values):
    return lambda event: event["data"].update(values)


REFUSED = {
    '{"a":': Reason.MALFORMED_JSON,
    "{" * 100_000: Reason.MALFORMED_JSON,
    "\x00": Reason.MALFORMED_JSON,
    "[1]": Reason.NOT_AN_OBJECT,
    "null": Reason.NOT_AN_OBJECT,
    "{}": Reason.MISSING_FIELD,
    changed(lambda event: event.pop("userId")): Reason.MISSING_FIELD,
    changed(lambda event: event["data"].pop("duration")): Reason.MISSING_FIELD,
    changed(lambda event: event.update(eventType="unheard_of")): Reason.UNKNOWN_EVENT_TYPE,
    changed(lambda event: event.update(data="none")): Reason.WRONG_TYPE,
    changed(lambda event: event.update(userId="two words")): Reason.WRONG_TYPE,
    changed(lambda event: event.update(timestamp="2025-01-15T09:30:00")): Reason.BAD_TIMESTAMP,
    changed(lambda event: event.update(timestamp="2025-02-30T09:30:00Z")): Reason.BAD_TIMESTAMP,
    changed(lambda event: event.update(timestamp=1736933400)): Reason.BAD_TIMESTAMP,
    changed(lambda event: event.update(timestamp="2025-01-17T00:00:00Z")): Reason.CLOCK_SKEW,
    changed(lambda event: event.update(timestamp="1999-12-31T23:59:59Z")): Reason.CLOCK_SKEW,
    changed(data(duration="half an hour")): Reason.WRONG_TYPE,
    changed(data(equipment="mat")): Reason.WRONG_TYPE,
    changed(data(duration=1_800_000)): Reason.OUT_OF_RANGE,
    changed(data(completionRate=1.01)): Reason.OUT_OF_RANGE,
    changed(data(intensity="brutal")): Reason.OUT_OF_RANGE,
    changed(data(workoutId="")): Reason.OUT_OF_RANGE,
    changed(lambda event: event["context"].update(stressLevel=11)): Reason.OUT_OF_RANGE,
}


@pytest.mark.parametrize(("line", "reason"), REFUSED.items(), ids=range(len(REFUSED)))
def test_each_broken_line_is_refused_with_its_reason(kernel, line, reason):
    (row,) = judge(kernel, [line])
    assert row["reason"] == reason
    assert row["detail"]
    assert row["payload"] is None
    assert row["raw"] == line


def test_the_detail_names_field_value_and_bounds(kernel):
    (row,) = judge(kernel, [changed(data(duration=90_000))])
    assert row["detail"] == "data.duration: 90000 is not 0 to 86400"


def profile(**constraints):
    return json.dumps({"userId": "u1", "eventType": "profile_updated", "timestamp": "2025-01-15T09:30:00Z",
                       "data": {"demographics": {"age": 31}, "constraints": constraints}})  # fmt: skip


def test_health_conditions_are_of_a_closed_list_and_one_that_is_not_is_told_by_the_raw_line_alone(kernel):
    stated = [profile(healthConditions=found) for found in (["pregnancy", "limited_walking"], [], ["diabetes"])]
    several, none, refused, silent = judge(kernel, [*stated, profile()])
    assert [row["reason"] for row in (several, none, refused, silent)] == [None, None, Reason.OUT_OF_RANGE, None]
    assert several["payload"]["health_conditions"] == ["pregnancy", "limited_walking"]
    assert (none["payload"]["health_conditions"], silent["payload"]["health_conditions"]) == ([], None)
    assert refused["detail"].startswith(
        "data.constraints.healthConditions: the value is not one of pregnancy, postpartum,"
    )
    assert "diabetes" not in refused["detail"]
    assert "diabetes" in refused["raw"]


def test_events_from_before_health_conditions_keep_their_hash(kernel):
    (row,) = judge(kernel, [profile()])
    assert row["content_hash"] == "62ef74bd232af9557da72fa48f76121e"


def test_an_accepted_line_is_typed(kernel):
    (row,) = judge(kernel, [json.dumps(WORKOUT)])
    assert row["reason"] is None
    assert row["event_at"].isoformat() == "2025-01-15T07:30:00+00:00"
    assert (row["event_offset_s"], row["event_date"], row["event_id"]) == (7200, BATCH, "e1")
    assert row["payload"]["duration_s"] == 1800
    assert row["payload"]["equipment"] == ["mat"]
    assert row["context"]["stress_level"] == 3


def test_numbers_in_quotes_are_numbers_as_in_the_contract(kernel):
    (row,) = judge(kernel, [changed(data(duration="1800"))])
    assert (row["reason"], row["payload"]["duration_s"]) == (None, 1800)


def test_unknown_fields_are_kept_by_path(kernel):
    def change(event):
        event["data"]["firmware"] = {"v": [1, 2]}
        event["data"]['odd/key"'] = 1
        event["channel"] = "beta"

    (row,) = judge(kernel, [changed(change)])
    assert dict(row["extras"]) == {"channel": '"beta"', "data.firmware": '{"v":[1,2]}', 'data.odd/key"': "1"}


def test_without_an_id_the_content_is_the_identity(kernel):
    def no_id(event):
        del event["eventId"]

    shuffled = json.loads(changed(no_id))
    shuffled = dict(reversed(list(shuffled.items())))
    shuffled["data"] = dict(reversed(list(shuffled["data"].items())))
    first, same, other = judge(
        kernel,
        [
            changed(no_id),
            json.dumps(shuffled, indent=1),
            changed(lambda event: (no_id(event), data(duration=1801)(event))),
        ],
    )
    assert first["event_id"] == first["content_hash"] == same["event_id"]
    assert other["event_id"] != first["event_id"]


def test_the_same_instant_in_another_offset_is_the_same_content(kernel):
    here, there = judge(
        kernel, [json.dumps(WORKOUT), changed(lambda event: event.update(timestamp="2025-01-15T07:30:00Z"))]
    )
    assert here["content_hash"] == there["content_hash"]


VALUES = [
    None,
    0,
    1,
    5,
    5.5,
    -1,
    1e9,
    "text",
    "7",
    "",
    [],
    ["a"],
    [1.5, 2],
    {},
    {"monday": {}},
    "2025-01-16T08:00:00+01:00",
]


@pytest.mark.parametrize("event_type", EVENT_MODELS)
def test_kernel_and_contract_agree(kernel, event_type):
    """Every field of every event type, set to every odd value: accepted by both or refused by both."""
    base = {"userId": "u", "eventType": event_type, "timestamp": "2025-01-15T09:30:00Z", "data": {}}
    for field in EVENT_MODELS[event_type].model_fields.values():
        if field.is_required():
            base["data"][field.alias] = {"plannedFor": "2025-01-16T08:00:00Z"}.get(field.alias, "1")
    if event_type == "injury_reported":
        base["data"]["bodyPart"] = "knee"
    events = [base]
    for field in EVENT_MODELS[event_type].model_fields.values():
        for value in VALUES:
            event = copy.deepcopy(base)
            event["data"][field.alias] = value
            events.append(event)
    for event, row in zip(events, judge(kernel, [json.dumps(event) for event in events]), strict=True):
        try:
            event_model(event_type).model_validate_json(json.dumps(event))
            accepted = True
        except ValidationError:
            accepted = False
        assert (row["reason"] is None) == accepted, (event["data"], row["reason"], row["detail"])
