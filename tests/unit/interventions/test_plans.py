"""Composing sessions, choosing days and reading words: every key gives a plan that meets its contract and is safe."""

import json
from itertools import combinations

import jsonschema
import numpy as np
import polars as pl
import pytest

from interventions.health import CONDITIONS
from interventions.plans.catalogue import CONTRAINDICATIONS, INTENSITIES, LEVELS, PLACES, REGIONS, catalogue
from interventions.plans.choose import SessionKey, bits, contraindications
from interventions.plans.compose import DOSES, Composer
from interventions.plans.contract import PlannedSession, schemas
from interventions.plans.week import DAYS, best_days, day_sets
from interventions.plans.words import ALL_DAYS, equipment_of, focus_of, free_days, part_of_day, regions_of, union

KNOWN = catalogue()
FOCUSES = list(KNOWN.focuses)
COMPOSER = Composer(KNOWN)
PLAIN = SessionKey(0, 0, 0, 1, 1, 30, 0, 0, 0, 0, 0)
AROUND = {"date": "2026-03-04", "weekday": "wednesday", "part_of_day": None,
          "motivation": {"before_low_motivation": "a", "struggling": "b", "after_success": "c"}}  # fmt: skip


def composed(key):
    """Return a composed session's JSON as the contract reads it."""
    return PlannedSession.model_validate({**AROUND, **json.loads(f"{{{COMPOSER.compose(key).members}}}")})


def keys(count):
    """Return session keys from everywhere in the space of keys."""
    draw = np.random.default_rng(5)
    highest = SessionKey(len(FOCUSES), len(PLACES) - 1, 1 << len(KNOWN.equipment), 3, 3, 0, 0, 0, len(DOSES), 3, 2)
    for _ in range(count):
        key = SessionKey(*(int(draw.integers(top)) if top else 0 for top in highest))
        injured = int(draw.choice([0, 0, 1 << draw.integers(8), draw.integers(256), 255]))
        stated = int(draw.choice([0, 0, 1 << draw.integers(4), draw.integers(16), 15])) << len(REGIONS)
        yield key._replace(
            minutes=int(draw.integers(1, 19)) * 5, avoided=injured | stated, past=int(draw.integers(256))
        )


def test_any_session_is_safe_possible_and_within_its_time():
    for key in keys(1_500):
        session = composed(key)
        has = key.equipment | bits(
            (name for name, piece in KNOWN.equipment.items() if session.place in piece.at), KNOWN.equipment
        )
        assert session.minutes == key.minutes
        everything = (*session.warm_up, *session.main, *session.cool_down)
        for item in (*everything, *session.short_version.exercises):
            exercise = KNOWN.exercises[item.exercise]
            against = bits(contraindications(exercise, KNOWN), CONTRAINDICATIONS)
            assert not against & key.avoided, (key, item.exercise)
            assert not against & key.past or exercise.intensity == "low", (key, item.exercise)
            assert session.place in exercise.places
            assert not bits(exercise.equipment, KNOWN.equipment) & ~has
            assert LEVELS.index(exercise.level) <= key.level
            assert INTENSITIES.index(exercise.intensity) <= key.intensity
            assert (item.reps is None) != (item.seconds is None)
        names = [item.exercise for item in everything]
        assert len(set(names)) == len(names)
        for parts, minutes in (
            (everything, session.minutes),
            (session.short_version.exercises, session.short_version.minutes),
        ):
            seconds = sum(item.sets * ((item.seconds or item.reps * 3) + item.rest_s) for item in parts)
            assert seconds <= minutes * 60 or minutes == 5, (key, seconds)


def test_the_same_key_gives_the_same_session_from_any_composer():
    some = list(keys(200))
    fresh = Composer(KNOWN)
    assert [fresh.compose(key) for key in reversed(some)] == [COMPOSER.compose(key) for key in reversed(some)]


def test_a_session_meets_the_published_schema():
    schema = schemas()["workout_plan.schema.json"]
    plan = {
        "schema_version": 1, "valid_from": "2026-03-04", "valid_to": "2026-03-10", "language": "en", "style": "direct",
        "deload": False, "start_with": "full", "reasons": [], "motivation": {"streak": "a", "general": "b"},
        "sessions": [{**AROUND, **json.loads(f"{{{COMPOSER.compose(key).members}}}")} for key in keys(7)],
    }  # fmt: skip
    jsonschema.validate(plan, schema)
    plan["sessions"][0]["main"][0]["sets"] = 99
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plan, schema)


def test_an_injury_swaps_for_the_easier_variant_and_says_so():
    wrist = 1 << REGIONS.index("wrist")
    sound, hurt = composed(PLAIN), composed(PLAIN._replace(avoided=wrist))
    swaps = {item.instead_of: item.exercise for item in hurt.main if item.instead_of}
    assert swaps["push_up"] == "wall_push_up"
    assert {item.exercise for item in sound.main} >= set(swaps)


@pytest.mark.parametrize("focus", FOCUSES)
@pytest.mark.parametrize("place", PLACES)
def test_whatever_is_stated_and_injured_something_gentle_is_left(focus, place):
    everything = PLAIN._replace(focus=FOCUSES.index(focus), place=PLACES.index(place), avoided=(1 << 12) - 1)
    for minutes in (5, 60):
        session = composed(everything._replace(intensity=0, minutes=minutes))
        assert session.focus in ("gentle", "mobility")
        assert session.main
        assert session.short_version.exercises


def stating(condition, **changes):
    """Return the exercises of a session of who states a health condition, the short version included."""
    key = PLAIN._replace(avoided=1 << len(REGIONS) + CONDITIONS.index(condition), **changes)
    session = composed(key)
    parts = (session.warm_up, session.main, session.cool_down, session.short_version.exercises)
    return session, [KNOWN.exercises[item.exercise] for part in parts for item in part]


def test_who_walks_little_sits_or_lies_and_trains_the_same_where_there_is_a_way():
    session, exercises = stating("limited_walking", equipment=bits(["bands"], KNOWN.equipment))
    swaps = {item.instead_of: item.exercise for item in session.main}
    assert (session.focus, swaps["calf_raise"]) == ("strength", "seated_heel_raise")
    assert not {"walk", "run", "jump", "lunge", "carry", "balance"} & {item.pattern for item in exercises}
    became = {focus: stating("limited_walking", focus=FOCUSES.index(focus))[0].focus for focus in FOCUSES}
    assert [became[focus] for focus in ("walk", "run", "dance")] == ["gentle"] * 3
    assert [became[focus] for focus in ("strength", "swim", "ride")] == ["strength", "swim", "gentle"]


def test_after_a_birth_or_with_a_heart_condition_a_run_is_a_walk_by_name():
    for condition in ("postpartum", "heart_condition"):
        session, exercises = stating(condition, focus=FOCUSES.index("run"), intensity=0)
        assert (session.focus, session.main[0].exercise) == ("walk", "easy_walk")
        assert {item.intensity for item in exercises} == {"low"}


def test_a_run_becomes_a_walk_or_something_gentle_when_it_must():
    run = PLAIN._replace(focus=FOCUSES.index("run"))
    assert (composed(run).focus, composed(run).place) == ("run", "outdoors")
    knee = run._replace(avoided=1 << REGIONS.index("knee"))
    assert (composed(knee).focus, composed(knee).place) == ("gentle", "home")
    back = run._replace(intensity=2, avoided=1 << REGIONS.index("lower_back"))
    assert composed(back).focus == "run"
    assert composed(back).main[0].exercise == "easy_run"


def test_every_language_names_the_same_exercises():
    english, german = composed(PLAIN), composed(PLAIN._replace(language=1))
    assert [item.exercise for item in english.main] == [item.exercise for item in german.main]
    assert all(one.label != other.label for one, other in zip(english.main, german.main, strict=True))


def test_the_days_are_the_best_of_all_sets():
    draw = np.random.default_rng(3)
    counts, rates = draw.integers(0, 8, 300), draw.uniform(0, 1, (300, DAYS))
    free, none = draw.random((300, DAYS)) < 0.7, np.zeros((300, DAYS))
    chosen = best_days(counts, rates, free, none)
    assert (chosen.sum(axis=1) == counts).all()
    for count, rate, time, days in zip(counts, rates, free, chosen, strict=True):
        sets, rest = day_sets(int(count)) if count else (np.zeros((1, DAYS)), np.zeros(1))
        assert len(sets) == len(list(combinations(range(DAYS), int(count))))
        values = sets @ np.where(time, rate, rate - 10) + rest
        assert values.max() == pytest.approx(values[[(row == days).all() for row in sets]].item())
    spread = best_days(np.array([3]), np.full((1, DAYS), 0.5), np.ones((1, DAYS), dtype=bool), none[:1])
    assert not (spread & np.roll(spread, 1, axis=1)).any()


@pytest.mark.parametrize(
    ("read", "text", "meaning"),
    [
        (regions_of, "Left knee", ["knee"]), (regions_of, "lower_back", ["lower_back"]), (regions_of, "Knie und Schulter", ["knee", "shoulder"]),
        (regions_of, "somewhere", []), (equipment_of, "Dumbbells", ["dumbbells"]), (equipment_of, "jump rope", ["jump_rope"]),
        (equipment_of, "exercise_bike", ["exercise_bike"]), (equipment_of, "Resistance bands", ["bands"]), (equipment_of, "mat", []),
    ],
)  # fmt: skip
def test_words_of_profiles_and_reports(read, text, meaning):
    order = REGIONS if read is regions_of else KNOWN.equipment
    assert read(text, KNOWN) == bits(meaning, order)


@pytest.mark.parametrize(
    ("text", "focus"),
    [("hiit", "conditioning"), ("Yoga", "mobility"), ("strength", "strength"), ("run", "run"), ("cycling", "ride"),
     ("swim", "swim"), ("weight_loss", "conditioning"), ("strength_building", "strength"), ("stress_relief", "mobility"),
     ("endurance", "run"), ("hiking", "walk"), ("rowing", "row"), ("dancing", "dance"), ("curling", None)],
)  # fmt: skip
def test_kinds_of_training_and_goals_have_a_focus(text, focus):
    number = focus_of(text, KNOWN)
    assert (None if number is None else FOCUSES[number]) == focus


def test_schedules_and_parts_of_the_day():
    assert free_days('{"monday": {"available": false}, "Tuesday": {"available": true}}') == ALL_DAYS - 1
    assert free_days('{"sunday": {"timeSlots": ["evening"]}}') == ALL_DAYS
    assert free_days("nonsense") == free_days("[]") == ALL_DAYS
    assert part_of_day("Lunch") == "midday"
    assert part_of_day("18:30") is None
    lists = pl.Series([["knee", "wrist"], [], None, ["knee", "knee"]], dtype=pl.List(pl.String))
    assert union(lists, lambda text: regions_of(text, KNOWN)).to_list() == [1 | 1 << REGIONS.index("wrist"), 0, 0, 1]
    assert union(pl.Series([None, []], dtype=pl.List(pl.String)), lambda text: 1).to_list() == [0, 0]
