"""When, where and with which goals people train: parts of the day, weather, weight, steps, and ratings of the app."""

import gzip
from datetime import date, datetime, timedelta

import numpy as np
import orjson
import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights, truth
from habitlake.simulator.people import SLOT_HOURS, SLOTS, make_traits

DAYS = Interval(date(2026, 1, 5), date(2026, 3, 1))
PEOPLE = 300


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("habits"), _env_file=None)
    simulate_nights(settings, DAYS, people=PEOPLE, dirt=0.0, seed=8)
    return settings


@pytest.fixture(scope="module")
def events(world):
    """All events by type."""
    found = {}
    for file in sorted((world.home / "landing" / "events").rglob("*.gz")):
        for line in gzip.decompress(file.read_bytes()).splitlines():
            event = orjson.loads(line)
            found.setdefault(event["eventType"], []).append(event)
    return found


@pytest.fixture(scope="module")
def days(world):
    """The truth, one row per person and day."""
    return pl.concat(
        pl.read_parquet(file).with_columns(day=pl.lit(file.parent.name.removeprefix("local_date=")))
        for file in sorted(world.truth_dir.glob("local_date=*/people-*.parquet"))
    )


def test_people_use_two_or_three_parts_of_the_day_and_most_prefer_their_best():
    traits = make_traits(5, 0, 4_000)
    used = (traits.slot_shares > 0).sum(axis=1)
    assert set(used.tolist()) == {2, 3}
    assert np.allclose(traits.slot_shares.sum(axis=1), 1)
    assert (traits.slot_shares[np.arange(4_000), traits.slot] == truth.PREFERRED_SLOT_SHARE).all()
    assert 0.85 < (traits.best_slot == traits.slot).mean() < 0.95
    assert (traits.slot_shares[np.arange(4_000), traits.best_slot] > 0).all()


def test_workouts_happen_in_the_part_of_the_day_they_were_planned_for(events, days):
    slots = {(row["user_id"], row["day"]): row["slot"] for row in days.iter_rows(named=True)}
    assert len({slots[user, day] for user, day in slots if user == "u0000003"}) > 1
    for event in events["workout_planned"]:
        start = datetime.fromisoformat(event["data"]["plannedFor"])
        planned = SLOTS[SLOT_HOURS.index(start.hour + round(start.minute / 60, 1))]
        assert slots.get((event["userId"], str(start.date())), planned) == planned
    for event in events["workout_completed"] + events["workout_skipped"]:
        day = event["timestamp"][:10]
        assert event["context"]["timeOfDay"] == slots[event["userId"], day]


def test_the_part_of_the_day_and_the_weather_matter(days):
    planned = days.filter("planned", "present", pl.col("injured_days") == 0)
    in_best = pl.col("slot") == pl.col("best_slot")
    rate = {key: group["session"].mean() for (key,), group in planned.group_by(in_best)}
    assert rate[True] > rate[False] + 0.25
    # Everything else equal, the logit moves by the effect of the day's part.
    odds = (pl.col("probability") / (1 - pl.col("probability"))).log()
    logits = planned.filter(pl.col("probability").is_between(0.001, 0.999)).select(odds.alias("logit"), "slot_effect")
    slope = np.polyfit(logits["slot_effect"], logits["logit"], 1)[0]
    assert 0.8 < slope < 1.2


def test_the_truth_names_one_best_part_of_the_day_per_person(days):
    assert days.group_by("user_id").agg(pl.col("best_slot").n_unique())["best_slot"].to_list() == [1] * PEOPLE


def test_bad_weather_keeps_people_from_training_outdoors_alone(events):
    def rate(*, outdoors, bad):
        def count(kind):
            return sum(
                (event["data"]["location"] == "outdoors") == outdoors
                and (context["weather"] in ("rain", "snow") or context["weatherTemperature"] < 41) == bad
                for event in events[kind]
                for context in [event["context"]]
            )

        return count("workout_completed") / (count("workout_completed") + count("workout_skipped"))

    assert rate(outdoors=True, bad=True) < rate(outdoors=True, bad=False) - 0.05
    assert abs(rate(outdoors=False, bad=True) - rate(outdoors=False, bad=False)) < 0.04


def test_people_who_want_to_lose_weight_tell_it_and_lose_it_by_training(events, days):
    weights, sessions = {}, dict(days.group_by("user_id").agg(pl.col("session").sum()).iter_rows())
    for event in sorted(events["profile_updated"], key=lambda event: event["timestamp"]):
        data, wants = event["data"], event["data"]["goals"]["primary"] == "weight_loss"
        assert ("weight" in data["demographics"]) == ("targetWeight" in data["goals"]) == wants
        if wants:
            assert (
                data["goals"]["targetWeight"] < weights.setdefault(event["userId"], [data["demographics"]["weight"]])[0]
            )
            weights[event["userId"]].append(data["demographics"]["weight"])
    assert 0.1 * PEOPLE < len(weights) < 0.3 * PEOPLE
    told = [user for user, found in weights.items() if len(found) > 2]
    assert len(told) > len(weights) / 2
    lost = [weights[user][0] - weights[user][-1] for user in told]
    assert np.corrcoef(lost, [sessions[user] for user in told])[0, 1] > 0.5
    assert 0.3 < np.mean(lost) < 5


def test_some_people_have_a_goal_of_steps_equipment_and_past_injuries(events):
    profiles = {event["userId"]: event["data"] for event in events["profile_updated"]}
    goals = [profile["goals"].get("targetSteps") for profile in profiles.values()]
    assert 0.3 < np.mean([goal is not None for goal in goals]) < 0.5
    assert {6_000 <= goal <= 12_000 for goal in goals if goal is not None} == {True}
    owned = [len(profile["preferences"]["equipment"]) for profile in profiles.values()]
    assert min(owned) == 0 < max(owned)
    assert 0.08 < np.mean([bool(profile["constraints"]["injuryHistory"]) for profile in profiles.values()]) < 0.25


def test_enough_people_rate_the_app_for_a_net_promoter_score(events):
    since = str(DAYS.end - timedelta(days=27))
    raters = {event["userId"] for event in events["satisfaction_reported"] if event["timestamp"] >= since}
    assert 0.12 * PEOPLE < len(raters) < 0.4 * PEOPLE
    scores = [event["data"]["nps"] for event in events["satisfaction_reported"]]
    assert min(scores) <= 6
    assert max(scores) >= 9
