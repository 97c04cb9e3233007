"""Context patterns: rates, priors, intervals and verdicts worked by hand, recounted by other code, and beside the truth."""

import random
from datetime import date, timedelta
from math import asin, sin, sqrt

import numpy as np
import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.simulator.day import live
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import SLOTS, initial_state, make_traits
from habitlake.tables import get_table
from spark_jobs.features.contexts import LEDGER
from spark_jobs.features.patterns import attempts_in_window, numbered_entries, pattern_counts, patterns, priors

NIGHT = date(2026, 3, 31)
TONIGHT = Interval(NIGHT, NIGHT)
PLACE = ("time_slot", "weekday", "weather_band", "location", "with_whom")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def ago(days):
    return NIGHT - timedelta(days=days)


def entry(user, local_date, batch_date=None, *, completed=0, skipped=0, slot="morning", weather="fair", location="home", whom="alone"):  # fmt: skip
    """One ledger entry in the order of the table's columns."""
    return (batch_date or local_date, user, local_date, slot, weather, location, whom, completed, skipped, 0, 0)


def found(ledger, interval=TONIGHT, first_local_date=date(2026, 1, 21)):
    """The patterns of the interval by (user, night, dimension, and the place that is not any)."""
    users = sorted({row[1] for row in ledger})
    columns = dict(zip(get_table(LEDGER).column_names, zip(*ledger, strict=True), strict=True))
    entries = numbered_entries(pl.DataFrame(columns).lazy()).collect()
    by_place = {}
    for night in interval.nights():
        people = pl.DataFrame({"user_id": users}).with_row_index("person")
        people = people.with_columns(as_of_date=pl.lit(night), first_local_date=pl.lit(first_local_date))
        counts = pattern_counts(attempts_in_window(entries, people, night))
        rows = patterns(counts, priors(counts), people, night)
        assert rows.columns == list(get_table("gold.context_patterns").column_names)
        for row in rows.iter_rows(named=True):
            place = tuple(row[name] for name in PLACE if row[name] != "any")
            key = (row["user_id"], night, row["dimension"], *place)
            assert key not in by_place
            by_place[key] = row
    return by_place


@pytest.fixture(scope="module")
def rows():
    """The patterns of ann, bo and eve."""
    return found([*ann(), *bo(), *eve()])


def beta_interval(rate, weight):
    """The 90 % interval in asin(sqrt(p)), where the standard deviation is 1 / (2 sqrt(weight + 1))."""
    angle, half = asin(sqrt(rate)), 1.644854 * 0.5 / sqrt(weight + 1)
    return sin(max(angle - half, 0)) ** 2, sin(min(angle + half, asin(1))) ** 2


def ann():
    """81 % of 27 mornings and 38 % of 13 evenings, all alone at home in fair weather, in 40 days."""
    done = [True] * 22 + [False] * 5 + [True] * 5 + [False] * 8
    return [
        entry("ann", ago(day), completed=int(met), skipped=int(not met), slot="morning" if day < 27 else "evening")
        for day, met in enumerate(done)
    ]


def test_mornings_and_evenings_worked_by_hand(rows):
    # Three people say nothing of a population: even odds worth two attempts, then 27 of 40. (1 + 27) / (2 + 40).
    own = 28 / 42
    # Ten attempts at the own rate, then 22 of 27: (6.667 + 22) / 37; evenings (6.667 + 5) / 23.
    morning, evening = (10 * own + 22) / 37, (10 * own + 5) / 23
    row = rows["ann", NIGHT, "time_slot", "morning"]
    low, high = beta_interval(morning, 37)
    assert row == pytest.approx(
        {
            "batch_date": NIGHT, "user_id": "ann", "dimension": "time_slot", "time_slot": "morning", "weekday": "any",
            "weather_band": "any", "location": "any", "with_whom": "any", "attempts": 27, "completed": 22,
            "success_rate": 22 / 27, "shrunken_rate": morning, "interval_low": low, "interval_high": high,
            # Known for 70 days of the 90: ten weeks.
            "frequency": 2.7, "confidence": 1 - (high - low), "verdict": "success", "rank": 1,
            "evidence": "Mornings: 81 % of 27 workouts done, otherwise 38 % of 13",
        },
        abs=1e-6,
    )  # fmt: skip
    row = rows["ann", NIGHT, "time_slot", "evening"]
    assert row["shrunken_rate"] == pytest.approx(evening, abs=1e-6)
    assert row["evidence"] == "Evenings: 38 % of 13 workouts done, otherwise 81 % of 27"
    # Evenings are 16 points below the own rate, further than any weekday.
    assert (row["verdict"], row["rank"]) == ("risk", 1)
    # There is nothing else to compare with: always alone, at home, in fair weather.
    for place in (("with_whom", "alone"), ("location", "home"), ("weather_band", "fair"), ("overall",)):
        row = rows["ann", NIGHT, *place]
        assert (row["attempts"], row["completed"], row["verdict"], row["evidence"]) == (40, 27, "neutral", None)
    assert rows["ann", NIGHT, "overall"]["shrunken_rate"] == pytest.approx(own, abs=1e-6)
    # Weekdays have 5 or 6 attempts each; cells of mornings 3 or 4, of evenings 1 or 2: too few for a row.
    cells = [key for key in rows if key[0] == "ann" and key[2] == "cell"]
    assert len(cells) == 7
    assert {key[3] for key in cells} == {"morning"}
    assert sum(rows[key]["attempts"] for key in cells) == 27


def bo():
    """Evenings alone: done where the weather is not known, at the gym, and skipped where the place is not known."""
    ledger = [
        entry("bo", ago(day), completed=1, slot="evening", weather="unknown", location="gym") for day in range(20)
    ]
    ledger += [entry("bo", ago(day), skipped=1, slot="evening", location="unknown") for day in range(20, 30)]
    ledger += [entry("bo", ago(30), skipped=1, slot="night"), entry("bo", ago(31), completed=1, slot="night")]
    return ledger


def test_thin_margins_are_kept_and_say_nothing_and_unknown_circumstances_are_no_finding(rows):
    assert (rows["bo", NIGHT, "time_slot", "night"]["verdict"], rows["bo", NIGHT, "time_slot", "night"]["attempts"]) == ("thin", 2)  # fmt: skip
    assert rows["bo", NIGHT, "weather_band", "unknown"]["verdict"] == "neutral"
    assert rows["bo", NIGHT, "weather_band", "fair"]["verdict"] == "risk"
    assert rows["bo", NIGHT, "location", "unknown"]["verdict"] == "neutral"
    gym = rows["bo", NIGHT, "location", "gym"]
    assert gym["evidence"] == "At the gym: 100 % of 20 workouts done, otherwise 8 % of 12"


def eve():
    """Six Mondays skipped in one cell, thirty other days done in others."""
    mondays = [ago(1 + 7 * week) for week in range(6)]
    others = [ago(age) for age in range(36) if ago(age) not in mondays][:30]
    ledger = [entry("eve", day, skipped=1, slot="evening", weather="wet") for day in mondays]
    ledger += [entry("eve", day, completed=1, slot="early_morning", location="unknown", whom="group") for day in others]
    return ledger


def test_a_cell_is_told_in_one_sentence(rows):
    row = rows["eve", NIGHT, "cell", "evening", "monday", "wet", "home"]
    # Own rate (1 + 30) / (2 + 36), six attempts without a success beside ten of that.
    assert row["shrunken_rate"] == pytest.approx(10 * 31 / 38 / 16, abs=1e-6)
    assert (
        row["evidence"] == "Evenings on Mondays in wet weather at home: 0 % of 6 workouts done, otherwise 100 % of 30"
    )
    told = [rows["eve", NIGHT, *place]["evidence"] for place in (("weekday", "monday"), ("with_whom", "alone"))]
    assert told == [f"{where}: 0 % of 6 workouts done, otherwise 100 % of 30" for where in ("On Mondays", "Alone")]
    ranks = sorted(row["rank"] for key, row in rows.items() if key[0] == "eve" and row["verdict"] == "risk")
    assert ranks == list(range(1, len(ranks) + 1))


def test_only_complete_days_of_the_window_count_and_late_entries_from_their_night_on():
    nights = Interval(ago(1), NIGHT)
    ledger = [
        entry("cy", ago(90), completed=1),  # inside for the night before, out tonight
        entry("cy", ago(89), completed=1),
        entry("cy", ago(5), NIGHT, skipped=1),  # arrives tonight
        entry("cy", NIGHT, completed=1),  # the running day of the night before
        entry("cy", NIGHT + timedelta(days=1), NIGHT, completed=1),  # the running day tonight
    ]
    rows = found(ledger, nights)
    overall = {night: rows["cy", night, "overall"] for night in nights.nights()}
    assert (overall[ago(1)]["attempts"], overall[ago(1)]["completed"]) == (2, 2)
    assert (overall[NIGHT]["attempts"], overall[NIGHT]["completed"]) == (3, 2)


def test_a_night_without_attempts_has_no_rows():
    assert found([entry("di", ago(200), completed=1)]) == {}


def random_ledger(seed, people):
    draw = random.Random(seed)
    rows = []
    for person in range(people):
        skill = draw.betavariate(3, 2)
        for age in range(draw.randrange(120), -2, -1):
            for _ in range(draw.choice((0, 0, 1, 1, 2))):
                slot = draw.choice(("morning", "evening", "night"))
                met = draw.random() < min(skill + (0.2 if slot == "morning" else -0.1), 0.97)
                batch = min(ago(max(age, 0) - draw.choice((0, 0, 0, 4))), NIGHT)
                rows.append(
                    entry(
                        f"user-{person:03}", ago(age), batch, completed=int(met), skipped=int(not met), slot=slot,
                        weather=draw.choice(("fair", "wet", "unknown")), location=draw.choice(("home", "gym")), whom=draw.choice(("alone", "alone", "group")),
                    )
                )  # fmt: skip
    return rows


def recount(ledger, night):
    """Attempts and completed ones of every pattern with dictionaries and loops."""
    counts = {}
    for batch, user, day, slot, weather, location, whom, completed, skipped, *_ in ledger:
        if batch > night or not 0 <= (night - day).days < 90:
            continue
        weekday = WEEKDAYS[day.weekday()]
        places = {
            ("overall",), ("time_slot", slot), ("weekday", weekday), ("weather_band", weather), ("location", location),
            ("with_whom", whom), ("cell", slot, weekday, weather, location),
        }  # fmt: skip
        for place in places:
            n, x = counts.get((user, *place), (0, 0))
            counts[(user, *place)] = (n + completed + skipped, x + completed)
    return {key: (n, x) for key, (n, x) in counts.items() if key[1] != "cell" or n >= 3}


def strengths(counts):
    """The prior of every dimension by the formulas of the module's docstring, in exact fractions of pairs."""
    units = {}
    for (user, dimension, *_), (n, x) in counts.items():
        others, met = (total - part for total, part in zip(counts[user, "overall"], (n, x), strict=True))
        if n > 1 and (dimension == "overall" or others):
            weight = 1 if dimension == "overall" else n
            same, other = x * (x - 1) / (n * (n - 1)), (x / n) * (met / others if others else 0)
            units.setdefault(dimension, []).append((weight, x / n, same, other))
    result = {}
    for dimension, rows in units.items():
        total = sum(row[0] for row in rows)
        rate, same, other = (sum(row[0] * row[part] for row in rows) / total for part in (1, 2, 3))
        if dimension == "overall":
            other = rate * rate
        strength = min((rate - same) / (same - other), 200) if same > other else 200
        result[dimension] = (max(strength, 1), rate) if len(rows) >= 100 else (10, None)
    return result


def test_random_ledgers_against_a_plain_recount_and_one_night_against_the_range():
    ledger = random_ledger(4, 130)
    interval = Interval(ago(2), NIGHT)
    rows = found(ledger, interval)
    for night in interval.nights():
        expected = recount(ledger, night)
        got = {(key[0], *key[2:]): row for key, row in rows.items() if key[1] == night}
        assert {key: (row["attempts"], row["completed"]) for key, row in got.items()} == expected
        prior = strengths(expected)
        strength, rate = prior["overall"]
        assert all(value[1] is not None for value in prior.values())
        for key, row in got.items():
            attempts, completed = expected[key[0], "overall"]
            own = (strength * rate + completed) / (strength + attempts)
            weight = prior[key[1]][0]
            shrunken = own if key[1] == "overall" else (weight * own + row["completed"]) / (weight + row["attempts"])
            assert row["shrunken_rate"] == pytest.approx(shrunken, abs=2e-5), key
    alone = found(ledger)
    assert alone == {key: row for key, row in rows.items() if key[1] == NIGHT}


def lived(people, days):
    """A ledger of a simulated world without its events, and the true success rate of each person and part of the day."""
    traits = make_traits(12, 0, people)
    state = initial_state(12, traits)
    ledger, true = [], np.zeros((2, people, len(SLOTS)))
    everybody = np.arange(people)
    for day in range(days):
        at = NIGHT - timedelta(days=days - 1 - day)
        today = live(12, day, LocalDay(12, day, at), traits, state, [None] * people)
        true[0, everybody, today.slot] += today.probability
        # Of planned workouts that do not happen, seven in ten are reported as skipped.
        true[1, everybody, today.slot] += today.probability + 0.7 * today.planned * (1 - today.probability)
        ledger += [
            entry(
                f"u{person:04d}", at, completed=int(today.session[person]), skipped=int(today.skipped[person]),
                slot=SLOTS[today.slot[person]], whom="partner" if today.meets_friend[person] else "alone",
            )
            for person in np.flatnonzero(today.session | today.skipped).tolist()
        ]  # fmt: skip
    with np.errstate(invalid="ignore"):
        return ledger, traits, true[0] / true[1]


def beside_truth(people, days):
    """People with 20 sessions, the share whose best part of the day is found, and the squared errors of both rates."""
    ledger, traits, true = lived(people, days)
    rows = found(ledger)
    raw, shrunken, best, sessions = [], [], {}, {}
    for (user, _, dimension, *place), row in rows.items():
        person = int(user[1:])
        if dimension == "overall":
            sessions[person] = row["completed"]
        if dimension == "time_slot":
            slot = SLOTS.index(place[0])
            raw.append((row["success_rate"] - true[person, slot]) ** 2)
            shrunken.append((row["shrunken_rate"] - true[person, slot]) ** 2)
            if row["verdict"] != "thin":
                best[person] = max(best.get(person, (0.0, -1)), (row["shrunken_rate"], slot))
    regular = [person for person, count in sessions.items() if count >= 20]
    hit = np.mean([best[person][1] == traits.best_slot[person] for person in regular])
    verdicts = {row["verdict"] for key, row in rows.items() if key[2] == "time_slot"}
    return len(regular), hit, np.mean(raw), np.mean(shrunken), verdicts


def test_against_the_truth_of_a_simulated_world():
    regular, hit, raw, shrunken, verdicts = beside_truth(people=600, days=75)
    assert regular > 300
    assert hit >= 0.8
    assert shrunken < 0.8 * raw
    assert verdicts == {"success", "risk", "neutral", "thin"}
