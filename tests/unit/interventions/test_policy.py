"""Who is available, what is chosen, and that a decision depends on nothing but its inputs."""

import itertools
import json
import math
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from scipy.special import ndtr

from habitlake.ids import stable_seed, stable_uuid
from interventions.arms import HIGHEST, LOWEST
from interventions.catalogue import catalogue
from interventions.explain import explanation, story
from interventions.policy import decide, draw
from interventions.response.effects import dosage_price, unlearned

NIGHT = date(2026, 1, 4)
STRESSED = {"stress_level": 8.2}


def first_rows(decisions):
    """Return the next local day's decision per person."""
    return {row["user_id"]: row for row in decisions.filter(pl.col("horizon") == 0).iter_rows(named=True)}


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"notifications_allowed": False}, ["opted_out"]),
        ({"notifications_allowed": None}, []),
        ({"age": 17}, ["minor"]),
        ({"age": 18}, []),
        ({"age": None}, []),
        ({"observed_days_28d": 0}, ["no_use"]),
        ({"observed_days_28d": 0, "days_since_first_event": 3}, []),
        ({"interventions_7d": 5}, ["weekly_cap"]),
        ({"interventions_7d": 2}, []),
        ({"interventions_7d": None}, []),
        ({"stress_level": 7.0}, ["no_trigger"]),
        ({"stress_level": None}, ["no_trigger"]),
        ({"time_zone": "Mars/Olympus"}, ["unknown_time_zone"]),
        ({"time_zone": None}, ["unknown_time_zone"]),
        ({"notifications_allowed": False, "age": 12, "stress_level": 2.0}, ["opted_out", "minor", "no_trigger"]),
    ],
)
def test_availability_comes_first_and_says_why_not(people, decided, change, reasons):
    decisions = decided(people({**STRESSED, **change}))
    assert decisions.height == 3
    for row in decisions.iter_rows(named=True):
        assert row["unavailable_reasons"] == reasons
        assert row["available"] is (not reasons)
        if reasons:
            assert (row["send"], row["probability"], row["action"], row["channel"]) == (False, 0.0, "none", None)
            assert row["message"] is None
        else:
            assert row["message"]


def test_the_week_counts_what_is_on_its_way_and_fallback_days_count_the_days_before_them(people, decided):
    def capped(**change):
        rows = decided(people({**STRESSED, "as_of_date": date(2026, 1, 4), **change}))
        return [row["unavailable_reasons"] == ["weekly_cap"] for row in rows.iter_rows(named=True)]

    # Berlin on January 4: complete up to the 4th, the next date to decide on is the 6th.
    on_the_way = [{"intervention": "small_start", "local_date": date(2026, 1, 5)}]
    arrived = [{"intervention": "small_start", "local_date": date(2026, 1, 4)}]
    assert capped(interventions_7d=4) == [False, True, True]
    assert capped(interventions_7d=4, sent_before=arrived) == [False, True, True]
    assert capped(interventions_7d=4, sent_before=on_the_way) == [True, True, True]
    assert capped(interventions_7d=3, sent_before=on_the_way) == [False, True, True]
    assert capped(interventions_7d=3) == [False, False, True]


@pytest.mark.parametrize(
    ("change", "trigger"),
    [
        ({"skip_probability": 0.61}, "high_skip_risk"),
        ({"stress_level": 7.1}, "high_stress"),
        ({"sleep_debt_hours": 2.1}, "sleep_debt"),
        ({"goal_progress_rate": 0.49}, "goal_progress_slow"),
        ({"preparation_time_avg": 15.1}, "long_preparation"),
        ({"streak_length_current": 3, "days_since_last_session": 2}, "streak_at_risk"),
        ({"days_since_last_session": 7}, "lapse"),
        ({"injured": 1}, "injured"),
    ],
)
def test_each_trigger_fires_above_its_threshold_and_only_then(people, decided, change, trigger):
    at_threshold = {
        "skip_probability": 0.6, "stress_level": 7.0, "sleep_debt_hours": 2.0, "goal_progress_rate": 0.5,
        "preparation_time_avg": 15.0, "streak_length_current": 2, "days_since_last_session": 1, "injured": 0,
    }  # fmt: skip
    decisions = first_rows(decided(people(change, {name: at_threshold[name] for name in change})))
    assert decisions["u0"]["triggers"] == [trigger]
    assert decisions["u0"]["available"]
    assert decisions["u1"]["triggers"] == []


def test_triggers_are_listed_most_urgent_first(people, decided):
    row = first_rows(decided(people({"stress_level": 9.0, "sleep_debt_hours": 3.0, "skip_probability": 0.9})))["u0"]
    assert row["triggers"] == ["high_skip_risk", "sleep_debt", "high_stress"]


def test_an_injured_person_gets_recovery_alone(people, decided):
    row = first_rows(decided(people({"injured": 1, "stress_level": 9.0, "skip_probability": 0.95})))["u0"]
    assert row["action"] == "recovery_day"
    others = [item for item in json.loads(row["candidates"]) if item["action"] != "recovery_day"]
    assert others
    assert all(item["excluded"] == "injured: recovery alone" for item in others)


def test_no_recovery_day_for_who_did_nothing_and_no_candidate_is_said(people, decided):
    rows = first_rows(decided(people({"sleep_debt_hours": 3.0, "sessions_7d": 0})))
    excluded = {item["intervention"]: item["excluded"] for item in json.loads(rows["u0"]["candidates"])}
    assert excluded["recovery_day_today"] == "contraindicated: sessions_7d < 1 and injured == 0"
    assert rows["u0"]["action"] == "sleep_hygiene"


def believed(**columns):
    """Return the beliefs before any data with some columns of every intervention changed."""
    leaf = pl.col("level") == "intervention"
    return unlearned(catalogue()).with_columns(
        pl.when(leaf).then(pl.lit(value)).otherwise(name).alias(name) for name, value in columns.items()
    )


def test_every_arm_keeps_its_distance_from_0_and_1_and_fallback_days_are_fixed(people, decided):
    decisions = decided(people(*[{"stress_level": 8.0, "delivered_28n": n, "acted_28n": n // 2} for n in range(40)]))
    available = decisions.filter("available")
    arms = available["arm_probabilities"].explode()
    assert arms.min() >= LOWEST
    assert available["probability"].is_between(LOWEST, HIGHEST).all()
    assert ((available["arm_probabilities"].list.sum() - available["probability"]).abs() < 1e-9).all()
    fallback = available.filter(pl.col("horizon") > 0)
    assert set(fallback["probability"]) == {0.4}
    assert set(fallback["arms"].list.len()) == {1}


def test_before_any_evidence_the_probability_is_that_of_the_score(people, decided):
    row = first_rows(decided(people({**STRESSED, "delivered_28n": 4, "acted_28n": 1})))["u0"]
    known = {item["intervention"]: item for item in json.loads(row["candidates"]) if item["excluded"] is None}
    best = max(known.values(), key=lambda item: item["score"])
    assert row["arms"][0] == best["intervention"]
    assert best["effect"] == pytest.approx(best["score"] / 10, abs=1e-6)
    price = json.loads(row["features"])["dosage_price"]
    assert row["probability"] == pytest.approx(ndtr((best["effect"] - price) / best["effect_sd"]), abs=1e-4)
    listed = [known[name]["probability"] for name in row["arms"]]
    assert listed == row["arm_probabilities"]


@pytest.mark.parametrize(("effect", "expected"), [(1.0, HIGHEST), (-1.0, LOWEST)])
def test_clip_holds_at_both_ends(people, decided, effect, expected):
    known = believed(mean_effect=effect, prior_share=0.0)
    assert first_rows(decided(people(STRESSED), known=known))["u0"]["probability"] == expected


def test_in_the_first_week_the_score_alone_speaks(people, decided):
    known = believed(mean_effect=-1.0, prior_share=0.0)
    rows = first_rows(
        decided(
            people({**STRESSED, "days_since_first_event": 6}, {**STRESSED, "days_since_first_event": 7}), known=known
        )
    )
    assert rows["u0"]["probability"] > 0.5
    assert rows["u1"]["probability"] == LOWEST


def test_history_moves_the_probability_until_evidence_takes_over(people, decided):
    pair = people({**STRESSED, "delivered_28n": 10, "acted_28n": 0}, {**STRESSED, "delivered_28n": 10, "acted_28n": 9})
    rows = first_rows(decided(pair))
    assert rows["u0"]["probability"] < rows["u1"]["probability"]
    rows = first_rows(decided(pair, known=believed(mean_effect=0.02, prior_share=0.0)))
    assert rows["u0"]["probability"] == rows["u1"]["probability"]


def test_dosage_lowers_the_probability_and_has_a_price(people, decided):
    rows = first_rows(decided(people({**STRESSED, "dosage": 0.0}, {**STRESSED, "dosage": 8.0})))
    assert rows["u1"]["probability"] < rows["u0"]["probability"]
    steeper = unlearned(catalogue()).with_columns(mean_slope=2 * pl.col("mean_slope"))
    assert dosage_price(steeper) == pytest.approx(2 * dosage_price(unlearned(catalogue())), abs=1e-6)
    # 0.4 of all days are sent; gamma (0.95 gamma)^(t - 1) sums to 0.9 / 0.145.
    assert dosage_price(unlearned(catalogue())) == pytest.approx(0.005 * 0.4 * 0.9 / 0.145, abs=1e-6)


def test_the_second_arm_is_the_one_that_could_be_best(people, decided):
    row = first_rows(decided(people({**STRESSED, "skip_probability": 0.9})))["u0"]
    eligible = [item for item in json.loads(row["candidates"]) if item["excluded"] is None]
    assert len(eligible) > 2
    others = [item for item in eligible if item["intervention"] != row["arms"][0]]
    assert row["arms"][1] == max(others, key=lambda item: item["effect"] + item["effect_sd"])["intervention"]
    assert sum(item["probability"] is not None for item in eligible) == 2


def test_ids_seeds_and_draws_are_those_of_the_shared_functions(people, decided):
    for row in decided(people(*[STRESSED] * 60, {}), seed=42).iter_rows(named=True):
        assert row["decision_id"] == stable_uuid(NIGHT, row["user_id"], row["local_date"])
        assert row["seed"] == stable_seed(42, "decision", row["decision_id"])
        draw = row["seed"] / 2**63
        assert row["send"] == (row["available"] and draw < row["probability"])
        if not row["available"]:
            assert (row["arms"], row["arm_probabilities"], row["action_probability"]) == (None, None, None)
            continue
        edges = list(itertools.accumulate(row["arm_probabilities"]))
        arm = next((number for number, edge in enumerate(edges) if draw < edge), None)
        assert row["arm"] == arm
        assert row["intervention"] == row["arms"][arm or 0]
        assert row["action"] == row["arm_actions"][arm or 0]
        own = 1 - row["probability"] if arm is None else row["arm_probabilities"][arm]
        assert row["action_probability"] == pytest.approx(own, abs=1e-9)


def test_order_and_grouping_of_people_do_not_matter(people, decided):
    everyone = people(*[{"stress_level": 5 + number / 10, "preparation_time_avg": number} for number in range(50)])
    whole = decided(everyone).sort("decision_id")
    assert decided(everyone.sample(fraction=1, shuffle=True, seed=3)).sort("decision_id").equals(whole)
    parts = pl.concat([decided(part) for part in everyone.iter_slices(7)])
    assert parts.sort("decision_id").equals(whole)


@pytest.mark.parametrize(
    ("zone", "night", "first"),
    [
        ("UTC", date(2026, 1, 4), date(2026, 1, 5)),
        ("Europe/Berlin", date(2026, 1, 4), date(2026, 1, 6)),
        ("America/Los_Angeles", date(2026, 1, 4), date(2026, 1, 5)),
        ("Pacific/Tongatapu", date(2026, 1, 4), date(2026, 1, 6)),  # UTC+13
        ("+02:00", date(2026, 1, 4), date(2026, 1, 6)),
        ("-09:30", date(2026, 1, 4), date(2026, 1, 5)),
        ("+00:00", date(2026, 1, 4), date(2026, 1, 5)),
        ("Europe/Berlin", date(2026, 3, 27), date(2026, 3, 29)),  # DST begins on the 29th
        ("America/New_York", date(2026, 10, 31), date(2026, 11, 1)),  # DST ends on the 1st
        ("Africa/Cairo", date(2026, 4, 22), date(2026, 4, 24)),  # midnight of the 24th does not exist
    ],
)
def test_local_dates_and_waking_hours_in_every_zone(people, decided, zone, night, first):
    preferences = [
        None,
        ["evening"],
        ["night"],
        ["06:00"],
        ["23:45"],
        ["whenever"],
        ["sometime", "midday"],
        ["early_morning"],
    ]
    everyone = people(*[{**STRESSED, "time_zone": zone, "preferred_times": times} for times in preferences])
    decisions = decided(everyone, night)
    assert decisions.filter(pl.col("horizon") == 0)["local_date"].unique().to_list() == [first]
    assert decisions.select("user_id", "local_date").is_unique().all()
    from interventions.schedule import zone_info

    for row in decisions.iter_rows(named=True):
        local = row["send_at"].astimezone(zone_info(zone))
        assert local.date() == row["local_date"]
        assert time(8) <= local.time() < time(21)
        assert row["decided_at"] <= row["send_at"] < row["expires_at"]
        last = row["expires_at"].timestamp() - 1
        assert datetime.fromtimestamp(last, UTC).astimezone(zone_info(zone)).date() == row["local_date"]
        assert (row["expires_at"] - row["send_at"]).total_seconds() <= 12 * 3600
    by_user = first_rows(decisions)
    assert by_user["u0"]["send_at"].astimezone(zone_info(zone)).time() == time(9)
    assert by_user["u1"]["send_at"].astimezone(zone_info(zone)).time() == time(17, 30)
    assert by_user["u6"]["send_at"].astimezone(zone_info(zone)).time() == time(11, 30)


def test_the_learned_hour_comes_before_the_preferred_one(people, decided):
    zone = ZoneInfo("Europe/Berlin")
    told = {**STRESSED, "preferred_times": ["evening"]}
    rows = first_rows(decided(people(told, {**told, "learned_hour": 11.5})))
    assert [rows[user]["send_at"].astimezone(zone).time() for user in ("u0", "u1")] == [time(17, 30), time(11, 30)]


def test_wall_clock_hour_stays_across_a_dst_change(people, decided):
    zone = ZoneInfo("Europe/Berlin")
    decisions = decided(people({**STRESSED, "time_zone": "Europe/Berlin"}), date(2026, 3, 26))
    hours = [
        (row["local_date"].day, row["send_at"].hour, row["send_at"].astimezone(zone).hour)
        for row in decisions.iter_rows(named=True)
    ]
    assert hours == [(28, 8, 9), (29, 7, 9), (30, 7, 9)]


def test_over_200_replays_every_arm_is_drawn_as_often_as_its_probability_says(people):
    everyone = people(
        *[{**STRESSED, "dosage": number / 2, "skip_probability": 0.9 * (number % 2)} for number in range(8)]
    )
    library = catalogue()
    decided = decide(everyone, NIGHT, 0, library, unlearned(library)).filter("available")
    drawn = ("send", "arm", "intervention", "action", "channel")
    again = draw(decided.drop(drawn), NIGHT, 0, library.version)
    assert again.select(drawn).equals(decided.select(drawn)), "a replay with the same seed draws the same"
    runs = pl.concat(
        [draw(decided.drop(drawn), NIGHT, seed, library.version).with_columns(run=pl.lit(seed)) for seed in range(200)]
    )
    keys = ["user_id", "horizon"]
    arms = runs.select(*keys, "run", "send", "intervention", "arms", "arm_probabilities").explode(
        "arms", "arm_probabilities"
    )
    drawn = arms.with_columns(drawn=pl.col("send") & (pl.col("arms") == pl.col("intervention")))
    rates = drawn.group_by(*keys, "arms").agg(
        pl.col("drawn").mean(), pl.col("arm_probabilities").unique().alias("probability"), replays=pl.len()
    )
    silence = runs.group_by(keys).agg(
        drawn=(~pl.col("send")).mean(), probability=(1 - pl.col("probability")).unique(), replays=pl.len()
    )
    found = pl.concat([rates, silence.with_columns(arms=pl.lit("silence"))], how="diagonal").explode("probability")
    assert set(found["replays"]) == {200}
    assert found.height > 40
    assert found.filter(pl.col("horizon") == 0)["arms"].n_unique() >= 4
    error = (found["probability"] * (1 - found["probability"]) / 200).sqrt()
    away = (found["drawn"] - found["probability"]) / error
    assert away.abs().max() < 4
    assert 0.7 < away.std() < 1.3, "neither too far from the stored probabilities nor too near"
    assert abs(away.mean()) < 4 / math.sqrt(found.height)


def test_the_days_of_one_person_are_drawn_independently(people, decided):
    decisions = pl.concat([decided(people(*[STRESSED] * 400), seed=seed) for seed in range(5)]).with_columns(
        draw=pl.col("seed") / 2.0**63, run=pl.int_range(pl.len()) // 3
    )
    wide = decisions.pivot("horizon", index="run", values="draw")
    assert abs(wide.select(pl.corr("0", "1")).item()) < 0.08


def test_a_decision_is_told_as_a_story(people, decided):
    row = next(decided(people({**STRESSED, "language": "de"})).iter_rows(named=True))
    facts = explanation(row, catalogue())
    text = story(facts)
    assert "high_stress: stress_level > 7 (was 8.2)" in text
    assert row["message"] in text
    assert facts["draw"] == row["seed"] / 2**63
    assert sum(facts["arms"].values()) == pytest.approx(1)
    for arm, probability in facts["arms"].items():
        assert f"{arm}, probability {probability:.3f}" in text
    assert "believed to add" in text
    assert f"Dosage {row['dosage']:.2f} messages" in text
    assert not facts["catalogue_changed"]
    # A decision of the first policy, which stored neither arms nor beliefs.
    older = row | {
        "policy_version": "scored-1+old", "arms": None, "arm_probabilities": None, "action_probability": None, "dosage": None,
        "intervention": None, "features": "{}",
        "candidates": json.dumps([{"action": row["action"], "channel": "push", "score": 0.5, "trigger": "high_stress", "excluded": None}]),
    }  # fmt: skip
    assert f"{row['action']}, probability {row['probability']:.3f}" in story(explanation(older, catalogue()))
    quiet = story(explanation(next(decided(people({})).iter_rows(named=True)), catalogue()))
    assert "no_trigger: nothing called for an intervention" in quiet


def test_nobody_gives_no_decisions(people, decided):
    assert decided(people()).height == 0
