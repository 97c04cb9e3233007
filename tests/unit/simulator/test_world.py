"""The simulated world: same dials, same bytes; clean events meet their contracts; people react as the truth says."""

import gzip
import itertools
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.contracts import event_model
from habitlake.errors import PermanentError
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights, world
from habitlake.simulator.day import live
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import ZONES, initial_state, make_traits
from habitlake.simulator.world import release_nights

WEEK = Interval(date(2026, 3, 26), date(2026, 4, 1))
AFTER = Interval(date(2026, 4, 2), date(2026, 4, 3))


def home(tmp_path, name="home"):
    return Settings(home=tmp_path / name, _env_file=None)


def files(settings, pattern="*.gz"):
    root = Path(settings.landing)
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob(pattern))}


def lines_by_night(settings):
    nights = {}
    for name, body in files(settings, "events/**/*.gz").items():
        nights.setdefault(name.split("/")[1], []).extend(gzip.decompress(body).split(b"\n")[:-1])
    return {night: sorted(lines) for night, lines in nights.items()}


def lines(settings):
    return [line for night in lines_by_night(settings).values() for line in night]


def events(settings, kind):
    mark = f'"eventType":"{kind}"'.encode()
    return [orjson.loads(line) for line in lines(settings) if mark in line]


def truth(settings):
    return pl.concat(
        pl.read_parquet(file).with_columns(day=pl.lit(file.parent.name.removeprefix("local_date=")))
        for file in sorted(settings.truth_dir.glob("local_date=*/people-*.parquet"))
    )


def publish(settings, night, decisions, withdrawn=()):
    folder = Path(settings.outbox) / "queue" / f"batch_date={night}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "decisions.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in decisions))
    (folder / "_withdrawals.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in withdrawn))


def decision(person, day, action="barrier_prevention", **changes):
    return {
        "decision_id": f"d-{person}-{day}", "user_id": f"u{person:07d}", "local_date": str(day), "action": action,
        "channel": "push", "send": True, "send_at": f"{day}T14:00:00+00:00",
    } | changes  # fmt: skip


def test_same_dials_give_the_same_bytes_in_one_run_or_two(tmp_path):
    whole, parts = home(tmp_path, "whole"), home(tmp_path, "parts")
    simulate_nights(whole, WEEK, people=60, dirt=0.1, seed=1)
    simulate_nights(parts, Interval(WEEK.start, date(2026, 3, 28)), people=60, dirt=0.1, seed=1)
    simulate_nights(parts, Interval(date(2026, 3, 29), WEEK.end), people=60, dirt=0.1, seed=1)
    assert files(whole) == files(parts)
    assert len(files(whole, "events/**/*.gz")) == len(files(whole, "weather/**/*.gz")) == len(WEEK)
    assert truth(whole).equals(truth(parts))


@pytest.mark.parametrize("dirt", [0.0, 0.1])
def test_sharding_changes_no_line_of_any_night(tmp_path, monkeypatch, dirt):
    whole, sharded = home(tmp_path, "whole"), home(tmp_path, "sharded")
    simulate_nights(whole, WEEK, people=60, dirt=dirt, seed=1)
    monkeypatch.setattr(world, "SHARD_PEOPLE", 17)
    simulate_nights(sharded, WEEK, people=60, dirt=dirt, seed=1)
    assert len(files(sharded, "events/**/*.gz")) == 4 * len(WEEK)
    assert files(whole, "weather/**/*.gz") == files(sharded, "weather/**/*.gz")
    assert lines_by_night(whole) == lines_by_night(sharded)


def test_another_seed_is_another_world(tmp_path):
    one, two = home(tmp_path, "one"), home(tmp_path, "two")
    simulate_nights(one, WEEK, people=20, dirt=0.0, seed=1)
    simulate_nights(two, WEEK, people=20, dirt=0.0, seed=2)
    assert not set(lines(one)) & set(lines(two))


def test_a_day_lived_again_is_the_same_whatever_was_published_since(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, WEEK, people=60, dirt=0.1, seed=1)
    publish(settings, WEEK.end, [decision(person, AFTER.start) for person in range(60)])
    simulate_nights(settings, AFTER, people=60, dirt=0.1, seed=1)
    before = files(settings)
    assert b"intervention_delivered" in b"".join(lines(settings))
    publish(settings, WEEK.end, [])
    publish(settings, date(2026, 3, 27), [decision(person, date(2026, 3, 28)) for person in range(60)])
    simulate_nights(settings, AFTER, people=60, dirt=0.1, seed=1)
    assert files(settings) == before
    simulate_nights(settings, Interval(WEEK.start, AFTER.end), people=60, dirt=0.1, seed=1)
    assert files(settings) == before


def test_a_killed_run_is_run_again_and_ends_the_same(tmp_path, monkeypatch):
    straight, killed = home(tmp_path, "straight"), home(tmp_path, "killed")
    monkeypatch.setattr(world, "SHARD_PEOPLE", 20)
    days = 0

    def die(_):
        nonlocal days
        days += 1
        if days == 10:
            raise KeyboardInterrupt

    for interval in (WEEK, AFTER):
        simulate_nights(straight, interval, people=60, dirt=0.1, seed=1)
    for interval, deadly in ((WEEK, 10), (AFTER, 3)):
        days = 10 - deadly
        with pytest.raises(KeyboardInterrupt):
            simulate_nights(killed, interval, people=60, dirt=0.1, seed=1, progress=die)
        simulate_nights(killed, interval, people=60, dirt=0.1, seed=1)
    assert files(killed) == files(straight)
    assert truth(killed).equals(truth(straight))


def test_a_saved_world_refuses_other_dials_and_gaps(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, WEEK, people=10, dirt=0.0, seed=1)
    with pytest.raises(PermanentError, match="other settings"):
        simulate_nights(settings, AFTER, people=11, dirt=0.0, seed=1)
    for start in (date(2026, 4, 5), date(2026, 3, 30)):
        with pytest.raises(PermanentError, match="--start 2026-04-02"):
            simulate_nights(settings, Interval(start, start), people=10, dirt=0.0, seed=1)
    with pytest.raises(PermanentError, match="people must be"):
        simulate_nights(home(tmp_path, "none"), WEEK, people=0, dirt=0.0, seed=1)


def test_clean_events_meet_their_contracts(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, Interval(date(2026, 2, 1), date(2026, 3, 10)), people=150, dirt=0.0, seed=2)
    kinds, ids = Counter(), Counter()
    for event in map(orjson.loads, lines(settings)):
        model = event_model(event["eventType"]).model_validate(event)
        assert not model.data.model_extra
        kinds[event["eventType"]] += 1
        ids[event.get("eventId")] += 1
    without_id = ids.pop(None)
    assert set(ids.values()) == {1}
    assert 0 < without_id < 0.05 * kinds.total()
    assert len(kinds) == 10  # all but the five of intervention feedback
    active = truth(settings)["present"].sum()
    assert 5 < kinds.total() / active < 9


def test_offsets_follow_each_zone_across_clock_changes(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, Interval(date(2026, 3, 6), date(2026, 3, 31)), people=150, dirt=0.0, seed=2)
    zones, moved = {}, set()
    for event in events(settings, "profile_updated"):
        if zones.setdefault(event["userId"], event["data"]["timeZone"]) != event["data"]["timeZone"]:
            moved.add(event["userId"])
    seen = {}
    asleep = []
    for event in map(orjson.loads, lines(settings)):
        zone, moment = zones[event["userId"]], event["timestamp"]
        if event["userId"] not in moved:
            seen.setdefault(zone, set()).add((moment[-6:], moment[:10] >= "2026-03-08", moment[:10] >= "2026-03-29"))
            planned = event["data"].get("plannedFor")
            if planned and zone == "Europe/Berlin":
                assert planned[-6:] == ("+02:00" if planned[:10] >= "2026-03-29" else "+01:00")
        if event["eventType"] == "sleep_logged":
            began = datetime.fromisoformat(event["data"]["startedAt"])
            assert event["userId"] in moved or began.utcoffset() == began.astimezone(ZoneInfo(zone)).utcoffset()
            took = datetime.fromisoformat(moment) - began
            asleep.append(abs(took.total_seconds() - event["data"]["duration"] / event["data"]["efficiency"]))
    assert set(seen) == set(ZONES)
    assert seen["America/New_York"] == {
        ("-05:00", False, False), ("-04:00", True, False), ("-04:00", True, True),
    }  # fmt: skip
    assert {offset for offset, _, changed in seen["Europe/Berlin"] if changed} == {"+02:00"}
    assert {offset for offset, _, changed in seen["Europe/Berlin"] if not changed} == {"+01:00"}
    assert {offset for offset, _, _ in seen["Asia/Kolkata"]} == {"+05:30"}
    assert max(asleep) < 3


def test_events_land_on_their_utc_date_or_the_next(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, WEEK, people=60, dirt=0.0, seed=1)
    late = Counter()
    for night, landed in lines_by_night(settings).items():
        for event in map(orjson.loads, landed):
            happened = datetime.fromisoformat(event["timestamp"]).astimezone(UTC).date()
            late[(date.fromisoformat(night.removeprefix("batch_date=")) - happened).days] += 1
    assert set(late) == {0, 1}
    assert late[0] > 5 * late[1]


def test_held_nights_arrive_late_with_the_same_lines(tmp_path):
    straight, held = home(tmp_path, "straight"), home(tmp_path, "held")
    night = date(2026, 3, 28)
    simulate_nights(straight, WEEK, people=20, dirt=0.1, seed=1)
    simulate_nights(held, WEEK, people=20, dirt=0.1, seed=1, hold=[night])
    missing = set(files(straight)) - set(files(held))
    assert missing == {
        f"events/batch_date={night}/app-00000.jsonl.gz", f"weather/batch_date={night}/forecast.jsonl.gz",
    }  # fmt: skip
    assert release_nights(held) == [night]
    assert files(held) == files(straight)
    assert release_nights(held) == []


def states(action, days, people=4_000):
    traits = make_traits(5, 0, people)
    state = initial_state(5, traits)
    first = date(2026, 1, 5)
    return [
        live(5, day, LocalDay(5, day, first + timedelta(days=day)), traits, state, [action] * people)
        for day in range(days)
    ]


def test_messages_help_at_first_and_fade_with_dosage():
    sent = states("barrier_prevention", 15)
    plain = states(None, 15)
    gain = [one.probability.mean() - other.probability.mean() for one, other in zip(sent, plain, strict=True)]
    assert gain[0] > 0.03
    assert gain[-1] < gain[0] / 2
    lift = [(day.probability - day.probability_unsent)[day.reached].mean() for day in sent]
    assert all(earlier > later for earlier, later in itertools.pairwise(lift))


def test_effects_are_those_of_the_table_and_unknown_types_have_none():
    first = {action: states(action, 1)[0].probability.mean() for action in ("barrier_prevention", "encouragement")}
    none = states(None, 1)[0].probability.mean()
    assert first["barrier_prevention"] > first["encouragement"] > none
    assert states("unheard_of", 1)[0].probability.mean() == states("recovery_day", 1)[0].probability.mean() == none


def test_only_decisions_that_hold_reach_people_and_feedback_names_them(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, WEEK, people=60, dirt=0.0, seed=1)
    day = AFTER.start
    publish(settings, date(2026, 3, 31), [decision(person, day, "encouragement") for person in range(40)])
    publish(
        settings,
        WEEK.end,
        [decision(person, day, decision_id=f"new-{person}") for person in range(20)]
        + [decision(20, day, send=False), decision(50, day + timedelta(days=9))],
        withdrawn=[{"user_id": "u0000021", "local_date": str(day)}],
    )
    simulate_nights(settings, Interval(day, day), people=60, dirt=0.0, seed=1)
    people = truth(settings).filter(day=str(day))
    assert people["action"].to_list() == ["barrier_prevention"] * 20 + [None] * 2 + ["encouragement"] * 18 + [None] * 20
    reached = people.filter("reached")
    assert 5 < len(reached) == people.filter(pl.col("present") & pl.col("action").is_not_null()).height
    assert (reached["dosage"] == 1).all()
    delivered = {event["userId"]: event["data"]["decisionId"] for event in events(settings, "intervention_delivered")}
    assert set(reached["user_id"]) <= set(delivered)
    assert {decision_id for user, decision_id in delivered.items() if user < "u0000020"} <= {
        f"new-{person}" for person in range(20)
    }
    answers = {kind: events(settings, f"intervention_{kind}") for kind in ("opened", "dismissed", "acted")}
    assert answers["opened"]
    assert {event["userId"] for found in answers.values() for event in found} <= set(reached["user_id"])


def test_a_published_line_that_is_no_decision_is_named(tmp_path):
    settings = home(tmp_path)
    publish(settings, date(2026, 3, 25), [{"local_date": str(WEEK.start)}])
    with pytest.raises(PermanentError, match=r"decisions\.jsonl line 1 is not a decision"):
        simulate_nights(settings, WEEK, people=10, dirt=0.0, seed=1)


def test_people_differ_lapse_and_come_back_yet_are_predictable(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, Interval(date(2026, 1, 1), date(2026, 2, 18)), people=400, dirt=0.0, seed=3)
    sessions = truth(settings).sort("user_id", "day")["session"].to_numpy().reshape(400, 49)
    weeks = sessions.reshape(400, 7, 7).sum(axis=2)
    assert 0.3 < np.corrcoef(weeks[:, 5], weeks[:, 6])[0, 1] < 0.9
    assert weeks[:, 3:].mean(axis=1).std() > 1
    assert ((weeks[:, 3:6] == 0).any(axis=1) & (weeks[:, 6] > 0)).sum() > 10
    states_of_day = truth(settings).filter(pl.col("present") & pl.col("probability").is_between(0.05, 0.95))
    assert abs(states_of_day["session"].mean() - states_of_day["probability"].mean()) < 0.02
    assert truth(settings).select((pl.col("session") == (pl.col("draw") < pl.col("probability"))).all()).item()


def test_the_truth_is_kept_apart(tmp_path):
    settings = home(tmp_path)
    simulate_nights(settings, WEEK, people=10, dirt=0.0, seed=1)
    assert {"user_id", "probability", "habit", "energy", "draw"} <= set(truth(settings).columns)
    assert json.loads((settings.truth_dir / "effects.json").read_text())["true_effects"]["barrier_prevention"] == 0.7
    landed = b"".join(lines(settings))
    assert b"probability" not in landed
    assert b"habit" not in landed
