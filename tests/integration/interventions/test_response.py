"""Attribution over a real lake: once per decision, as known on the night that closes its window; the state adds up."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import replace_nights, scan_table
from habitlake.settings import Settings
from interventions.catalogue import catalogue
from interventions.reading import Reader
from interventions.response.job import learn_night
from interventions.response.model import COUNTS
from tests.integration.interventions.lake import write

FIRST = date(2026, 3, 1)
ENTRY = {"session": ("small_start", "encouragement"), "sleep": ("slow_breathing", "stress_relief")}


def decision(user, night, ahead, *, send, kind="session"):
    """Return a decision of a night on a local date some days ahead."""
    day = night + timedelta(days=ahead)
    intervention, action = ENTRY[kind]
    return {
        "decision_id": f"{night}-{user}-{day}", "user_id": user, "local_date": day, "horizon": 0, "available": True,
        "send": send, "probability": 0.5, "arms": [intervention], "arm_actions": [action], "arm_probabilities": [0.5],
        "action_probability": 0.5, "intervention": intervention, "action": action, "dosage": 1.0, "usual_sessions": 0.4,
    }  # fmt: skip


def events(decision_id, *kinds):
    """Return feedback events of a decision."""
    return [
        {"event_id": f"{decision_id}-{kind}-{number}", "decision_id": decision_id, "event_type": f"intervention_{kind}",
         "event_at": datetime(2026, 3, 2, 9, tzinfo=UTC), "user_id": "any"}
        for number, kind in enumerate(kinds)
    ]  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    """Return settings of an empty world."""
    return Settings(home=tmp_path, _env_file=None)


def night_of(number):
    """Return the night of that number, from 0."""
    return FIRST + timedelta(days=number)


@pytest.fixture
def week(settings):
    """Return a world of seven nights: each decides on the next two local dates, and half of the sent ones are told."""
    users = [f"u{number:02d}" for number in range(40)]
    for index in range(7):
        night, yesterday = night_of(index), night_of(index - 1)
        decided = []
        for number, user in enumerate(users):
            kind = "sleep" if number % 4 == 0 else "session"
            decided += [decision(user, night, ahead, send=(number + index) % 2 == 0, kind=kind) for ahead in (1, 2)]
        write("gold.decisions", decided, night, settings)
        told = [
            event
            for number, user in enumerate(users)
            if index and (number + index - 1) % 2 == 0
            for event in events(f"{yesterday}-{user}-{night}", "delivered", "opened", "opened")
        ]
        write("silver.intervention_events", told, night, settings)
        facts = [
            {"user_id": user, "local_date": night, "workouts_completed": int((number * 7 + index) % 3 == 0),
             "stress_count": 1, "stress_permille": 1_000 * ((number + index) % 10)}
            for number, user in enumerate(users)
        ]  # fmt: skip
        write("gold.user_day", facts, night, settings)
    return settings


def state(settings, night):
    """Return the stored state of a night, by level and name."""
    rows = scan_table("gold.response_state", settings, Interval(night, night)).collect()
    return rows.sort("level", "name")


def learn(settings, *numbers):
    """Learn some nights in that order."""
    for number in numbers:
        learn_night(night_of(number), Reader(settings, night_of(number)), catalogue())


def overall(settings, number):
    """Return the counts of a night's state over everything."""
    return state(settings, night_of(number)).filter(pl.col("level") == "overall").row(0, named=True)


def test_each_decision_is_attributed_once_on_the_night_after_its_outcome(week):
    learn(week, *range(7))
    decided = [overall(week, number)["decisions"] for number in range(7)]
    # Night 0 decides on dates 1 and 2; date 1 is judged by night 2, stress on the day after it by night 3.
    assert decided == [0, 0, 30, 70, 110, 150, 190]
    last = overall(week, 6)
    # Of the 30, ten are sent by even nights and twenty by odd ones; of the others all ten by even nights.
    assert last["sends"] == 3 * 10 + 2 * 20 + 2 * 10
    assert last["delivered"] == last["sends"]
    assert last["opened"] == last["sends"], "the same news told twice counts once"
    assert last["acted"] == 0


def test_outcomes_are_those_of_each_type(week):
    learn(week, 3)
    rows = {row["name"]: row for row in state(week, night_of(3)).iter_rows(named=True)}
    users = range(40)
    day, next_day = 2, 2
    sessions = [number for number in users if number % 4 and (number * 7 + day) % 3 == 0]
    calm = [number for number in users if number % 4 == 0 and (number + next_day) % 10 < 5]
    assert rows["small_start"]["sends_positive"] + rows["small_start"]["silent_positive"] == len(sessions)
    assert rows["slow_breathing"]["sends_positive"] + rows["slow_breathing"]["silent_positive"] == len(calm)
    assert rows["encouragement"]["decisions"] == rows["small_start"]["decisions"] == 30


def test_the_state_is_the_sum_of_its_nights_and_a_gap_is_made_up_for(week, tmp_path):
    learn(week, *range(7))
    straight = state(week, night_of(6))
    learn(week, 4, 5, 6)
    assert state(week, night_of(6)).equals(straight)
    other = week.model_copy(update={"lake": str(tmp_path / "copy")})
    for name in ("gold.decisions", "silver.intervention_events", "gold.user_day"):
        for number in range(7):
            night = Interval(night_of(number), night_of(number))
            replace_nights(scan_table(name, week, night).collect().to_arrow(), name, night, other)
    learn(other, 0, 3, 6)
    assert state(other, night_of(6)).equals(straight)


def test_what_a_later_night_brings_changes_no_earlier_state(week):
    learn(week, *range(5))
    before = state(week, night_of(4))
    late = [{"user_id": "u01", "local_date": night_of(3), "workouts_completed": 1}]
    write("gold.user_day", late, night_of(5), week)
    write("silver.intervention_events", events(f"{night_of(2)}-u02-{night_of(3)}", "acted"), night_of(5), week)
    learn(week, 4)
    assert state(week, night_of(4)).equals(before)


def test_the_newest_published_night_holds_and_an_unpublished_one_teaches_nothing(settings):
    for ahead, send in ((2, True), (1, False)):
        night = FIRST - timedelta(days=ahead)
        rows = [decision(f"u{number}", night, ahead, send=send and number < 3) for number in range(6)]
        write("gold.decisions", rows, night, settings)
    write("gold.user_day", [{"user_id": "u0", "local_date": FIRST, "workouts_completed": 1}], FIRST, settings)
    learn_night(night_of(1), Reader(settings, night_of(1)), catalogue())
    assert overall(settings, 1)["decisions"] == 0, "nobody was reached by either night"
    told = events(f"{FIRST - timedelta(days=2)}-u0-{FIRST}", "delivered")
    write("silver.intervention_events", told, FIRST, settings)
    learn_night(night_of(1), Reader(settings, night_of(1)), catalogue())
    row = overall(settings, 1)
    assert {name: row[name] for name in COUNTS[:4]} == {
        "decisions": 6, "sends": 3, "sends_positive": 1, "silent_positive": 0,
    }  # fmt: skip
