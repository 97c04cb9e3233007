"""The parse of forecasts: every reason, and agreement with the pydantic contract."""

import json
from datetime import date

import pyarrow as pa
import pytest
from pydantic import ValidationError

from habitlake.contracts import Reason, WeatherForecast
from spark_jobs.ingest.kernel import LINES_SCHEMA
from spark_jobs.ingest.weather_kernel import WeatherKernel

BATCH = date(2026, 3, 1)
LINE = {
    "timeZone": "Europe/Berlin",
    "localDate": "2026-03-03",
    "hour": 18,
    "hours": 4,
    "issuedAt": "2026-03-01T22:00:00+01:00",
    "weather": "rain",
    "temperature": 46.5,
    "precipitationProbability": 0.8,
}


@pytest.fixture(scope="module")
def judge():
    kernel = WeatherKernel()

    def judged(*lines):
        texts, count = [line if isinstance(line, str) else json.dumps(line) for line in lines], len(lines)
        columns = [[BATCH] * count, ["f"] * count, list(range(count)), texts, ["utf-8"] * count, *[[None] * count] * 2]
        (table,) = kernel.judge(pa.table(columns, schema=LINES_SCHEMA))
        return table.to_pylist()

    return judged


def without(name):
    return {key: value for key, value in LINE.items() if key != name}


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("{torn", Reason.MALFORMED_JSON, "the line is not valid JSON"),
        ("[1]", Reason.NOT_AN_OBJECT, "the line is JSON of type ARRAY"),
        ("null", Reason.NOT_AN_OBJECT, "the line is JSON of type NULL"),
        (without("weather"), Reason.MISSING_FIELD, "weather is missing"),
        (LINE | {"timeZone": None}, Reason.MISSING_FIELD, "timeZone is missing"),
        (LINE | {"hour": "late"}, Reason.WRONG_TYPE, "hour: not of type bigint"),
        (LINE | {"localDate": "2026-02-30"}, Reason.WRONG_TYPE, "localDate: not of type date"),
        (LINE | {"localDate": "2026-03-03T00:00:00Z"}, Reason.WRONG_TYPE, "localDate: not of type date"),
        (
            LINE | {"issuedAt": "2026-03-01T22:00:00"},
            Reason.BAD_TIMESTAMP,
            "issuedAt: 2026-03-01T22:00:00 is not an ISO-8601 instant with offset",
        ),
        (
            LINE | {"issuedAt": "2026-03-03T00:00:00Z"},
            Reason.CLOCK_SKEW,
            "issuedAt: 2026-03-03T00:00:00Z cannot have been said by the batch date",
        ),
        (LINE | {"temperature": 288}, Reason.OUT_OF_RANGE, "temperature: 288 is not -90 to 140"),
        (LINE | {"hour": 24}, Reason.OUT_OF_RANGE, "hour: 24 is not 0 to 23"),
        (LINE | {"timeZone": "Mars/Jezero"}, Reason.OUT_OF_RANGE, "timeZone: Mars/Jezero is no IANA time zone"),
        (
            LINE | {"weather": "hail"},
            Reason.OUT_OF_RANGE,
            "weather: hail is not one of clear, cloudy, rain, snow, storm, fog",
        ),
    ],
)
def test_each_broken_line_is_refused_with_its_reason(judge, line, reason, detail):
    (row,) = judge(line)
    assert (row["reason"], row["detail"]) == (reason, detail)
    assert row["raw"] == (line if isinstance(line, str) else json.dumps(line))


def test_an_accepted_line_is_typed_and_unknown_fields_are_kept(judge):
    (row,) = judge(LINE | {"hour": "18", "wind": {"mph": 9}})
    assert (row["reason"], row["hour"], row["local_date"], row["event_date"]) == (None, 18, date(2026, 3, 3), BATCH)
    assert row["issued_at"].isoformat() == "2026-03-01T21:00:00+00:00"
    assert dict(row["extras"]) == {"wind": '{"mph":9}'}


def test_the_content_is_what_is_said_however_it_is_written(judge):
    same = dict(reversed(list(LINE.items()))) | {"issuedAt": "2026-03-01T21:00:00Z", "schemaVersion": 2}
    rows = judge(LINE, same, LINE | {"temperature": 47}, LINE | {"wind": 9})
    assert rows[0]["content_hash"] == rows[1]["content_hash"]
    assert len({row["content_hash"] for row in rows}) == 3


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
    {},
    "2026-03-04",
    "2026-02-30",
    "2026-03-01T08:00:00+01:00",
    "UTC",
    "rain",
]


@pytest.mark.parametrize("field", [field.alias for field in WeatherForecast.model_fields.values()])
def test_kernel_and_contract_agree(judge, field):
    """The field set to every odd value: accepted by both or refused by both."""
    lines = [without(field), *(LINE | {field: value} for value in VALUES)]
    for line, row in zip(lines, judge(*lines), strict=True):
        try:
            WeatherForecast.model_validate_json(json.dumps(line))
            accepted = True
        except ValidationError:
            accepted = False
        assert (row["reason"] is None) == accepted, (line.get(field), row["reason"], row["detail"])
