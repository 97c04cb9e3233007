"""The job over a real lake: what was known on the night, a range equals the loop, a rerun equals the run."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.lake import arrow_schema, replace_nights, replace_nights_stream, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table
from interventions import decide
from interventions.catalogue import catalogue
from interventions.profiles import read_profiles

FIRST = date(2026, 3, 1)
NIGHTS = [FIRST + timedelta(days=number) for number in range(4)]
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Tongatapu", "+02:00")


def write(name, rows, night, settings):
    """Write one night of a table; columns not given are null."""
    schema = arrow_schema(get_table(name))
    frame = pl.DataFrame(rows, schema=pl.DataFrame(schema.empty_table()).schema, orient="row", strict=False)
    frame = frame.with_columns(batch_date=pl.lit(night))
    replace_nights(frame.to_arrow().cast(schema), name, Interval(night, night), settings)


@pytest.fixture
def lake(tmp_path):
    """Return settings of a world with four nights of 60 people; profiles change, a model joins on the third night."""
    settings = Settings(home=tmp_path, _env_file=None)
    for index, night in enumerate(NIGHTS):
        people = [f"u{number:03d}" for number in range(60)]
        features = [
            {
                "user_id": user, "time_zone": ZONES[number % len(ZONES)], "as_of_date": night, "stress_level": 5.0 + (number + index) % 5,
                "observed_days_28d": 20, "days_since_first_event": 50, "interventions_7d": number % 6, "sessions_7d": 2,
                "injured": int(number == 3), "app_minutes_7d": 5.0,
            }
            for number, user in enumerate(people)
        ]  # fmt: skip
        write("gold.user_features", features, night, settings)
        write(
            "silver.profiles",
            [
                {"user_id": user, "event_at": datetime(2026, 3, 1 + index, tzinfo=UTC), "event_id": f"{user}-{index}",
                 "language": "de" if index % 2 else "en", "notifications_allowed": index < 2, "age": 40}
                for user in people[10 * index : 10 * index + 20]
            ],
            night, settings,
        )  # fmt: skip
        write(
            "gold.user_day",
            [{"user_id": people[0], "local_date": night, "interventions_delivered": 2, "interventions_acted": 1}],
            night,
            settings,
        )
        if index >= 2:
            write(
                "gold.predictions",
                [{"user_id": user, "model": "adherence", "model_version": "3", "probability": 0.2} for user in people[::2]],
                night, settings,
            )  # fmt: skip
    return settings


def run(settings, start, end):
    """Run the job's nights as the job does."""
    interval = Interval(start, end)
    profiles = read_profiles(interval, settings)
    for night in interval.nights():
        decide.decide_night(night, profiles, settings, catalogue())


def decisions(settings):
    """Return every stored decision."""
    return scan_table("gold.decisions", settings).collect().sort("batch_date", "user_id", "local_date")


def test_a_range_equals_the_loop_in_any_order_and_a_rerun_changes_nothing(lake, tmp_path):
    run(lake, NIGHTS[0], NIGHTS[-1])
    whole = decisions(lake)
    assert whole.height == 4 * 60 * 3
    other = lake.model_copy(update={"lake": str(tmp_path / "lake")})
    for night in [NIGHTS[2], NIGHTS[0], NIGHTS[3], NIGHTS[1], NIGHTS[2]]:
        run(other, night, night)
    assert decisions(other).equals(whole)
    assert whole["decision_id"].n_unique() == whole.height


def test_a_night_uses_what_was_known_then(lake):
    run(lake, NIGHTS[0], NIGHTS[-1])
    rows = decisions(lake).filter(pl.col("horizon") == 0)
    consent_gone = rows.filter(pl.col("unavailable_reasons").list.contains("opted_out"))
    assert consent_gone["batch_date"].min() == NIGHTS[2], "the profiles of later nights must not reach earlier ones"
    assert set(consent_gone.filter(pl.col("batch_date") == NIGHTS[2])["user_id"]) == {
        f"u{n:03d}" for n in range(20, 40)
    }
    scored = rows.filter(pl.col("model").is_not_null())
    assert scored["batch_date"].min() == NIGHTS[2]
    assert set(scored["triggers"].list.first()) == {"high_skip_risk"}


def test_a_night_without_people_clears_its_partition(lake):
    run(lake, NIGHTS[0], NIGHTS[0])
    write("gold.user_features", [], NIGHTS[0], lake)
    run(lake, NIGHTS[0], NIGHTS[0])
    assert decisions(lake).height == 0


def test_the_stream_refuses_rows_of_other_nights_and_keeps_what_was_there(lake):
    run(lake, NIGHTS[0], NIGHTS[0])
    before = decisions(lake)
    rows = before.to_arrow()
    with pytest.raises(PermanentError, match="outside the nights"):
        replace_nights_stream(lambda: iter([rows]), "gold.decisions", Interval(NIGHTS[1], NIGHTS[1]), lake)
    with pytest.raises(PermanentError, match="columns missing"):
        replace_nights_stream(
            lambda: iter([rows.drop_columns(["seed"])]), "gold.decisions", Interval(FIRST, FIRST), lake
        )
    assert decisions(lake).equals(before)
