"""The weather of windows: which band a forecast means, which forecast an hour has, and how far it is believed."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.windows.config import BANDS, CONFIG, FACTORS, HOURS, PART_NAMES
from models.windows.effects import sigmoid
from models.windows.rows import window_rows
from models.windows.weather import expected_weather, forecast_worth, hourly, usual_bands
from tests.unit.models.test_windows import EVENING, FORECAST, MORNING, NIGHT, REPORTS, ZONES, people, term, windows_of

FIRST = ZONES["first_date"][0]
BERLIN = ZONES["time_zone"].to_list().index("Europe/Berlin")
# Somebody whose mornings and evenings are far better than other parts of the day, and whom rain keeps from training.
MINDS_RAIN = {
    "part_completed": people().part_attempts * 0.95,
    "prefers": people().part_attempts > 0,
    "band_attempts": np.array([[15.0, 15.0, 0.0, 0.0]]),
    "band_completed": np.array([[14.0, 9.0, 0.0, 0.0]]),
}
# In Berlin it was wet on a quarter of the attempts.
USUAL = [("Europe/Berlin", NIGHT, "evening", "fair", 300), ("Europe/Berlin", NIGHT, "evening", "wet", 100)]


def line(hour=18, *, day=0, issued=datetime(2026, 3, 1, 21, tzinfo=UTC), weather="rain", **changes):
    return {
        "time_zone": "Europe/Berlin", "local_date": FIRST + timedelta(days=day), "hour": hour, "hours": None,
        "issued_at": issued, "weather": weather, "temperature_f": 60.0, "precipitation_probability": None,
    } | changes  # fmt: skip


def forecasts(*lines):
    return pl.DataFrame(list(lines), FORECAST)


def weather(*lines, reports=USUAL):
    return expected_weather(ZONES, pl.DataFrame(reports, REPORTS, orient="row"), forecasts(*lines))


def berlin(found, hour, day=0):
    """How likely the bands are at an hour, by name."""
    return dict(zip(BANDS, found.expected[BERLIN, day, HOURS.index(hour)].tolist(), strict=True))


@pytest.mark.parametrize(
    ("changes", "bands"),
    [
        ({}, {"wet": 1.0}),
        ({"weather": "storm", "temperature_f": 90.0}, {"wet": 1.0}),
        ({"weather": "fog"}, {"fair": 1.0}),
        ({"weather": "clear", "temperature_f": 40.9}, {"cold": 1.0}),
        ({"weather": "clear", "temperature_f": 41.0}, {"fair": 1.0}),
        ({"weather": "clear", "temperature_f": 86.1}, {"hot": 1.0}),
        # Where a probability is given it is believed and not the word.
        ({"precipitation_probability": 0.25}, {"wet": 0.25, "fair": 0.75}),
        ({"weather": "cloudy", "precipitation_probability": 0.25, "temperature_f": 30.0}, {"wet": 0.25, "cold": 0.75}),
    ],
)
def test_the_band_of_a_forecast(changes, bands):
    (row,) = hourly(forecasts(line(**changes))).select(BANDS).to_dicts()
    assert row == dict.fromkeys(BANDS, 0.0) | bands


def test_a_forecast_is_drawn_towards_the_usual_weather_and_other_hours_have_that():
    found = weather(line(18, hours=2))
    share = CONFIG.forecast_share[2]
    assert berlin(found, 18) == pytest.approx(
        {"fair": (1 - share) * 0.75, "wet": share + (1 - share) * 0.25, "cold": 0, "hot": 0}, abs=0.01
    )
    assert berlin(found, 19) == berlin(found, 18)
    assert berlin(found, 20) == berlin(found, 18, day=1) == dict(zip(BANDS, found.usual[BERLIN].tolist(), strict=True))
    others = [zone for zone in range(len(ZONES)) if zone != BERLIN]
    assert (found.expected[others] == found.usual[others][:, None, None, :]).all()
    assert (found.forecast[others] == -1).all()
    assert np.argwhere(found.forecast[BERLIN] >= 0).tolist() == [[0, HOURS.index(18)], [0, HOURS.index(19)]]


def test_what_was_said_last_counts_and_of_one_time_the_line_of_fewer_hours():
    old, new = datetime(2026, 2, 28, 6, tzinfo=UTC), datetime(2026, 3, 1, 6, tzinfo=UTC)
    found = weather(
        line(18, hours=4, issued=new, weather="clear"), line(19, issued=old, weather="storm"),
        line(10, hours=12, issued=old, weather="snow"), line(14, hours=4, issued=new, weather="cloudy"),
        line(16, issued=new, weather="fog"),
    )  # fmt: skip
    said = [
        found.said["weather"][int(found.forecast[BERLIN, 0, HOURS.index(hour)])] for hour in (12, 14, 16, 17, 18, 19)
    ]
    assert said == ["snow", "cloudy", "fog", "cloudy", "clear", "clear"]


def test_a_forecast_too_old_or_of_other_dates_says_nothing():
    long_ago = datetime(2026, 3, 3, tzinfo=UTC) - timedelta(days=len(CONFIG.forecast_share))
    for useless in (line(issued=long_ago), line(day=-1), line(day=3), line(hour=23), line(time_zone="Asia/Kolkata")):
        found = weather(useless)
        assert found.expected.shape == (3, 1, 1, 4)
        assert (found.forecast == -1).all()


def past(right, days=60, zone="Europe/Berlin"):
    """Forecasts of one and of three days ahead for the evenings before the night, and what was reported: wet every other day."""
    lines, reports = [], []
    for back in range(days):
        day = NIGHT - timedelta(days=back)
        reports.append((zone, day, "evening", "wet" if back % 2 else "fair", 10))
        for ahead in (1, 3):
            wet = bool(back % 2) == right
            issued = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=ahead)
            lines.append(
                line(18, issued=issued, weather="rain" if wet else "clear", hours=4, local_date=day, time_zone=zone)
            )
    return forecasts(*lines), pl.DataFrame(reports, REPORTS, orient="row")


def worth(said, reports):
    zones, bands = usual_bands(reports)
    usual = pl.DataFrame({"time_zone": zones, **{band: bands[:-1, number] for number, band in enumerate(BANDS)}})
    return forecast_worth(hourly(said), reports, usual)


def test_past_forecasts_say_how_far_the_next_are_to_be_believed():
    before = np.array(CONFIG.forecast_share)
    right, wrong = worth(*past(right=True)), worth(*past(right=False))
    # Sixty evenings, half of them wet, are 30 squares of distance from the usual weather; 20 were known beforehand.
    assert right[[1, 3]] == pytest.approx((30 + 20 * 0.9) / 50, abs=0.01)
    assert wrong[[1, 3]] == pytest.approx(0, abs=0.01)
    for found in (right, wrong):
        assert found[[0, 2, 4]].tolist() == before[[0, 2, 4]].tolist()
    said, reports = past(right=False)
    assert worth(said, reports.with_columns(attempts=pl.lit(2))).tolist() == before.tolist()
    assert worth(said.clear(), reports).tolist() == before.tolist()


def by_part(windows, day=0):
    """Probability by part of the day."""
    return dict(zip(windows.part[0, day].tolist(), windows.probability[0, day].tolist(), strict=True))


def test_rain_in_the_evening_takes_from_the_evening_alone_and_the_terms_add_up():
    known = people(**MINDS_RAIN)
    dry, wet, fair = (
        windows_of(known, weather=weather(*lines))
        for lines in ((), [line(18, hours=4)], [line(18, hours=4, weather="clear")])
    )
    assert by_part(wet)[EVENING] < by_part(dry)[EVENING] - 0.05
    assert by_part(fair)[EVENING] > by_part(dry)[EVENING] + 0.01
    assert by_part(wet)[MORNING] == by_part(fair)[MORNING] == by_part(dry)[MORNING]
    assert (wet.part[0, 0, 0], fair.part[0, 0, 0]) == (MORNING, EVENING)
    assert wet.probability[0, 1:].tolist() == dry.probability[0, 1:].tolist()
    assert sigmoid(wet.terms.sum(axis=3)) == pytest.approx(wet.probability, abs=1e-6)
    # Fair weather is what the others are compared with: a fair forecast leaves little of the usual rain.
    assert term(dry, "weather") < term(fair, "weather") < 0


def test_of_a_part_of_the_day_the_dry_hour_is_taken():
    lines = [line(hour, weather="clear" if hour == 21 else "rain") for hour in (18, 19, 20, 21)]
    found = windows_of(people(**MINDS_RAIN), weather=weather(*lines))
    assert found.hour[0, 0, found.part[0, 0] == EVENING].tolist() == [21]


def test_without_a_forecast_nothing_moves_the_score():
    known = people(**MINDS_RAIN)
    usual, none = windows_of(known, weather=weather()), windows_of(known, weather=weather(reports=[]))
    # The terms as written are rounded, so the last digit may differ.
    assert usual.probability == pytest.approx(none.probability, abs=1e-5)
    assert usual.weather_effect[0, 0, 0] < 0
    rows = window_rows(known, usual, NIGHT)
    assert set(rows["weather_source"]) == {"climatology"}
    assert rows["weather"].null_count() == rows.height
    assert any("not fair on 2" in reason for reason in rows["reasons"].explode())


def test_rows_say_that_it_is_a_forecast_and_what_it_says():
    known = people(**MINDS_RAIN)
    found = weather(
        line(18, hours=4, temperature_f=57.6), line(7, hours=4, weather="cloudy", precipitation_probability=0.1)
    )
    rows = window_rows(known, windows_of(known, weather=found), NIGHT).filter(pl.col("valid_for") == FIRST)
    told = {row["part_of_day"]: row for row in rows.to_dicts()}
    evening, morning = told["evening"], told["morning"]
    assert (evening["weather_source"], evening["weather"]) == ("forecast", "rain")
    points = round(-100 * evening["weather_effect"], 1)
    hour = evening["hour"]
    assert f"forecast: rain expected at {hour}:00 (58 °F), weather takes {points} points" in evening["reasons"]
    (reason,) = [reason for reason in morning["reasons"] if reason.startswith("forecast: ")]
    assert reason.startswith(f"forecast: cloudy expected at 0{morning['hour']}:00 (60 °F, 10 % wet)")
    (third,) = [row for row in told.values() if row["part_of_day"] not in ("evening", "morning")]
    assert (third["weather_source"], third["weather"]) == ("climatology", None)
    assert tuple(json.loads(evening["contributions"])) == FACTORS
    # The weather that nobody minds is told, too, but not what it takes.
    hardy = people(
        band_attempts=np.array([[2000.0, 2000.0, 0.0, 0.0]]), band_completed=np.array([[1200.0, 1200.0, 0.0, 0.0]])
    )
    rows = window_rows(hardy, windows_of(hardy, weather=found), NIGHT)
    assert PART_NAMES[EVENING] in rows["part_of_day"]
    assert any(reason.endswith("(58 °F)") for reason in rows["reasons"].explode())
