"""How often a channel is used, and who is sent nothing at all: by hand."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from habitlake.ids import stable_seed
from interventions.caps import CHANNEL_CAP, with_channel_weeks
from interventions.catalogue import catalogue
from interventions.decide import handed_out
from interventions.entries import Cap
from interventions.explain import explanation, story
from interventions.holdout import SALT, with_holdout
from interventions.policy import decide
from interventions.response.effects import unlearned
from interventions.scoring import WEEKLY_CAP

NIGHT = date(2026, 1, 4)
TOMORROW = date(2026, 1, 6)  # the first local date in Berlin that starts after the night
# Calls slow_breathing (push, then in-app) and lighter_week_ahead (a goal that is adjusted) among others.
STRESSED = {"stress_level": 8.2}
CLOSED = {"app_minutes_7d": 0.0}


def sent(channel, *days_before):
    """Return sends of something long forgotten, so many days before the date decided on."""
    return [
        {"intervention": "once", "channel": channel, "local_date": TOMORROW - timedelta(days=days)}
        for days in days_before
    ]


def of_tonight(decisions):
    """Return the next local day's decision per person, in the order of people."""
    return decisions.filter(pl.col("horizon") == 0).sort("user_id").to_dicts()


def candidate(row, name):
    """Return channel and exclusion of a candidate."""
    found = next(item for item in json.loads(row["candidates"]) if item["intervention"] == name)
    return found["channel"], found["excluded"]


def test_a_week_of_a_channel_is_the_six_dates_before_and_the_one_decided_on(people):
    caps = {"push": Cap(per_week=4, source="test"), "email": Cap(per_week=1, source="test")}
    before = [*sent("push", 1, 6, 7, 20), *sent("email", 6), *sent("in_app", 2)]
    frame = people({"sent_before": before}, {}, {"sent_before": sent("email", 7)})
    counted = with_channel_weeks(frame.with_columns(first_decision_date=pl.lit(TOMORROW)), caps)
    assert counted["push_of_week"].to_list() == [2, 0, 0]
    assert counted["email_of_week"].to_list() == [1, 0, 0]
    assert counted["user_id"].to_list() == ["u0", "u1", "u2"]


def test_a_full_channel_gives_way_to_the_next_and_is_the_reason_where_there_is_none(people, decided):
    four, three = sent("push", 1, 2, 3, 6), sent("push", 1, 2, 3, 7)
    rows = of_tonight(
        decided(
            people(
                {**STRESSED, "sent_before": three},
                {**STRESSED, "sent_before": four},
                {**STRESSED, **CLOSED, "sent_before": four},
                {**STRESSED, "injured": 1, "sent_before": four},
            )
        )
    )
    assert [candidate(row, "slow_breathing") for row in rows] == [
        ("push", None),
        ("in_app", None),
        (None, CHANNEL_CAP),
        ("in_app", "injured: recovery alone"),
    ]
    assert json.loads(rows[1]["features"])["push_of_week"] == 4
    assert rows[1]["channel"] != "push"


def test_with_every_channel_full_there_is_no_candidate(people, decided):
    everything = [*sent("push", 1, 2, 3, 4), *sent("goal_adjustment", 5), *sent("workout_modification", 6, 6),
                  *sent("email", 6, 6)]  # fmt: skip
    (row,) = of_tonight(decided(people({**STRESSED, **CLOSED, "sent_before": everything})))
    assert row["unavailable_reasons"] == ["weekly_cap", "no_candidate"]
    reasons = {item["excluded"] for item in json.loads(row["candidates"])}
    assert CHANNEL_CAP in reasons
    assert None not in reasons


def test_fallback_days_count_the_days_before_as_used_and_take_the_other_arm_or_nothing(people, decided):
    def reasons(days_before, **who):
        rows = decided(people({**STRESSED, **who, "sent_before": sent("push", *days_before)})).sort("horizon")
        return rows["unavailable_reasons"].to_list()

    assert reasons([1]) == [[], [], []]
    # Two, and two more on the days before: on the second fallback day push is full, and both arms are push.
    assert reasons([1, 2]) == [[], [], [CHANNEL_CAP]]
    # With three the second fallback day would be the sixth message of a week by any channel.
    assert reasons([1, 2, 6]) == [[], [CHANNEL_CAP], ["weekly_cap"]]
    # Who may not be sent anything has no channel to be full.
    assert reasons([1, 2, 6], age=15) == [["minor"], ["minor"], ["minor", "weekly_cap"]]


def test_a_fallback_day_was_handed_out_where_no_night_came_between():
    days = [NIGHT + timedelta(days=number) for number in range(8)]
    stored = [days[0], days[1], days[3], days[6], days[7]]
    assert handed_out(stored, days[7]) == {
        0: [days[0], days[1], days[3], days[6]],
        1: [days[1], days[3]],
        2: [days[3]],
    }
    # Tonight decides on the date itself, whether or not the night is stored already.
    assert handed_out(stored[:3], days[4]) == handed_out([*stored[:3], days[4]], days[4])
    assert handed_out(stored[:3], days[4])[1] == [days[1]]


def test_nobody_is_above_a_cap_when_every_night_sends(people):
    library = catalogue()
    eager = unlearned(library).with_columns(mean_effect=pl.lit(1.0), prior_share=pl.lit(0.0))
    tired = {"stress_level": 8.2, "sleep_debt_hours": 2.5, "skip_probability": 0.9, "target_sessions": 4.0}
    found: list[dict[str, object]] = []
    for number in range(28):
        night = NIGHT + timedelta(days=number)
        frame = people({**tired, "as_of_date": night - timedelta(days=1), "sent_before": found})
        decision = decide(frame, night, 3, library, eager).row(0, named=True)
        if decision["send"]:
            found.append({name: decision[name] for name in ("intervention", "channel", "local_date")})
    assert len(found) > 15
    for last in found:
        week = [one for one in found if 0 <= (last["local_date"] - one["local_date"]).days < 7]
        assert len(week) <= WEEKLY_CAP
        for channel, cap in library.caps.items():
            assert sum(one["channel"] == channel for one in week) <= cap.per_week
    assert {one["channel"] for one in found} & library.caps.keys()


def test_the_holdout_is_a_share_that_only_grows(people):
    frame = people(*[{} for _ in range(2_000)])
    members = {share: set(with_holdout(frame, share).filter("held_out")["user_id"]) for share in (0.0, 0.05, 0.1, 0.5)}
    assert members[0.0] == set()
    assert members[0.05] < members[0.1] < members[0.5]
    # Within four standard errors of a share of 2,000.
    for share in (0.05, 0.1, 0.5):
        assert abs(len(members[share]) - 2_000 * share) < 4 * (2_000 * share * (1 - share)) ** 0.5
    by_hand = {user for user in frame["user_id"] if stable_seed(SALT, user) / 2**63 < 0.1}
    assert members[0.1] == by_hand


@pytest.mark.parametrize("seed", [1, 2])
def test_who_is_held_out_is_sent_nothing_and_the_rows_are_kept_whatever_the_seed(people, seed):
    frame = people(*[STRESSED for _ in range(200)])
    library = catalogue()
    rows = decide(frame, NIGHT, seed, library, unlearned(library), holdout_share=0.2)
    assert rows.height == 600
    inside = with_holdout(frame, 0.2).filter("held_out")["user_id"]
    held_out = rows.filter(pl.col("user_id").is_in(inside.to_list()))
    assert 20 < inside.len() < 60
    assert held_out["unavailable_reasons"].to_list() == [["holdout"]] * held_out.height
    assert (held_out["send"].any(), held_out["probability"].max(), held_out["message"].null_count()) == (
        False,
        0.0,
        held_out.height,
    )
    assert set(held_out["candidates"]) != {"[]"}
    assert "holdout" not in set(rows.join(held_out, on="decision_id", how="anti")["unavailable_reasons"].explode())
    told = story(explanation(held_out.row(0, named=True), library))
    assert "holdout: the person is in the holdout" in told
