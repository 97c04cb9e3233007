"""The job over a real lake: what was known on the night, a range equals the loop, a rerun equals the run."""

import shutil
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.errors import PERMANENT_EXIT_CODE, PermanentError
from habitlake.lake import replace_nights_stream, scan_table
from habitlake.nights.ledger import open_nights
from habitlake.settings import Settings
from interventions import decide
from interventions.catalogue import FOLDER, catalogue, load_catalogue
from interventions.explain import REASONS, explanation, story
from interventions.profiles import newest_profiles, read_profiles
from interventions.publish import publish_night
from interventions.queue import client
from interventions.reading import Reader
from interventions.response.job import learn_night
from tests.integration.interventions.lake import write

FIRST = date(2026, 3, 1)
NIGHTS = [FIRST + timedelta(days=number) for number in range(4)]
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Tongatapu", "+02:00")


@pytest.fixture
def lake(tmp_path):
    """Return settings of a world with four nights of 60 people; profiles change, a model joins on the third night."""
    settings = Settings(home=tmp_path, _env_file=None)
    for index, night in enumerate(NIGHTS):
        people = [f"u{number:03d}" for number in range(60)]
        features = [
            {
                "user_id": user, "time_zone": ZONES[number % len(ZONES)], "as_of_date": night, "stress_level": 5.0 + (number - index) % 5,
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
                [{"user_id": user, "model": "adherence", "model_version": "3", "probability": 0.2} for user in people[::2]]
                + [{"user_id": user, "model": "burnout", "model_version": "1", "probability": 0.8} for user in people[1:3]]
                + [{"user_id": people[0], "model": "churn", "model_version": "2", "probability": 0.9}],
                night, settings,
            )  # fmt: skip
    return settings


def run(settings, start, end):
    """Run the job's nights as the job does."""
    interval = Interval(start, end)
    reader, profiles = Reader(settings, end), read_profiles(interval, settings)
    for night in interval.nights():
        known = learn_night(night, reader, catalogue())
        decide.decide_night(night, newest_profiles(profiles, night), reader, catalogue(), known)


def decisions(settings):
    """Return every stored decision."""
    return scan_table("gold.decisions", settings).collect().sort("batch_date", "user_id", "local_date")


def test_a_range_equals_the_loop_and_a_repair_after_nights_out_of_order(lake, tmp_path):
    run(lake, NIGHTS[0], NIGHTS[-1])
    whole = decisions(lake)
    assert whole.height == 4 * 60 * 3
    other = lake.model_copy(update={"lake": str(tmp_path / "lake")})
    # A night knows the triggers and sends of the nights before: one that came late makes the later ones stale.
    for night in [NIGHTS[2], NIGHTS[0], NIGHTS[1], NIGHTS[1], NIGHTS[2], NIGHTS[3], NIGHTS[3]]:
        run(other, night, night)
    assert decisions(other).equals(whole)
    assert whole["decision_id"].n_unique() == whole.height


def test_a_run_that_breaks_off_half_way_leaves_what_was_there_and_the_rerun_heals(lake, monkeypatch):
    run(lake, NIGHTS[0], NIGHTS[0])
    before = decisions(lake)
    monkeypatch.setattr(decide, "PEOPLE_PER_CHUNK", 20)
    done = []

    def breaks_off(people, *others, **more):
        done.append(people.height)
        if len(done) > 2:
            raise OSError("no space left on device")
        return whole(people, *others, **more)

    whole = decide.decide
    monkeypatch.setattr(decide, "decide", breaks_off)
    with pytest.raises(Exception, match="no space left"):
        run(lake, NIGHTS[0], NIGHTS[0])
    assert done == [20, 20, 20]
    assert decisions(lake).equals(before)
    monkeypatch.setattr(decide, "decide", whole)
    run(lake, NIGHTS[0], NIGHTS[0])
    assert decisions(lake).equals(before)


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
    assert set(scored["model_version"]) == {"3"}
    burnt_out = rows.filter(pl.col("triggers").list.contains("burnout_risk"))
    assert set(burnt_out["user_id"]) == {"u001", "u002"}
    assert set(burnt_out.filter(pl.col("user_id") == "u001")["model"]) == {None}
    assert set(scored.filter(pl.col("user_id") != "u002")["triggers"].list.first()) == {"high_skip_risk"}


def test_every_decision_of_a_night_can_be_told_from_its_row(lake):
    run(lake, NIGHTS[0], NIGHTS[2])
    rows = decisions(lake).filter(pl.col("batch_date") == NIGHTS[2])
    assert rows.height == 60 * 3
    for row in rows.iter_rows(named=True):
        text = story(explanation(row, catalogue()))
        for trigger in row["triggers"]:
            assert f"\n  {trigger}: " in text
        if row["available"]:
            assert row["message"] in text
            assert f"Result: {'send ' + row['intervention'] if row['send'] else 'send nothing'}" in text
        else:
            assert all(f"\n  {reason}: {REASONS[reason]}" in text for reason in row["unavailable_reasons"])
            assert "Result: not available, nothing sent" in text


def test_a_night_keeps_triggers_on_and_lets_what_was_sent_cool_down(lake):
    run(lake, NIGHTS[0], NIGHTS[-1])
    rows = decisions(lake).filter(pl.col("horizon") == 0)
    level = rows["features"].str.json_path_match("$.stress_level").cast(pl.Float64)
    on = rows["triggers"].list.contains("high_stress")
    # Stress falls by one a night: 7 begins nothing, and keeps on what the night before had on.
    assert set(level.filter(on)) == {7.0, 8.0, 9.0}
    held = rows.filter(on & (level == 7.0))
    assert held.height > 0
    before = decisions(lake).filter((pl.col("horizon") == 0) & pl.col("triggers").list.contains("high_stress"))
    was_on = before.select("user_id", batch_date=pl.col("batch_date") + pl.duration(days=1))
    assert held.join(was_on, on=["user_id", "batch_date"], how="anti").height == 0
    sent = rows.filter("send").select("user_id", "intervention", "local_date")
    again = sent.join(sent, on=["user_id", "intervention"]).filter(pl.col("local_date_right") > pl.col("local_date"))
    days = {item.name: item.cool_down_days for item in catalogue().interventions}
    gap = (again["local_date_right"] - again["local_date"]).dt.total_days()
    assert (gap >= again["intervention"].replace_strict(days, return_dtype=pl.Int64)).all()
    assert rows["candidates"].str.contains("cool_down").any()


def test_what_a_fallback_day_sent_is_known_where_it_held(lake):
    for night in (NIGHTS[0], NIGHTS[1], NIGHTS[3]):
        run(lake, night, night)
    sent = decisions(lake).filter("send")

    def known(night):
        rows = decide.read_sent_before(night, Reader(lake, night)).explode("sent_before").unnest("sent_before")
        return set(rows.select("user_id", "intervention", "local_date").iter_rows())

    def of(night, horizon):
        rows = sent.filter((pl.col("batch_date") == night) & (pl.col("horizon") == horizon))
        return set(rows.select("user_id", "intervention", "local_date").iter_rows())

    nearest = of(NIGHTS[0], 0) | of(NIGHTS[1], 0)
    fallback = of(NIGHTS[1], 1)
    assert fallback
    assert known(NIGHTS[2]) == nearest, "the night to come decides on that day itself"
    assert known(NIGHTS[3]) == nearest | fallback, "the third night is missing, so the second one's fallback held"
    run(lake, NIGHTS[2], NIGHTS[2])
    assert not known(NIGHTS[3]) & (fallback - of(NIGHTS[2], 0))


def test_a_night_without_people_clears_its_partition(lake):
    run(lake, NIGHTS[0], NIGHTS[0])
    write("gold.user_features", [], NIGHTS[0], lake)
    run(lake, NIGHTS[0], NIGHTS[0])
    assert decisions(lake).height == 0


@pytest.fixture
def platform(lake, world, monkeypatch):
    """Return settings of the lake beside a running Postgres, and a function that runs the job on settings."""

    def ended(settings, night):
        monkeypatch.setattr("habitlake.job.get_settings", lambda: settings)
        return decide.main(["--start", str(night)])

    return world.model_copy(update={"lake": lake.lake}), ended


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("{low_energy:decimal}", "{vigour:decimal}", "messages.en.encouraging: unknown placeholder"),
        ("{duration_min: 10}", "{duration_min: long}", "payload: workout_modification, duration_min: Input should be"),
    ],
)
def test_a_broken_library_stops_the_decisions_alone_in_one_line_and_the_queue_bridges_the_night(
    platform, connection, tmp_path, monkeypatch, capsys, right, wrong, complaint
):
    settings, ended = platform
    run(settings, NIGHTS[0], NIGHTS[0])
    before = decisions(settings)
    publish_night(NIGHTS[0], settings, connection)
    queued = client.list_items(connection, 1_000)
    shutil.copytree(FOLDER / "library", tmp_path / "broken" / "library")
    shutil.copy(FOLDER / "triggers.yaml", tmp_path / "broken")
    file = tmp_path / "broken" / "library" / "skip.yaml"
    file.write_text(file.read_text().replace(right, wrong, 1))
    monkeypatch.setattr(decide, "catalogue", lambda: load_catalogue(tmp_path / "broken"))
    assert ended(settings, NIGHTS[1]) == PERMANENT_EXIT_CODE
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line or "Traceback" in line]
    assert line.startswith(f"error: interventions.decide: skip.yaml, ten_minute_version, {complaint}")
    assert decisions(settings).equals(before)
    goals = dict(decide.read_goals(NIGHTS[1], Reader(settings, NIGHTS[1])).iter_rows())
    assert len(goals) == 60
    # An injury lets a goal rest.
    assert {user for user, sessions in goals.items() if sessions < 1} == {"u003"}
    assert client.list_items(connection, 1_000) == queued
    # The second local day in Berlin and Kolkata, which the night that failed would have decided on.
    due = client.claim(connection, 1_000, worker="app", as_of=datetime(2026, 3, 4, 12, tzinfo=UTC), due_only=True)
    assert {(item.batch_date, item.horizon) for item in due} == {(NIGHTS[0], 1)}


def test_a_rerun_holds_out_who_was_held_out_when_the_night_was_first_run(platform):
    settings, ended = platform
    first, second = (Interval(night, night) for night in NIGHTS[:2])
    shares = {share: settings.model_copy(update={"holdout_share": share}) for share in (0.3, 0.0)}
    now = datetime(2026, 3, 5, tzinfo=UTC)

    def held_out(night):
        reasons = pl.col("unavailable_reasons").list.contains("holdout")
        return set(decisions(settings).filter(reasons, pl.col("batch_date") == night)["user_id"])

    open_nights(first, shares[0.3], now)
    assert ended(shares[0.3], NIGHTS[0]) == 0
    members, before = held_out(NIGHTS[0]), decisions(settings)
    assert 5 < len(members) < 35
    open_nights(first, shares[0.0], now)
    assert ended(shares[0.0], NIGHTS[0]) == 0
    assert decisions(settings).equals(before)
    # The share in force is that of a night which is opened with it, or which no ledger knows.
    open_nights(second, shares[0.0], now)
    assert ended(shares[0.3], NIGHTS[1]) == 0
    assert held_out(NIGHTS[1]) == set()
    assert ended(shares[0.3], NIGHTS[2]) == 0
    assert held_out(NIGHTS[2]) == members


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
