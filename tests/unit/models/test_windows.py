"""Windows of hand-made people: what each factor adds, what moves a window and what does not."""

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from models.windows.body import Level, expected
from models.windows.config import FACTORS, HOURS, PART_NAMES, QUALITIES
from models.windows.effects import Prior, fit_prior, person_effects, sigmoid
from models.windows.inputs import AVAILABLE, NOT_AVAILABLE, UNKNOWN, People, stated_schedule
from models.windows.population import Population, fit_population, surprises
from models.windows.rows import record_rows, window_rows
from models.windows.weather import expected_weather
from models.windows.windows import part_terms, score_windows

NIGHT = date(2026, 3, 1)
# A Sunday, as days since 1970; the first window is on the Tuesday after it.
AS_OF = (NIGHT - date(1970, 1, 1)).days
DAYS = 30
MORNING, EVENING = PART_NAMES.index("morning"), PART_NAMES.index("evening")
REPORTS = {
    "time_zone": pl.String,
    "local_date": pl.Date,
    "time_slot": pl.String,
    "weather_band": pl.String,
    "attempts": pl.Int64,
}
FORECAST = {
    "time_zone": pl.String, "local_date": pl.Date, "hour": pl.Int64, "hours": pl.Int64,
    "issued_at": pl.Datetime("us", "UTC"), "weather": pl.String, "temperature_f": pl.Float64,
    "precipitation_probability": pl.Float64,
}  # fmt: skip


# The day after the morrow, as in ``people``.
ZONES = pl.DataFrame({"time_zone": ["Asia/Tokyo", "Europe/Berlin", "UTC"], "first_date": [date(2026, 3, 3)] * 3})


def weather_of(fair=0, wet=0, forecasts=()):
    """The weather expected in Berlin after so many reports of yesterday and these forecasts."""
    reports = [
        ("Europe/Berlin", NIGHT, "evening", band, count) for band, count in (("fair", fair), ("wet", wet)) if count
    ]
    said = pl.DataFrame([dict.fromkeys(FORECAST) | line for line in forecasts], FORECAST)
    return expected_weather(ZONES, pl.DataFrame(reports, REPORTS, orient="row"), said)


NO_WEATHER = weather_of()
POPULATION = Population(
    people=1000,
    day=Prior(np.array([-0.5, 1.0, *([0.0] * 6)]), 1.0, 0.2),
    part=Prior(np.array([0.0, 1.0, *([0.0] * 4)]), 1.0, 0.3),
    band=Prior(np.array([0.0, -0.8, 0.0, 0.0]), 1.0, 0.1),
    plan_share=np.array([0.3, 0.05, 0.9]),
    kept_share=np.array([0.5, 0.2, 0.95]),
    usage=np.array([[1.0] * 5, [4.0] * 5]),
    energy=Level(5.5, 2.0, 0.5),
    stress=Level(5.0, 2.0, 0.5),
    slopes=np.array([0.2, -0.3, 0.1, 0.0]),
    usual_hour=np.array([6.4, 8.2, 12.3, 16.5, 19.1]),
)


def people(count=1, **changes):
    """People who train every other day, half of their twenty workouts in the morning and half in the evening."""
    sessions = np.tile(np.arange(DAYS) % 2 == 0, (count, 1))
    parts = np.zeros((count, 5))
    parts[:, [MORNING, EVENING]] = 10
    values = {
        "users": pl.Series([f"u{number}" for number in range(count)]),
        "zone": pl.Series(["Europe/Berlin"] * count),
        "as_of": np.full(count, AS_OF),
        "first_date": np.full(count, AS_OF + 2),
        "sessions": sessions,
        "planned": sessions.copy(),
        "observed": np.ones((count, DAYS), dtype=bool),
        "planned_ahead": np.zeros((count, 3), dtype=bool),
        "injured": np.zeros(count, dtype=bool),
        "stress": np.full((count, DAYS), 5.0),
        "energy": np.full((count, DAYS), 5.5),
        "part_attempts": parts,
        "part_completed": parts * 0.6,
        "band_attempts": np.tile([15.0, 5.0, 0.0, 0.0], (count, 1)),
        "band_completed": np.tile([9.0, 3.0, 0.0, 0.0], (count, 1)),
        "usual_hour": np.full((count, 5), math.nan),
        "prefers": np.zeros((count, 5), dtype=bool),
        "available": np.full((count, 7), UNKNOWN),
        "stated_hours": np.ones((count, 7, len(HOURS)), dtype=bool),
    }
    return People(**{**values, **changes})


def nobody(count=1):
    """People of whom nothing is known."""
    nothing = np.zeros((count, DAYS), dtype=bool)
    return people(
        count,
        sessions=nothing, planned=nothing, observed=nothing,
        stress=np.full((count, DAYS), math.nan), energy=np.full((count, DAYS), math.nan),
        part_attempts=np.zeros((count, 5)), part_completed=np.zeros((count, 5)),
        band_attempts=np.zeros((count, 4)), band_completed=np.zeros((count, 4)),
    )  # fmt: skip


def windows_of(known, population=POPULATION, weather=NO_WEATHER):
    return score_windows(known, population, weather)


def changed(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


def term(windows, name, day=0, rank=0):
    return windows.terms[0, day, rank, FACTORS.index(name)]


# --- effects -----------------------------------------------------------------------------------------------------------


def test_effects_are_the_mode_of_the_posterior_and_its_curvature():
    successes, trials, offset = np.array([[3.0, 1.0, 0.0]]), np.array([[4.0, 5.0, 0.0]]), np.array([[0.2, -0.1, 0.0]])
    prior = Prior(np.zeros(1), 0.7, 0.4)

    def minus_log_posterior(at):
        eta = offset[0] + at[0] + at[1:]
        fit = (successes[0] * eta - trials[0] * np.log1p(np.exp(eta))).sum()
        return at[0] ** 2 / 1.4 + (at[1:] ** 2).sum() / 0.8 - fit

    found = person_effects(successes, trials, offset, prior)
    best = minimize(minus_log_posterior, np.zeros(4), tol=1e-10).x
    assert [found.person[0], *found.levels[0]] == pytest.approx(best, abs=1e-5)
    eta = offset[0] + found.person[0] + found.levels[0]
    weight = trials[0] * sigmoid(eta) * (1 - sigmoid(eta))
    curvature = np.diag([weight.sum() + 1 / 0.7, *(weight + 1 / 0.4)])
    curvature[0, 1:] = curvature[1:, 0] = weight
    assert found.person_variances[0] == pytest.approx(np.linalg.inv(curvature)[0, 0])
    assert found.level_variances[0] == pytest.approx(1 / (weight + 1 / 0.4))
    # What was never tried stays where the population is.
    assert found.levels[0, 2] == 0


def test_the_population_is_found_again_in_what_it_made():
    random = np.random.default_rng(4)
    count, levels, trials = 3000, 5, 8
    column = random.random((count, levels)) < 0.4
    own = random.normal(scale=0.8, size=(count, 1)) + random.normal(scale=0.6, size=(count, levels))
    chance = sigmoid(0.3 + 1.2 * column + own)
    design = np.stack([np.ones((count, levels)), column], axis=2)
    found = fit_prior(
        random.binomial(trials, chance).astype(float), np.full((count, levels), float(trials)), design, 60
    )
    assert found.fixed == pytest.approx([0.3, 1.2], abs=0.1)
    # Penalised quasi-likelihood finds variances that are somewhat too small.
    assert 0.75 * 0.64 < found.person_variance < 1.1 * 0.64
    assert 0.6 * 0.36 < found.level_variance < 1.1 * 0.36


def test_a_report_fades_to_the_own_mean():
    reports = np.array([[6.0, math.nan, 8.0, math.nan], [math.nan] * 4])
    level = Level(mean=5.0, reports=2.0, memory=0.5)
    found, mean = expected(reports, level, np.array([[1, 2], [1, 2]]))
    # (6 + 8 + 2 x 5) / 4 = 6; the newest is 2 above it, a day before the as-of date: 6 + 2 x 0.5 ** (1 + 1) tomorrow.
    assert mean.tolist() == [6.0, 5.0]
    assert found.tolist() == [[6.5, 6.25], [5.0, 5.0]]


def test_surprises_fade_and_unobserved_days_bring_none():
    known = people(
        sessions=np.array([[True, False, False]]), observed=np.array([[True, False, True]]), as_of=np.array([AS_OF])
    )
    found = surprises(known, np.zeros((1, 3)))
    # Even odds: a session is half a surprise, a miss minus half.
    assert found[0].tolist() == pytest.approx([0.0, 0.5, 0.5 * 0.85, 0.5 * 0.85**2 - 0.5])


# --- windows -----------------------------------------------------------------------------------------------------------


def test_the_terms_add_up_to_the_score():
    windows = windows_of(people(3), weather=weather_of(fair=60, wet=40))
    assert sigmoid(windows.terms.sum(axis=3)) == pytest.approx(windows.probability, abs=1e-6)
    assert (windows.low <= windows.probability).all()
    assert (windows.probability <= windows.high).all()


def test_each_rank_is_another_part_of_the_day_and_the_first_is_the_best():
    windows = windows_of(people(2))
    assert windows.part.shape == (2, 3, 3)
    assert all(len(set(parts)) == 3 for parts in windows.part.reshape(-1, 3).tolist())
    assert (np.diff(windows.probability, axis=2) <= 0).all()


def test_what_parts_add_leaves_the_usual_odds_as_they_are():
    """The harmonic mean of the parts' odds, weighted by sessions, is the usual odds."""
    known = people(part_completed=changed(people().part_completed, (0, EVENING), 9.0))
    added, _ = part_terms(known, POPULATION)
    # Six sessions in the morning, nine in the evening, and five that the population spreads over five parts alike.
    weights = np.array([1, 7, 1, 1, 10]) / 20
    assert (weights * np.exp(-added[0])).sum() == pytest.approx(1)
    assert added[0, EVENING] > 0 > added[0, MORNING]


def test_more_success_in_a_part_of_the_day_moves_it_up():
    added, first = [], []
    for done in (1.0, 6.0, 10.0):
        known = people(part_completed=changed(people().part_completed, (0, MORNING), done))
        added.append(part_terms(known, POPULATION)[0][0, MORNING])
        first.append(windows_of(known).part[0, 0, 0])
    assert added == sorted(added)
    assert added[2] - added[0] > 0.5
    assert (first[0] != MORNING, first[2] == MORNING) == (True, True)


def test_who_prefers_a_part_of_the_day_and_has_not_trained_yet_gets_it_first():
    for number in range(5):
        windows = windows_of(replace(nobody(), prefers=np.eye(5, dtype=bool)[[number]]))
        assert windows.part[0, :, 0].tolist() == [number] * 3
        assert QUALITIES[windows.quality[0]] == "population"


def test_a_weekday_with_a_plan_is_better_than_one_without():
    """The windows are for Tuesday to Thursday; the person plans and trains on every Wednesday alone."""
    wednesdays = (AS_OF - np.arange(DAYS)[::-1] + 3) % 7 == 2
    known = people(sessions=wednesdays[None], planned=wednesdays[None])
    windows = windows_of(known)
    tuesday, wednesday, thursday = windows.probability[0, :, 0]
    assert wednesday > max(tuesday, thursday) + 0.2
    assert windows.conflict[0, 1, 0] < 0.2 < 0.7 < windows.conflict[0, 0, 0]
    assert term(windows, "weekday", day=1) > 0 > term(windows, "weekday", day=0)


def test_what_is_stated_of_a_weekday_counts_without_any_day():
    available = np.full((1, 7), NOT_AVAILABLE)
    available[0, 3] = AVAILABLE
    windows = windows_of(replace(nobody(), available=available))
    assert windows.probability[0, 2, 0] > windows.probability[0, 0, 0]
    assert windows.conflict[0, :, 0].tolist() == pytest.approx([0.8, 0.8, 0.05])


def test_a_plan_for_the_date_counts_as_sure():
    usual = windows_of(people())
    planned = windows_of(people(planned_ahead=np.array([[False, True, False]])))
    assert planned.probability[0, 1, 0] > usual.probability[0, 1, 0] + 0.05
    assert planned.conflict[0, 1].tolist() == [0.0] * 3
    assert planned.probability[0, ::2].tolist() == usual.probability[0, ::2].tolist()
    rows = window_rows(people(), planned, NIGHT)
    assert rows.row(3, named=True)["reasons"][1] == "a workout is planned for the date"


def test_hours_outside_the_stated_ones_are_in_conflict():
    hours = np.zeros((1, 7, len(HOURS)), dtype=bool)
    hours[0, :, HOURS.index(21)] = True
    windows = windows_of(people(stated_hours=hours))
    assert windows.hour[0, :, 0].tolist() == [21] * 3
    assert (windows.conflict[0, :, 0] < 1).all()
    assert (windows.conflict[0, :, 1:] == 1).all()


def test_of_equal_hours_the_usual_one_is_taken():
    usual = np.full((1, 5), math.nan)
    usual[0, EVENING] = 20.7
    windows = windows_of(people(usual_hour=usual))
    by_part = dict(zip(windows.part[0, 0].tolist(), windows.hour[0, 0].tolist(), strict=True))
    assert by_part[EVENING] == 20
    assert by_part[MORNING] == 8


def test_bad_weather_takes_from_those_whom_it_keeps_from_training():
    bad = weather_of(wet=400)
    minds = windows_of(people(band_completed=np.array([[13.0, 0.0, 0.0, 0.0]])), weather=bad)
    hardy = windows_of(people(band_completed=np.array([[5.0, 5.0, 0.0, 0.0]])), weather=bad)
    assert minds.weather_effect[0, 0, 0] < hardy.weather_effect[0, 0, 0]
    assert minds.weather_effect[0, 0, 0] < -0.05
    # Without a forecast the weather is the zone's usual one, in which the usual days were: the score is the same.
    assert minds.probability == pytest.approx(
        windows_of(people(band_completed=np.array([[13.0, 0.0, 0.0, 0.0]]))).probability, abs=1e-5
    )


def test_stress_above_the_own_mean_takes_and_energy_adds():
    tense = windows_of(people(stress=changed(people().stress, (0, -1), 9.0)))
    rested = windows_of(people(energy=changed(people().energy, (0, -1), 9.0)))
    assert term(tense, "stress") < 0 < term(rested, "energy")
    assert tense.probability[0, 0, 0] < windows_of(people()).probability[0, 0, 0] < rested.probability[0, 0, 0]
    # It fades: the third date is nearer to the usual.
    assert term(tense, "stress") < term(tense, "stress", day=2) < 0


def test_others_do_not_change_a_persons_windows():
    alone = windows_of(people())
    many = windows_of(
        people(3, zone=pl.Series(["Asia/Tokyo", "Europe/Berlin", "UTC"]), stress=np.array([[9.0] * DAYS, [5.0] * DAYS, [1.0] * DAYS]))
    )  # fmt: skip
    assert many.probability[1].tolist() == alone.probability[0].tolist()
    assert many.hour[1].tolist() == alone.hour[0].tolist()


@pytest.mark.parametrize(
    ("known", "quality"),
    [
        (people(prefers=np.eye(5, dtype=bool)[[MORNING]]), "complete"),
        (people(), "partial"),
        (people(prefers=np.eye(5, dtype=bool)[[MORNING]], stress=np.full((1, DAYS), math.nan)), "partial"),
        (people(observed=np.arange(DAYS)[None] >= DAYS - 6, sessions=np.zeros((1, DAYS), dtype=bool)), "thin"),
        (people(part_attempts=np.array([[2.0, 0, 0, 0, 0]])), "thin"),
        (nobody(), "population"),
    ],
)
def test_every_window_says_how_much_was_observed(known, quality):
    rows = window_rows(known, windows_of(known), NIGHT)
    assert rows["input_quality"].to_list() == [quality] * 9
    assert rows["success_probability"].is_between(0, 1, closed="none").all()


def test_few_people_give_even_odds_to_start_from():
    known = nobody(3)
    windows = windows_of(known, fit_population(known))
    assert windows.probability == pytest.approx(np.full((3, 3, 3), 0.5))


# --- rows --------------------------------------------------------------------------------------------------------------


def test_rows_tell_why_and_what_else():
    known = people(
        prefers=np.eye(5, dtype=bool)[[EVENING]],
        part_completed=changed(people().part_completed, (0, EVENING), 9.0),
        stress=changed(people().stress, (0, -1), 9.0),
    )
    windows = windows_of(known)
    rows = window_rows(known, windows, NIGHT)
    assert rows["valid_for"].unique().sort().to_list() == [date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5)]
    first = rows.row(0, named=True)
    assert (first["rank"], first["hour"], first["part_of_day"]) == (1, 19, "evening")
    assert first["reasons"][:2] == ["evening: 9 of 10 workouts done", "Tuesdays: kept free on 2 of 4"]
    assert first["reasons"][2].startswith("stress of ")
    assert first["reasons"][2].endswith(" expected, higher than usual")
    assert first["recommended"] == (first["success_probability"] > 0.7)
    contributions = json.loads(first["contributions"])
    assert tuple(contributions) == FACTORS
    assert sigmoid(np.array(sum(contributions.values()))) == pytest.approx(first["success_probability"], abs=1e-6)
    second = windows.hour[0, 0, 1]
    others = windows.probability[0, 1:, 0]
    day = ("Wednesday", "Thursday")[int(others.argmax())]
    assert first["backup_plan"] == (
        f"{second:02d}:00 ({round(windows.probability[0, 0, 1] * 100)} %), or {day} at 19:00 ({round(others.max() * 100)} %)"
    )
    # Of another rank the first window of the date is the way out.
    assert rows.row(1, named=True)["backup_plan"].startswith("19:00 (")
    never = rows.row(2, named=True)
    assert never["reasons"][0].endswith("0 workouts known, judged by people who do not prefer it")


def test_nothing_is_recommended_to_the_injured():
    often = np.ones((1, DAYS), dtype=bool)
    well = people(sessions=often, planned=often)
    hurt = replace(well, injured=np.array([True]))
    rows = window_rows(hurt, windows_of(hurt), NIGHT)
    assert window_rows(well, windows_of(well), NIGHT)["recommended"].any()
    assert not rows["recommended"].any()
    assert set(rows["reasons"].list.last()) == {"not recommended: an injury or illness is unresolved"}


def test_the_app_reads_all_windows_of_a_person_in_one_record():
    known = people(2)
    rows = window_rows(known, windows_of(known), NIGHT)
    records = record_rows(rows, NIGHT)
    assert records["user_id"].to_list() == ["u0", "u1"]
    assert set(records["event_timestamp"]) == {datetime(2026, 3, 2, tzinfo=UTC)}
    told = json.loads(records["windows"][1])
    assert [(one["valid_for"], one["rank"]) for one in told] == [
        (f"2026-03-0{day}", rank) for day in (3, 4, 5) for rank in (1, 2, 3)
    ]
    first = rows.filter(pl.col("user_id") == "u1").row(0, named=True)
    assert told[0] == {name: str(first[name]) if name == "valid_for" else first[name] for name in told[0]}


@pytest.mark.parametrize(
    ("text", "monday", "hours"),
    [
        ('{"monday": {"available": true, "timeSlots": ["7:00", "19:00"]}}', AVAILABLE, [7, 19]),
        ('{"Monday": {"timeSlots": ["17:00-20:00"]}}', AVAILABLE, [17, 18, 19]),
        ('{"monday": {"timeSlots": ["Early Morning"]}}', AVAILABLE, [6]),
        ('{"monday": {"available": false}}', NOT_AVAILABLE, list(HOURS)),
        ('{"monday": {"available": true, "timeSlots": ["whenever", 7]}}', AVAILABLE, list(HOURS)),
        ('{"monday": null}', UNKNOWN, list(HOURS)),
        ("[]", UNKNOWN, list(HOURS)),
        ("{broken", UNKNOWN, list(HOURS)),
        (None, UNKNOWN, list(HOURS)),
    ],
)
def test_a_schedule_is_read_as_far_as_it_is_understood(text, monday, hours):
    available, stated = stated_schedule(text)
    assert available[0] == monday
    assert [hour for hour, open_hour in zip(HOURS, stated[0], strict=True) if open_hour] == hours
    assert available[1:] == [UNKNOWN] * 6
