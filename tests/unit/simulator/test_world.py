"""The simulated world: same dials, same bytes; clean events meet their contracts; people react as the truth says."""

import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path

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
from habitlake.simulator.people import initial_state, make_traits

WEEK = Interval(date(2026, 3, 26), date(2026, 4, 1))


def home(tmp_path, name):
    return Settings(home=tmp_path / name, _env_file=None)


def landed(settings):
    root = Path(settings.landing)
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*.gz"))}


def lines(settings):
    return [line for body in landed(settings).values() for line in gzip.decompress(body).splitlines()]


def test_same_dials_give_the_same_bytes_in_one_run_or_two(tmp_path):
    whole, parts = home(tmp_path, "whole"), home(tmp_path, "parts")
    simulate_nights(whole, WEEK, people=60, dirt=0.05, seed=1)
    simulate_nights(parts, Interval(WEEK.start, date(2026, 3, 28)), people=60, dirt=0.05, seed=1)
    simulate_nights(parts, Interval(date(2026, 3, 29), WEEK.end), people=60, dirt=0.05, seed=1)
    assert landed(whole) == landed(parts)
    assert len(landed(whole)) == len(WEEK)


def test_sharding_changes_no_event(tmp_path, monkeypatch):
    whole, sharded = home(tmp_path, "whole"), home(tmp_path, "sharded")
    simulate_nights(whole, WEEK, people=60, dirt=0.0, seed=1)
    monkeypatch.setattr(world, "SHARD_PEOPLE", 17)
    simulate_nights(sharded, WEEK, people=60, dirt=0.0, seed=1)
    assert sorted(lines(whole)) == sorted(lines(sharded))


def test_clean_events_meet_their_contracts_and_cross_the_clock_change(tmp_path):
    settings = home(tmp_path, "clean")
    simulate_nights(settings, WEEK, people=80, dirt=0.0, seed=2)
    events = [orjson.loads(line) for line in lines(settings)]
    for event in events:
        event_model(event["eventType"]).model_validate(event)
    # Berlin moves from +01:00 to +02:00 on 2026-03-29.
    berlin = {e["userId"] for e in events if e["eventType"] == "profile_updated" and e["data"]["timeZone"] == "Europe/Berlin"}
    offsets = {(e["timestamp"][:10] >= "2026-03-29", e["timestamp"][-6:]) for e in events if e["userId"] in berlin}
    assert {(False, "+01:00"), (True, "+02:00")} <= offsets


def test_the_dirt_ledger_counts_what_was_done(tmp_path):
    settings = home(tmp_path, "dirty")
    simulate_nights(settings, WEEK, people=120, dirt=0.1, seed=3)
    expected = Counter()
    for file in settings.truth_dir.rglob("dirt-*.json"):
        expected.update(json.loads(file.read_text()))
    seen = lines(settings)
    assert expected["empty_line"] == sum(not line.strip() for line in seen)
    assert expected["invalid_encoding"] == sum(line.startswith(b"\xff\xfe") for line in seen)
    assert len(expected) >= 10


def test_a_saved_world_refuses_other_dials_and_gaps(tmp_path):
    settings = home(tmp_path, "saved")
    simulate_nights(settings, WEEK, people=10, dirt=0.0, seed=1)
    with pytest.raises(PermanentError, match="other settings"):
        simulate_nights(settings, Interval(date(2026, 4, 2), date(2026, 4, 2)), people=11, dirt=0.0, seed=1)
    with pytest.raises(PermanentError, match="2026-04-02"):
        simulate_nights(settings, Interval(date(2026, 4, 5), date(2026, 4, 5)), people=10, dirt=0.0, seed=1)


def sessions(action, days=15, people=4_000):
    traits = make_traits(5, 0, people)
    state = initial_state(5, traits)
    return np.array([live(5, day, day % 7, traits, state, [action] * people).probability.mean() for day in range(days)])


def test_messages_help_at_first_and_fade_with_dosage():
    gain = sessions("barrier_prevention") - sessions(None)
    assert gain[0] > 0.03
    assert gain[-1] < gain[0] / 2
    assert abs(sessions("unheard_of")[0] - sessions("recovery_day")[0]) < 1e-12


def test_the_truth_is_kept_apart(tmp_path):
    settings = home(tmp_path, "truth")
    simulate_nights(settings, WEEK, people=10, dirt=0.0, seed=1)
    truth = pl.read_parquet(next(settings.truth_dir.rglob("*.parquet")))
    assert {"user_id", "probability", "habit"} <= set(truth.columns)
    assert b"probability" not in b"".join(lines(settings))
