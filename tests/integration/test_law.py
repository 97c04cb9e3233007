"""The law: a night is a function of its inputs, whatever the order, the repetition or the crash (DESIGN 3b)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta

import pytest

from habitlake.cli.lake import batch_audit
from habitlake.clock import Interval
from habitlake.settings import PROJECT_ROOT
from habitlake.simulator import simulate_nights
from tests.integration.conftest import arguments, environment

START = date(2026, 3, 27)  # Europe changes its clocks on the 29th
NIGHTS = Interval(START, START + timedelta(days=3))
STEPS = ("spark_jobs.ingest.run", "spark_jobs.features.run")


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    """A small dirty world, simulated once; returns its landing folder and expected verdicts."""
    from habitlake.settings import Settings

    home = Settings(home=tmp_path_factory.mktemp("world"), _env_file=None)
    simulate_nights(home, NIGHTS, people=60, dirt=0.05, seed=11)
    expected = Counter()
    for file in home.truth_dir.rglob("dirt-*.json"):
        expected.update(json.loads(file.read_text()))
    return home.landing, expected


@pytest.fixture
def lake(make_settings, landing, services, job):
    """Make a fresh lake over the landed world, run steps on it, compare its content."""

    def make(name):
        return make_settings(name, landing=landing[0])

    return make


def process(job, settings, interval, steps=STEPS):
    for step in steps:
        job(settings, step, *arguments(interval))


@pytest.fixture(scope="module")
def straight(module_settings, landing, engines, job, hashes):
    """A lake after one straight pass over all nights, and its content; every test that touches it ends with the same."""
    settings = module_settings(landing=landing[0])
    process(job, settings, NIGHTS)
    found = hashes(settings)
    assert found["gold.user_features"][0] > 60
    return settings, found


def night(offset):
    day = START + timedelta(days=offset)
    return Interval(day, day)


def test_loop_rerun_and_any_order_end_in_the_same_tables(straight, lake, job, hashes):
    _, expected = straight
    loop = lake("loop")
    for offset in range(len(NIGHTS)):
        process(job, loop, night(offset))
    assert hashes(loop) == expected

    # An old night again changes nothing, although newer nights are there.
    process(job, loop, night(0))
    process(job, loop, night(3))
    assert hashes(loop) == expected

    # Nights in the order 1, 3, 2, then what the ledger would call stale, in order.
    mixed = lake("mixed")
    for interval in (night(0), night(2), night(1), Interval(night(2).start, night(3).end)):
        process(job, mixed, interval)
    assert hashes(mixed) == expected


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process_leaves_old_or_new_and_the_rerun_heals(straight, lake, job, hashes, step):
    settings, expected = straight
    command = [sys.executable, "-m", step, *arguments(NIGHTS)]
    for delay in (2.5, 4.0):
        process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment(settings), stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    job(settings, step, *arguments(NIGHTS))
    assert hashes(settings) == expected


def test_two_runs_of_one_night_at_once_end_in_the_same_rows(straight, hashes):
    settings, expected = straight
    command = [sys.executable, "-m", STEPS[0], *arguments(night(2))]
    both = [
        subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment(settings), stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    assert hashes(settings) == expected


def test_every_line_is_accounted_for_and_every_dirt_found(straight, landing, job):
    settings, _ = straight
    batches = batch_audit(settings)
    assert all(batch["identity_holds"] for batch in batches)
    found = Counter()
    for batch in batches:
        found.update(batch["reasons"])
        found["duplicate"] += batch["duplicates"]
    assert found == landing[1]
    result = job(
        settings, "habitlake.cli.app", "sql", "--json", "select reason, count(*) n from silver.rejected group by 1"
    )
    stored = {row["reason"]: row["n"] for row in map(json.loads, result.stdout.splitlines())}
    assert stored == {reason: count for reason, count in landing[1].items() if reason != "duplicate"}


def test_garbage_is_quarantined_and_the_night_goes_on(lake, landing, job, hashes, make_settings, tmp_path):
    folder = tmp_path / "garbage"
    shutil.copytree(f"{landing[0]}/events/batch_date={START}", folder / "events" / f"batch_date={START}")
    partition = folder / "events" / f"batch_date={START}"
    (partition / "binary.jsonl").write_bytes(bytes(range(256)) * 40)
    (partition / "long.jsonl").write_bytes(b'{"a":"' + b"x" * 1_000_000 + b'"}\n')
    (partition / "deep.jsonl").write_bytes(b"[" * 200_000 + b"\n")
    (partition / "empty.jsonl").write_bytes(b"")
    broken = next(partition.glob("app-*.gz")).read_bytes()
    (partition / "torn.jsonl.gz").write_bytes(broken[: len(broken) // 3])
    settings = make_settings("garbage", landing=str(folder))
    job(settings, STEPS[0], *arguments(night(0)))
    (batch,) = batch_audit(settings)
    assert batch["identity_holds"]
    assert {"invalid_encoding", "oversized_line", "malformed_json", "unreadable_file"} <= set(batch["reasons"])
    assert batch["accepted"] > 100


def test_wrong_input_gives_one_clear_line_and_a_non_zero_exit(settings, job, make_settings, tmp_path):
    swapped = job(settings, STEPS[0], "--start", "2026-02-02", "--end", "2026-02-01", check=False)
    assert (swapped.returncode, "swap the two dates" in swapped.stderr) == (2, True)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    unreadable = job(make_settings("u", landing=str(blocked)), STEPS[0], *arguments(night(0)), check=False)
    assert unreadable.returncode == 2
    assert str(blocked) in unreadable.stderr
    assert "Traceback" not in unreadable.stderr
