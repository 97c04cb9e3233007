"""Goals over a real lake: held for a week, set from what was known, the same in a rerun, late days counted."""

from datetime import date, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.settings import Settings
from interventions.goals.job import write_goals
from interventions.plans.job import weeks_of
from interventions.profiles import newest_profiles, read_profiles
from interventions.reading import Reader
from tests.integration.interventions.lake import write

FIRST = date(2026, 3, 2)
NIGHTS = [FIRST + timedelta(days=number) for number in range(45)]
INJURED_ON = NIGHTS[38]
ZONES = {"berlin": "Europe/Berlin", "tonga": "Pacific/Tongatapu", "lima": "America/Lima"}


def facts(user, day, **more):
    """Return a day of the ledger: in use, and a session of 40 minutes on Mondays, Wednesdays and Fridays."""
    session = int(day.weekday() in (0, 2, 4))
    return {"user_id": user, "local_date": day, "events": 1, "workouts_completed": session,
            "duration_s": 2_400 * session, "steps": 0, "steps_count": 0, **more}  # fmt: skip


def features(user, night, **more):
    """Return the features of someone well who uses the app."""
    return {"user_id": user, "time_zone": ZONES.get(user, "UTC"), "as_of_date": night, "observed_days_28d": 20,
            "days_since_first_event": (night - FIRST).days, "injured": 0, **more}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Return settings of a world of 45 nights: three zones, a walker, an injury, a minor, and one who opted out."""
    settings = Settings(home=tmp_path_factory.mktemp("goals"), _env_file=None)
    people = [*ZONES, "walker", "hurt", "minor", "silent"]
    profiles = [
        {"user_id": "minor", "event_id": "1", "age": 16},
        {"user_id": "silent", "event_id": "2", "age": 30, "notifications_allowed": False},
        {"user_id": "hurt", "event_id": "3", "age": 30, "target_sessions_per_week": 3},
    ]
    write("silver.profiles", profiles, FIRST, settings)
    for night in NIGHTS:
        walked = {"steps": 9_000, "steps_count": 1}
        write(
            "gold.user_day",
            [facts(user, night, **(walked if user == "walker" else {})) for user in people],
            night,
            settings,
        )
        write(
            "gold.user_features",
            [features(user, night, injured=int(user == "hurt" and night >= INJURED_ON)) for user in people],
            night,
            settings,
        )
    return settings


def run(settings, nights):
    """Run the nights as the job does."""
    reader, profiles = Reader(settings, NIGHTS[-1]), read_profiles(Interval(NIGHTS[0], NIGHTS[-1]), settings)
    for night in nights:
        newest = newest_profiles(profiles, night)
        write_goals(night, newest, weeks_of(night, newest, reader), reader)


def goals(settings, **equal):
    """Return stored goals in order."""
    frame = scan_table("gold.goals", settings).collect().sort("batch_date", "user_id", "kind")
    return frame.filter(**equal)


@pytest.fixture(scope="module")
def done(lake):
    """Return the world with every night's goals set."""
    run(lake, NIGHTS)
    return lake


def test_who_gets_which_goals(done):
    last = goals(done, batch_date=NIGHTS[-1])
    assert set(last["user_id"]) == {*ZONES, "walker", "hurt"}
    assert set(last.filter(pl.col("kind") == "daily_steps")["user_id"]) == {"walker"}
    assert last.group_by("user_id", "kind").len()["len"].max() == 1


def test_a_goal_holds_for_seven_local_days_and_starts_on_the_first_whole_one(done):
    for user, days_after in (("berlin", 2), ("tonga", 2), ("lima", 1)):
        rows = goals(done, user_id=user, kind="weekly_sessions")
        assert rows["week_start"][0] == FIRST + timedelta(days=days_after)
        assert set((rows["valid_for"] - rows["week_start"]).dt.total_days()) <= set(range(7))
        per_week = rows.group_by("week_start").agg(pl.col("recommended_goal").n_unique(), pl.len().alias("nights"))
        assert per_week["recommended_goal"].to_list() == [1] * per_week.height
        assert per_week.sort("week_start")["nights"][0] == 7


def test_thin_history_steps_and_rich_history_estimates(done):
    rows = goals(done, user_id="lima", kind="weekly_sessions")
    by_week = rows.unique("week_start", keep="first", maintain_order=True)
    assert by_week["adaptation_strategy"].to_list()[:4] == ["start", "step_rule", "step_rule", "step_rule"]
    assert set(by_week["adaptation_strategy"].to_list()[4:]) == {"estimated"}
    last = by_week.row(-1, named=True)
    assert last["usual_amount"] == 3.0
    assert last["recommended_goal"] in (3.0, 4.0)
    assert last["past_goals"][-1] == by_week["recommended_goal"][-2]
    walker = goals(done, user_id="walker", kind="daily_steps").row(-1, named=True)
    assert walker["usual_amount"] == 9_000.0
    assert 8_500 <= walker["recommended_goal"] <= 11_000


def test_an_injury_lowers_the_goal_in_the_middle_of_a_week(done):
    rows = goals(done, user_id="hurt", kind="weekly_sessions")
    before = rows.filter(pl.col("batch_date") == INJURED_ON - timedelta(days=1)).row(0, named=True)
    after = rows.filter(pl.col("batch_date") == INJURED_ON).row(0, named=True)
    assert after["week_start"] == before["week_start"]
    assert (before["recommended_goal"] >= 2, after["recommended_goal"]) == (True, 1.0)
    assert (after["adaptation_strategy"], after["reasons"]) == ("recovery", ["injured"])


def test_a_rerun_changes_nothing_and_a_missing_night_is_bridged(done):
    whole = goals(done)
    run(done, NIGHTS[-3:])
    assert goals(done).equals(whole)
    write("gold.goals", [], NIGHTS[-2], done)
    run(done, NIGHTS[-1:])
    assert goals(done, batch_date=NIGHTS[-1]).equals(whole.filter(pl.col("batch_date") == NIGHTS[-1]))
    run(done, NIGHTS[-2:])
    assert goals(done).equals(whole)


def test_a_late_day_counts_from_the_night_on_which_it_arrived(lake, done):
    night = NIGHTS[-1]
    whole = goals(done)
    due = whole.filter((pl.col("batch_date") == night) & (pl.col("valid_for") == pl.col("week_start")))
    user = due["user_id"][0] if due.height else "hurt"
    late = [facts(user, night - timedelta(days=number), workouts_completed=1) for number in range(7)]
    kept = scan_table("gold.user_day", lake, Interval(night, night)).collect()
    write("gold.user_day", kept.filter(pl.col("user_id") != user).drop("batch_date").to_dicts() + late, night, lake)
    run(lake, [night])
    changed = goals(lake, batch_date=night, user_id=user, kind="weekly_sessions").row(0, named=True)
    earlier = whole.filter(
        (pl.col("batch_date") == night) & (pl.col("user_id") == user) & (pl.col("kind") == "weekly_sessions")
    )
    assert changed["usual_amount"] > earlier["usual_amount"][0]
    assert goals(lake).filter(pl.col("batch_date") < night).equals(whole.filter(pl.col("batch_date") < night))
