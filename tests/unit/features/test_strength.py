"""The recursion of habit strength: cases worked by hand, and what the literature says of its speed."""

import math

import numpy as np
import pytest

from spark_jobs.features.strength import (
    AUTOMATIC,
    DECAY,
    GAIN,
    MISS_DECAY,
    NEVER,
    Days,
    days_until_automatic,
    first_automatic,
    trajectories,
    unpack,
    weekday_repetition,
)


def days_of(text, last=None):
    """One person's days: s a session, m a missed plan, . a rest day; the last one is complete unless said."""
    flags = np.array(list(text))
    return Days((flags == "s")[None, :], (flags == "m")[None, :], np.array([len(text) - 1 if last is None else last]))


def path(text, start=0.0, last=None):
    return trajectories(days_of(text, last), np.array([start]))[0]


def first_day(pattern, days):
    """The first automatic day (from 1) when the pattern is repeated."""
    found = first_automatic(path((pattern * days)[:days])[None, :])[0]
    return None if found == NEVER else found + 1


def test_a_few_days_by_hand():
    # 0 -> gain -> rest -> session -> miss.
    one = GAIN
    rest = one * (1 - DECAY)
    two = rest + GAIN * (1 - rest)
    assert path("s.sm") == pytest.approx([0, one, rest, two, two * (1 - MISS_DECAY)])
    assert path("..m") == pytest.approx([0, 0, 0, 0])


def test_a_day_that_is_not_complete_changes_nothing():
    assert path("ssm", last=1)[3] == path("ssm")[2]


def test_the_result_does_not_depend_on_where_the_history_is_cut():
    text = "s..s.m.sss....m" * 9
    whole = path(text)
    for cut in (1, 40, 100):
        assert np.array_equal(path(text[cut:], whole[cut]), whole[cut:])


def test_the_speed_is_that_of_the_literature():
    # Lally 2010: 95 % of the plateau after 66 daily repetitions, the median.
    assert path("s" * 66)[66] == pytest.approx(0.95)
    # Three sessions a week are automatic about day 66; four a week after about six weeks (Kaushal and Rhodes 2015).
    assert 62 <= first_day("s.s.s..", 100) <= 70
    assert 40 <= first_day("s.s.ss.", 100) <= 48
    # Once a week never is.
    assert first_day("s......", 2_000) is None


def test_one_miss_does_not_matter():
    # At the threshold one session makes good one miss, to first order.
    assert path("ms", AUTOMATIC)[2] == pytest.approx(AUTOMATIC, abs=0.001)
    # A month without training does not undo a habit; four months do.
    assert path("." * 30, 0.9)[30] > AUTOMATIC > path("." * 120, 0.9)[120]


def test_bitmaps_unpack_over_words():
    words = np.array([[1 | 1 << 59, 1 << 1]])
    assert np.flatnonzero(unpack(words, 62)[0]).tolist() == [0, 59, 61]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s.s.s.." * 4, 1),
        # {0, 1}, {2, 3}, {2, 3}, {3, 4, 5}: shared 0, 2, 1 of 4, 2, 4.
        ("ss....." + "..ss..." + "..ss..." + "...sss.", 3 / 10),
        # Weeks without a session repeat nothing and contradict nothing.
        ("s.s...." * 2 + "." * 14, 1),
        ("." * 14 + "s.s.s.." * 2, 1),
        ("s.s...." + "." * 7 + "s.s...." + "." * 7, math.nan),
        ("." * 20 + "s" + "." * 6 + "s", math.nan),
        # Only a week is known at all.
        ("ssss", math.nan),
    ],
)
def test_weekday_repetition(text, expected):
    found = weekday_repetition(days_of(text))[0]
    assert found == pytest.approx(expected, nan_ok=True)


def project(strength, sessions, missed=0, days=28):
    arguments = [np.array([value]) for value in (strength, sessions, missed, days)]
    return [float(value[0]) for value in days_until_automatic(*arguments)]


def test_the_projection_by_hand():
    # 12 of 28 days: the posterior Beta(12.5, 16.5) has the mean 12.5 / 29. Day by day until the expectation is there.
    pace, strength, needed = 12.5 / 29, 0.3, 0
    while strength < AUTOMATIC:
        strength += pace * GAIN * (1 - strength) - (1 - pace) * DECAY * strength
        needed += 1
    expected, fast, slow = project(0.3, 12)
    assert expected == needed
    assert fast < expected < slow
    # A pace known for a week alone says less than the same pace over four.
    _, fast_week, slow_week = project(0.3, 3, days=7)
    assert fast_week < fast
    assert math.isnan(slow_week) or slow_week > slow


def test_no_projection_where_the_pace_never_gets_there_or_strength_is_there():
    assert all(math.isnan(value) for value in project(0.3, 0))
    assert all(math.isnan(value) for value in project(AUTOMATIC, 20))
    # Missed plans on all other days hold the expectation below the threshold at three sessions a week.
    assert math.isnan(project(0.3, 8, missed=20)[0])
