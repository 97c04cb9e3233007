"""The forecast of the world: contracts, dates, errors that grow with days ahead, and dirt with known verdicts."""

import gzip
from collections import Counter
from datetime import date, timedelta

import numpy as np
import orjson
import pytest
from pydantic import ValidationError

from habitlake.clock import first_day_after
from habitlake.contracts import Reason, WeatherForecast
from habitlake.settings import Settings
from habitlake.simulator.forecast import FILE, PARTS, forecast, write_forecast
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import ZONES

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(120)]
WET = ("rain", "snow")


@pytest.fixture(scope="module")
def said():
    """Every line of 120 days with the true weather and temperature, and how many days ahead it is."""
    lines = []
    for day in DAYS:
        for line in forecast(3, FIRST, day):
            local_date, zone = date.fromisoformat(line["localDate"]), ZONES.index(line["timeZone"])
            local = LocalDay(3, (local_date - FIRST).days, local_date)
            lines.append((line, (local_date - day).days, local.weather[zone], local.temperature[zone]))
    return lines


def test_every_night_tells_the_parts_of_the_dates_that_it_plans_for(said):
    lines = [line for line, *_ in said[: len(ZONES) * 3 * len(PARTS)]]
    assert all(WeatherForecast.model_validate(line).model_extra == {} for line in lines)
    dates = {zone: sorted({line["localDate"] for line in lines if line["timeZone"] == zone}) for zone in ZONES}
    assert dates == {
        zone: [str(first_day_after(FIRST, zone) + timedelta(days=number)) for number in range(3)] for zone in ZONES
    }
    covered = [line["hour"] + number for line in lines[: len(PARTS)] for number in range(line["hours"])]
    assert covered == list(range(6, 22))


def test_errors_grow_with_days_ahead_and_the_probability_of_rain_comes_true(said):
    right, error, promised = {}, {}, {}
    for line, ahead, weather, temperature in said:
        right.setdefault(ahead, []).append((line["weather"] in WET) == (weather in WET))
        error.setdefault(ahead, []).append(abs(line["temperature"] - temperature))
        promised.setdefault(ahead, []).append(line["precipitationProbability"] - (weather in WET))
    assert sorted(right) == [1, 2, 3, 4]
    shares = [np.mean(right[ahead]) for ahead in (1, 2, 3, 4)]
    assert shares == sorted(shares, reverse=True)
    # Where the kind is drawn anew it is as often wet as ever: 0.08 x 2 x 0.375 x 0.625 of the days a day ahead.
    assert shares[0] == pytest.approx(1 - 0.0375, abs=0.02)
    errors = [np.mean(error[ahead]) for ahead in (1, 2, 3, 4)]
    assert errors == sorted(errors)
    assert all(abs(np.mean(promised[ahead])) < 0.04 for ahead in promised)


def verdict(text):
    """What a reader with the contract alone says of a line; None is acceptance."""
    try:
        line = orjson.loads(text.decode())
    except UnicodeDecodeError:
        return Reason.INVALID_ENCODING
    except orjson.JSONDecodeError:
        return Reason.MALFORMED_JSON if text.strip() else Reason.EMPTY_LINE
    if not isinstance(line, dict):
        return Reason.NOT_AN_OBJECT
    try:
        WeatherForecast.model_validate(line)
    except ValidationError as error:
        return Reason.MISSING_FIELD if error.errors()[0]["type"] == "missing" else Reason.OUT_OF_RANGE
    return None


def test_dirt_is_counted_with_the_verdict_that_a_strict_reader_finds(tmp_path):
    settings = Settings(home=tmp_path, _env_file=None)
    total = Counter()
    for day in DAYS[:30]:
        expected = write_forecast(3, FIRST, day, 0.2, str(tmp_path), settings)
        found, seen = Counter(), {}
        for text in gzip.decompress((tmp_path / FILE).read_bytes()).split(b"\n")[:-1]:
            reason = verdict(text)
            if reason is None:
                line = orjson.loads(text)
                identity = tuple(line[name] for name in ("timeZone", "localDate", "hour", "issuedAt"))
                if identity in seen:
                    reason = "duplicate" if seen[identity] == line else Reason.CONFLICT
                seen.setdefault(identity, line)
            if reason is not None:
                found[str(reason)] += 1
        assert found == expected, day
        total += found
    assert 0.15 < total.total() / (30 * len(ZONES) * 3 * len(PARTS)) < 0.25
    assert len(total) == 8
    assert write_forecast(3, FIRST, FIRST, 0.0, str(tmp_path), settings) == Counter()
