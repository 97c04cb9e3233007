"""Rows that are days: what a night knows of each day ahead, and what a model says of them, by hand and by loop."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights
from habitlake.settings import Settings
from habitlake.tables import DAY_FEATURES, get_table
from models.catalogue import SPECS
from models.lifecycle import days
from models.lifecycle.dataset import rows_of
from models.lifecycle.days import NAMES, PRIOR_DAYS, day_features, day_scores, of_day, read_known, with_days
from models.lifecycle.monitor import judged_rows, shadowed
from models.lifecycle.score import score
from models.lifecycle.shadow import score_in_shadow
from models.lifecycle.spec import MIN_ROWS_PILOT
from models.lifecycle.told import days_told, skips_told
from models.lifecycle.train import not_enough

NIGHT = date(2026, 3, 27)
ONE = timedelta(days=1)
[SPEC] = [spec for spec in SPECS if spec.days]
WIDTH = 7 * len(NAMES)


def put(name, rows, settings, night):
    """Write the rows as the night's partition; columns that are not given are null, or 0 of facts."""
    table = get_table(name)
    schema = arrow_schema(table)
    whole = {column.name: 0 if column.sql_type == "bigint" else None for column in table.columns}
    frame = pl.DataFrame([{**whole, "batch_date": night, **row} for row in rows], infer_schema_length=None)
    replace_nights(frame.to_arrow().select(schema.names).cast(schema), name, Interval(night, night), settings)


def by_hand(sessions, planned, observed, planned_ahead, ahead):
    """DAY_FEATURES of one person and day, from the calendar."""
    as_of, seen = NIGHT, [bool(a or b) for a, b in zip(observed, sessions, strict=True)]
    dates = [as_of - (29 - number) * ONE for number in range(30)]
    target = as_of + ahead * ONE

    def rate(happened, counted):
        if not any(counted):
            return np.nan
        own = sum(h for h, c in zip(happened, counted, strict=True) if c) / sum(counted)
        same = [number for number in range(30) if dates[number].weekday() == target.weekday()]
        return (sum(happened[number] for number in same) + PRIOR_DAYS * own) / (
            sum(counted[number] for number in same) + PRIOR_DAYS
        )

    in_use = [a or bool(b) for a, b in zip(seen, planned, strict=True)]
    return {
        "days_ahead": ahead,
        "weekday_session_rate": rate(sessions, seen),
        "weekday_planned_rate": rate(planned, in_use),
        "workout_planned": float(planned_ahead[ahead - 1]),
        "session_week_before": float(sessions[dates.index(target - 7 * ONE)]) if any(seen) else np.nan,
    }


def test_day_features_are_those_of_the_calendar():
    random = np.random.default_rng(2)
    sessions, planned, observed = (random.random((20, 30)) < share for share in (0.3, 0.3, 0.6))
    ahead = random.random((20, 7)) < 0.3
    for flags in (sessions, planned, observed):
        flags[0] = False
    found = day_features(sessions, planned, observed, ahead)
    assert list(by_hand(sessions[1], planned[1], observed[1], ahead[1], 1)) == list(DAY_FEATURES)
    for person in range(20):
        for day in range(1, 8):
            expected = by_hand(sessions[person], planned[person], observed[person], ahead[person], day)
            assert found[person, day - 1] == pytest.approx(list(expected.values()), nan_ok=True)
    assert np.isnan(found[0, :, NAMES.index("weekday_session_rate")]).all()


@pytest.fixture
def lake(tmp_path):
    """A lake in which two people of two zones plan workouts, and one of them thinks better of it."""
    settings = Settings(home=tmp_path, _env_file=None)
    sequence = {"sessions": [1.0] * 30, "planned": [0.0] * 30, "observed": [1.0] * 30}
    lists = {name: [None] * 30 for name in ("completion_rate", "load", "skipped", "sleep_hours", "stress", "energy")}
    put("gold.user_sequence", [{"user_id": user, **lists, **sequence} for user in "ab"], settings, NIGHT)
    plans = [("a", 1, 1), ("a", 2, 1), ("b", 0, 1), ("b", 7, 1), ("b", 8, 1)]
    rows = [{"user_id": user, "local_date": NIGHT + n * ONE, "workouts_planned": count} for user, n, count in plans]
    put("gold.user_day", rows, settings, NIGHT - 5 * ONE)
    put("gold.user_day", [rows[1] | {"workouts_planned": -1}], settings, NIGHT)
    put("gold.user_day", [rows[1] | {"local_date": NIGHT + 3 * ONE}], settings, NIGHT + ONE)
    return settings


def people(**more):
    """The night of two people east of Greenwich and west of it, and of one of whom nothing is stored."""
    as_of = [NIGHT, NIGHT - ONE, NIGHT]
    return pl.DataFrame({"user_id": ["a", "b", "new"], "batch_date": NIGHT, "as_of_date": as_of, **more})


def test_a_night_knows_the_plans_of_that_night_counted_from_each_persons_last_day(lake):
    rows = with_days(people(), read_known([NIGHT, NIGHT + ONE], lake))
    planned = np.column_stack([of_day(rows, ahead)["workout_planned"].to_numpy() for ahead in range(1, 8)])
    assert planned.tolist() == [[1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0], [0] * 7]
    later = with_days(people(batch_date=NIGHT + ONE), read_known([NIGHT, NIGHT + ONE], lake))
    assert [of_day(later, ahead)["workout_planned"][0] for ahead in range(1, 8)] == [1, 0, 1, 0, 0, 0, 0]
    rates = of_day(rows, 4)["weekday_session_rate"]
    assert rates.to_list()[:2] == [1, 1]
    assert rates.is_nan().to_list() == [False, False, True]
    alone = with_days(people().head(1), read_known([NIGHT], lake, pl.Series(["a"])))
    assert alone["days"].to_list() == rows.head(1)["days"].to_list()


def night(count=60, seed=5):
    """Rows of gold.user_features that the model reads, with what the night knows of the days ahead."""
    random = np.random.default_rng(seed)
    columns = {name: random.normal(5, 1, count) for name in SPEC.features}
    values = random.random((count, 7, len(NAMES)))
    values[:, :, NAMES.index("days_ahead")] = np.arange(1, 8)
    values[:, :, NAMES.index("workout_planned")] = random.random((count, 7)) < 0.1
    days = pl.Series("days", values.reshape(count, WIDTH).astype(np.float32), dtype=pl.Array(pl.Float32, WIDTH))
    keys = {"user_id": [f"u{number:03d}" for number in range(count)], "batch_date": NIGHT, "as_of_date": NIGHT}
    return pl.DataFrame({**keys, **columns, "observed_days_28d": [20] * count}).with_columns(days)


def labelled(rows, seed=6):
    """The rows with the label of each day: more likely where the weekday's share is high; a fifth is not known."""
    random = np.random.default_rng(seed)
    rate = days.day_values(rows)[:, :, NAMES.index("weekday_session_rate")]
    happens = random.random(rate.shape) < rate
    known = random.random(rate.shape) < 0.8
    labels = {
        name: pl.Series(np.where(known[:, number], happens[:, number].astype(float), np.nan)).fill_nan(None)
        for number, name in enumerate(SPEC.day_columns)
    }
    return rows.with_columns(**labels, **{SPEC.label_column: pl.lit(0.5)})


def test_a_row_is_a_day_whose_label_is_known():
    own = labelled(night())
    rows = rows_of(own, SPEC)
    assert rows.height == sum(own[name].count() for name in SPEC.day_columns) < 7 * own.height
    assert set(rows["label"]) == {0, 1}
    for ahead, name in enumerate(SPEC.day_columns, start=1):
        one = rows.filter(pl.col("days_ahead") == ahead).sort("user_id")
        known = own.filter(pl.col(name).is_not_null()).sort("user_id")
        assert one["label"].to_list() == known[name].to_list()
        assert one["workout_planned"].to_list() == of_day(known, ahead)["workout_planned"].to_list()
        assert one[SPEC.features[0]].to_list() == known[SPEC.features[0]].to_list()


def unknown(rows, people):
    """The rows where of the first people no days are stored."""
    values = days.day_values(rows)
    values[:people, :, [NAMES.index("weekday_session_rate"), NAMES.index("weekday_planned_rate")]] = np.nan
    stored = values.reshape(-1, WIDTH).astype(np.float32)
    return rows.with_columns(pl.Series("days", stored, dtype=pl.Array(pl.Float32, WIDTH)))


def test_of_whom_no_days_are_stored_none_is_a_row_and_all_are_scored(fitted):
    rows = unknown(labelled(night()), 3)
    assert set(rows_of(rows, SPEC)["user_id"]) == set(rows["user_id"][3:])
    assert score(rows, SPEC, bundle(fitted), "7")["probability"].is_between(0, 1, closed="none").all()


def test_days_of_a_night_are_no_more_people_to_train_on():
    rows = rows_of(labelled(night(MIN_ROWS_PILOT - 1)), SPEC)
    assert rows.height > 5 * MIN_ROWS_PILOT
    assert f"{MIN_ROWS_PILOT - 1} rows, at least" in not_enough(rows.with_columns(split=pl.lit("train")), SPEC)


def test_people_are_left_out_where_rows_are_too_many(monkeypatch):
    own = labelled(night())
    monkeypatch.setattr(days, "MOST_ROWS", 7 * own.height // 3)
    kept = rows_of(own, SPEC)["user_id"].unique().sort().to_list()
    assert kept == own["user_id"].to_list()[::3]


@pytest.fixture(scope="module", params=list(SPEC.candidates()))
def fitted(request):
    return SPEC.candidates()[request.param].fit(rows_of(labelled(night(400)), SPEC))


def bundle(estimator):
    calibration = [{"upper": 1.0, "observed": 0.5, "people": 100}]
    return {"estimator": estimator, "calibration": calibration, "feature_service": SPEC.feature_service}


def test_the_seven_days_are_those_of_a_loop_over_people_and_days(fitted):
    rows = night(5)
    chances = day_scores(fitted, rows)
    for person in range(5):
        for ahead in range(1, 8):
            [alone] = fitted.predict(of_day(rows[person : person + 1], ahead))
            assert chances[person, ahead - 1] == pytest.approx(alone, abs=1e-6)
    rate = days.day_values(rows)[:, :, NAMES.index("weekday_session_rate")]
    assert np.corrcoef(rate.ravel(), chances.ravel())[0, 1] > 0.5


def test_the_single_number_is_the_first_days_and_what_speaks_for_it_adds_up(fitted):
    rows = night(20)
    scored = score(rows, SPEC, bundle(fitted), "7")
    first = scored["probability"].to_numpy()
    assert fitted.contributions(of_day(rows, 1)).sum(axis=1) == pytest.approx(np.log(first / (1 - first)), abs=1e-4)
    for told, one, factors in scored.select("days", "probability", "top_factors").iter_rows():
        listed = json.loads(told)
        assert [entry["days_ahead"] for entry in listed] == [*range(1, 8)]
        assert listed[0]["probability"] == one
        assert {factor["feature"] for factor in json.loads(factors)} <= set(SPEC.inputs)
    [shadow] = score_in_shadow(rows, {SPEC.name: "8"}, {(SPEC.name, "8"): bundle(fitted)})
    assert shadow["score"].equals(scored["probability"], check_names=False)
    assert shadow["days"].to_list() == scored["days"].to_list()


def test_days_are_calendar_days_also_where_the_clock_changes():
    rows = night(2).with_columns(as_of_date=pl.Series([date(2026, 3, 27), date(2026, 2, 25)]))
    told = days_told(rows, np.full((2, 7), 0.25))
    assert [one["local_date"] for one in json.loads(told[0])] == [
        str(date(2026, 3, 27) + ahead * ONE) for ahead in range(1, 8)
    ]
    assert json.loads(told[1])[3]["local_date"] == "2026-03-01"


def known_days(planned, rate, planned_rate):
    """One person's row, from three features of the seven days."""
    values = np.zeros((1, 7, len(NAMES)))
    for name, own in (
        ("workout_planned", planned), ("weekday_session_rate", rate), ("weekday_planned_rate", planned_rate)
    ):  # fmt: skip
        values[0, :, NAMES.index(name)] = own
    row = pl.Series("days", values.reshape(1, WIDTH).astype(np.float32), dtype=pl.Array(pl.Float32, WIDTH))
    return pl.DataFrame({"as_of_date": [NIGHT]}).with_columns(row)


@pytest.mark.parametrize(
    ("planned", "rate", "planned_rate", "expected"),
    [
        ([0, 1, 0, 0, 1, 0, 0], [0.9] * 6 + [0.1], [0] * 7, [(2, "planned"), (5, "planned"), (6, "usual")]),
        ([1] * 6 + [0], [0] * 7, [0] * 7, [(ahead, "planned") for ahead in range(1, 7)]),
        ([0] * 7, [0.6, 0, 0, 0.5, 0, 0, 0], [0] * 7, [(1, "usual"), (4, "usual")]),
        ([0] * 7, [0.1] * 7, [0, 0, 0.8, 0, 0, 0, 0.4], [(3, "usual")]),
        ([0] * 7, [np.nan] * 7, [np.nan] * 7, []),
    ],
)
def test_skips_are_told_of_planned_days_and_after_the_last_of_usual_ones(planned, rate, planned_rate, expected):
    chances = np.round(np.linspace(0.1, 0.7, 7), 6)[None]
    [told] = skips_told(known_days(planned, rate, planned_rate), chances)
    found = json.loads(told)
    assert [(one["days_ahead"], one["basis"]) for one in found] == expected
    for one in found:
        assert one["probability"] == pytest.approx(1 - chances[0, one["days_ahead"] - 1])
        assert one["local_date"] == str(NIGHT + one["days_ahead"] * ONE)


def test_each_day_that_is_known_is_judged_against_what_was_said_of_it():
    rows = night(2)
    labels = rows.select("user_id", "batch_date").with_columns(
        pl.Series(name, [1.0 if ahead == 2 else None, 0.0 if ahead > 5 else None])
        for ahead, name in enumerate(SPEC.day_columns, start=1)
    )
    keys = {"user_id": ["u000", "u001"], "batch_date": [NIGHT] * 2, "model": [SPEC.name] * 2}
    said = [
        pl.DataFrame({**keys, "role": [role] * 2, "score": [low] * 2, "days": days_told(rows, np.full((2, 7), low) + np.arange(7) / 100)})
        for role, low in (("champion", 0.5), ("challenger", 0.2))
    ]  # fmt: skip
    judged = judged_rows(SPEC, labels, pl.concat(said)).sort("role", "user_id", "days_ahead")
    assert judged.select("role", "user_id", "days_ahead", "label").rows() == [
        (role, user, ahead, label)
        for role in ("challenger", "champion")
        for user, ahead, label in (("u000", 2, 1.0), ("u001", 6, 0.0), ("u001", 7, 0.0))
    ]
    assert judged["score"].to_list() == pytest.approx([0.21, 0.25, 0.26, 0.51, 0.55, 0.56])


def test_a_challenger_of_days_stands_beside_the_champion_day_by_day():
    judged = pl.DataFrame(
        [
            {"user_id": f"u{person}", "batch_date": NIGHT, "days_ahead": ahead, "role": role, "label": float(ahead < 4),
             "score": 0.8 if (ahead < 4) == (role == "champion") else 0.2}
            for person in range(20)
            for ahead in range(1, 8)
            for role in ("champion", "challenger")
        ]
    )  # fmt: skip
    found = {row["figure"]: (row["value"], row["baseline"], row["people"]) for row in shadowed(SPEC, judged)}
    assert found["accuracy"] == (0.0, 1.0, 20)
