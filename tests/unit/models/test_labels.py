"""Labels of hand-made people: what must follow for an event to have happened, and when nobody can know."""

from datetime import date, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.tables import MODELS
from models.catalogue import SPECS
from models.lifecycle.dataset import labelled
from models.lifecycle.outcomes import MEASURES, outcomes

AS_OF = date(2026, 3, 1)
NIGHT = AS_OF + timedelta(days=1)
SPEC = {spec.name: spec for spec in SPECS}
# The features that eligibility and labels ask for, of somebody whom every model is for.
ELIGIBLE = {
    "sessions_28d": 12, "days_since_first_event": 60, "observed_days_28d": 28, "injured": 0, "energy_level": 6.0,
    "motivation_level": 6.0,
}  # fmt: skip


def weeks(**measures):
    """Return one day in the middle of each of eight weeks around the as-of date, four before and four after."""
    rows = [
        {"user_id": "a", "local_date": AS_OF + timedelta(days=7 * number - 3)}
        | dict.fromkeys(MEASURES, 0)
        | {name: values[number + 3] for name, values in measures.items()}
        for number in range(-3, 5)
    ]
    return pl.DataFrame(rows)


def label(name, days, **features):
    snapshot = {"user_id": "a", "batch_date": NIGHT, "as_of_date": AS_OF, "event_timestamp": NIGHT}
    snapshots = pl.DataFrame([snapshot | ELIGIBLE | features])
    rows = labelled(outcomes(snapshots, days), [SPEC[name]], Interval(AS_OF, AS_OF + timedelta(days=60)))
    return rows[SPEC[name].label_column].to_list()


IN_USE = [1] * 8


def test_every_model_of_the_registry_is_in_the_catalogue():
    assert [spec.name for spec in SPECS] == list(MODELS)


def test_outcomes_are_sums_of_the_weeks_and_nothing_after_moves_what_came_before():
    days = weeks(events=[1, 2, 3, 4, 10, 20, 30, 40])
    snapshots = pl.DataFrame({"user_id": ["a"], "batch_date": [NIGHT], "as_of_date": [AS_OF]})
    names = ["events_before", "events_1", "events_2", "events_3", "events_4"]
    assert outcomes(snapshots, days).select(names).row(0) == (10, 10, 20, 30, 40)
    assert outcomes(snapshots, days.filter(pl.col("local_date") <= AS_OF)).select(names).row(0) == (10, 0, 0, 0, 0)
    unknown = snapshots.with_columns(user_id=pl.lit("b"))
    assert outcomes(unknown, days).select(names).row(0) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("sessions", "events", "expected"),
    [
        ([1, 1, 1, 1, 0, 5, 5, 5], IN_USE, [1.0]),  # what comes later is not the week
        ([0, 0, 0, 0, 1, 0, 0, 0], IN_USE, [0.0]),
        ([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 1, 1, 1], []),  # no sign of use: nobody knows
    ],
)
def test_lapse(sessions, events, expected):
    assert label("lapse_7d", weeks(workouts_completed=sessions, events=events)) == expected


@pytest.mark.parametrize(
    ("events", "week"),
    [(IN_USE, 0), ([1, 1, 1, 1, 1, 1, 0, 1], 3), ([1, 1, 1, 1, 0, 0, 0, 0], 1), ([0, 0, 0, 0, 1, 1, 1, 0], 4)],
)
def test_churn_is_the_first_silent_week(events, week):
    assert label("churn", weeks(events=events)) == [week]


def test_churn_is_for_people_in_use():
    assert label("churn", weeks(events=IN_USE), observed_days_28d=0) == []


def reports(energy_after, load_after=400, skipped_after=0, count=4):
    """Return four reports a month of energy, 6 before; load of 400 and eight sessions before and after."""
    return weeks(
        events=IN_USE,
        workouts_completed=[2] * 8,
        workouts_skipped=[0] * 4 + [skipped_after] * 4,
        load_au=[100] * 4 + [load_after / 4] * 4,
        energy_count=[count / 4] * 8,
        energy_permille=[6000 * count / 4] * 4 + [energy_after * 1000 * count / 4] * 4,
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (reports(5.5, load_after=444), [1.0]),  # half a point less, more than a tenth more load
        (reports(5.5, load_after=440), [0.0]),  # tired, and no more strain than before
        (reports(5.6, load_after=800), [0.0]),  # more load, and not tired
        (reports(5.0, skipped_after=1), [1.0]),  # a third of the workouts skipped
        (reports(3.0, load_after=800, count=0), []),  # nothing reported
    ],
)
def test_burnout(days, expected):
    assert label("burnout", days) == expected


def training(minutes_after, load_after=None, pulse_after=None, sessions_after=2):
    """Return two sessions of 30 minutes a week before; load and heart rates where both sides have them."""
    pulses = 0 if pulse_after is None else 2
    return weeks(
        events=IN_USE,
        workouts_completed=[2] * 4 + [sessions_after] * 4,
        duration_s=[3600] * 4 + [sessions_after * minutes_after * 60] * 4,
        load_au=[60] * 4 + [sessions_after * (load_after or 30)] * 4,
        heart_rate_count=[pulses] * 8,
        heart_rate_deci=[1400 * pulses] * 4 + [(pulse_after or 0) * pulses] * 4,
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (training(30), [1.0]),  # the same minutes
        (training(31), [0.0]),  # 3 % more
        (training(30, load_after=30, pulse_after=1300), [0.0]),  # the same load at a lower heart rate
        (training(60, load_after=33, pulse_after=1600), [1.0]),  # longer and harder, not fitter
        (training(60, sessions_after=0), []),  # no session to measure
    ],
)
def test_plateau(days, expected):
    assert label("plateau", days) == expected


def test_plateau_is_for_people_who_train():
    assert label("plateau", training(30), sessions_28d=7) == []


def test_injury():
    assert label("injury_risk", weeks(events=IN_USE, injuries_started=[0] * 7 + [1])) == [1.0]
    assert label("injury_risk", weeks(events=IN_USE, injuries_started=[0, 0, 0, 1, 0, 0, 0, 0])) == [0.0]
    assert label("injury_risk", weeks(events=[1, 1, 1, 1, 0, 0, 0, 0])) == []
    assert label("injury_risk", weeks(events=IN_USE), injured=1) == []


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (weeks(events=IN_USE), [0.0]),
        (weeks(events=[1] * 7 + [0]), [1.0]),
        (weeks(events=IN_USE, injuries_started=[0] * 5 + [1, 0, 0]), [1.0]),
        (weeks(events=[1, 1, 1, 1, 0, 0, 0, 0]), [1.0]),  # silence, whatever else happened
    ],
)
def test_integrated_risk_is_any_setback(days, expected):
    assert label("integrated_risk", days) == expected


def test_integrated_risk_knows_burnout():
    assert label("integrated_risk", reports(5.0, skipped_after=1)) == [1.0]
    assert label("integrated_risk", reports(6.0)) == [0.0]


@pytest.mark.parametrize(
    ("events", "expected"),
    [(IN_USE, [2.5]), ([1] * 5 + [0, 1, 1], [3.0]), ([1] * 5 + [0, 0, 1], [])],
)
def test_performance_is_the_mean_of_the_weeks_in_use(events, expected):
    assert label("performance", weeks(events=events, workouts_completed=[9, 9, 9, 9, 2, 1, 3, 4])) == expected


def single_days(*entries):
    """Return facts of days so many after the as-of date: sessions, and whether there was any other sign of use."""
    rows = [
        dict.fromkeys(MEASURES, 0)
        | {
            "user_id": "a",
            "local_date": AS_OF + timedelta(days=ahead),
            "workouts_completed": sessions,
            "events": events,
        }
        for ahead, sessions, events in entries
    ]
    return pl.DataFrame(rows)


def day_labels(days, as_of=AS_OF):
    snapshot = {"user_id": "a", "batch_date": NIGHT, "as_of_date": as_of, "event_timestamp": NIGHT} | ELIGIBLE
    spec = SPEC["daily_session"]
    rows = labelled(outcomes(pl.DataFrame([snapshot]), days), [spec], Interval(AS_OF, AS_OF + timedelta(days=60)))
    return rows.select(*spec.day_columns, spec.label_column).rows()


def test_a_day_holds_a_session_or_none_and_is_censored_without_any_sign_of_use():
    # Two sessions are one day's; what was planned or skipped is no sign by itself; the eighth day is nobody's.
    days = single_days((0, 1, 3), (1, 1, 2), (2, 0, 5), (4, 2, 4), (5, 0, 0), (7, 0, 1), (8, 1, 1))
    assert day_labels(days) == [(1, 0, None, 1, None, None, 0, 0.5)]
    # West of Greenwich the last complete day is one earlier on the same night.
    assert day_labels(days, AS_OF - timedelta(days=1)) == [(1, 1, 0, None, 1, None, None, 0.75)]
    # A correction took the only session back.
    assert day_labels(single_days((1, 1, 1), (1, -1, 1))) == [(0, None, None, None, None, None, None, 0)]
    assert day_labels(single_days((3, 0, 0))) == []


@pytest.mark.parametrize("name", list(SPEC))
def test_a_label_waits_until_its_days_are_over(name):
    snapshot = {"user_id": "a", "batch_date": NIGHT, "as_of_date": AS_OF, "event_timestamp": NIGHT} | ELIGIBLE
    followed = outcomes(pl.DataFrame([snapshot]), reports(5.0, skipped_after=1))
    over = NIGHT + timedelta(days=SPEC[name].horizon_days + 2)
    known = [labelled(followed, [SPEC[name]], Interval(AS_OF, over - timedelta(days=wait))).height for wait in (0, 1)]
    assert known[1] == 0
    assert known[0] == (0 if name == "plateau" else 1)
