"""The catalogue of plans: what it holds, how a wrong file is refused, and every text that a person may read."""

import json
import re
import shutil

import jsonschema
import pytest
import yaml

from habitlake.errors import PermanentError
from interventions.entries import LANGUAGES, STYLES
from interventions.health import CONDITIONS
from interventions.plans.catalogue import (
    FOLDER,
    INTENSITIES,
    KINDS,
    LEVELS,
    MOMENTS,
    REGIONS,
    TEXTS_PER_MOMENT,
    catalogue,
    easier_variants,
    load_catalogue,
)
from interventions.plans.choose import contraindications
from interventions.plans.contract import schemas
from interventions.wording import problems


def sentences():
    """Return every sentence of motivation."""
    for moment, languages in catalogue().moments.items():
        for language, styles in languages.items():
            for style, spoken in styles.items():
                yield from ((moment, language, style, text) for text in spoken)


def test_there_is_enough_to_choose_from():
    found = catalogue()
    assert len(found.exercises) >= 120
    assert set(found.kinds.values()) == set(KINDS)
    assert set(found.regions) == set(REGIONS)
    for level in LEVELS:
        assert sum(item.level == level for item in found.exercises.values()) >= 12
    for region in REGIONS:
        assert any(region in item.contraindicated for item in found.exercises.values()), region
    for name, piece in found.equipment.items():
        assert any(name in item.equipment for item in found.exercises.values()), name
        assert piece.words


def test_every_exercise_reads_in_both_languages_and_no_two_are_called_the_same():
    for language in LANGUAGES:
        labels = [getattr(item.label, language) for item in catalogue().exercises.values()]
        assert len(set(labels)) == len(labels)
        assert all(label[0].isupper() for label in labels)


def test_easier_is_easier_all_the_way_down_and_harder_is_not_easier():
    found = catalogue().exercises
    demand = {name: (LEVELS.index(item.level), INTENSITIES.index(item.intensity)) for name, item in found.items()}
    for name, item in found.items():
        chain = [name, *(easier.name for easier in easier_variants(item, catalogue()))]
        assert [demand[step] for step in chain] == sorted((demand[step] for step in chain), reverse=True)
        if item.harder is not None:
            assert demand[item.harder] >= demand[name], name


ON_FOOT = {"walk", "run", "dance", "jump", "lunge", "carry", "balance"}


def test_health_conditions_rule_out_what_they_must():
    found = catalogue()
    against = {name: contraindications(item, found) for name, item in found.exercises.items()}
    # What a reader would name without the list: by movement, by place of the body, by effort.
    on_foot = {name for name, item in found.exercises.items() if item.pattern in ON_FOOT} | {
        "water_walking",
        "air_squat",
    }
    lying = {
        "glute_bridge",
        "dead_bug",
        "pelvic_tilt",
        "dumbbell_floor_press",
        "bridge_pose",
        "lying_twist",
        "hollow_hold",
    }
    hard = {name for name, item in found.exercises.items() if item.intensity == "high"}
    jumps = {"jumping_jack", "squat_jump", "rope_skipping", "burpee", "high_knees"}
    maximal = {name for name in found.exercises if name.startswith("barbell_")}
    held = {"plank", "wall_sit", "hollow_hold"}
    ruled_out = {
        "limited_walking": on_foot,
        "pregnancy": lying | hard | jumps | maximal | held | {"prone_y_raise", "cobra_pose"},
        "postpartum": hard | jumps | maximal | {"easy_run", "plank"},
        "heart_condition": hard
        | jumps
        | maximal
        | held
        | {name for name, item in found.exercises.items() if item.intensity == "medium"},
    }
    assert set(ruled_out) == set(CONDITIONS)
    for condition, names in ruled_out.items():
        assert not [name for name in names if condition not in against[name]], condition
        # Enough is left of every main kind of exercise.
        left = [name for name in found.exercises if condition not in against[name]]
        assert {found.kinds[name] for name in left} >= {"strength", "cardio", "mobility"}
        assert len(left) >= 40, condition


def test_the_note_comes_from_no_doctor_and_names_no_condition():
    for language in LANGUAGES:
        text = getattr(catalogue().note, language)
        assert not list(problems(text, language, gentle=True))
        assert "doctor" in text or "ärztlich" in text
        assert not re.search("pregnan|schwanger|heart|herz|walk|lauf|birth|geburt", text, re.IGNORECASE)


def test_every_moment_speaks_every_language_and_style():
    spoken = list(sentences())
    assert len(spoken) == len(MOMENTS) * len(LANGUAGES) * len(STYLES) * TEXTS_PER_MOMENT
    assert len({text for *_, text in spoken}) == len(spoken)
    for *_, text in spoken:
        assert text[0].isupper()
        assert text[-1] in ".?!"
        assert "{" not in text
        assert not any(mark.isdigit() for mark in text)
        # A short sentence is read in passing.
        assert max(len(sentence.split()) for sentence in text.replace("?", ".").split(".")) <= 14


@pytest.mark.parametrize(
    ("file", "edit", "complaint"),
    [
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(level="hero"), "cardio.yaml.*exercises.0.level"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(reps=10), "either reps or seconds"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].pop("label"), "exercises.0.label: Field required"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(pattern="fly"), "unknown pattern 'fly'"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(equipment=["jetpack"]), "unknown equipment 'jetpack'"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(contraindicated=["tail"]), "contraindicated.0"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(easier="nap"), "no exercise 'nap'"),
        ("exercises/cardio.yaml", lambda content: content["exercises"][0].update(easier="hill_ride"), "is the harder one"),
        ("exercises/cardio.yaml", lambda content: content["exercises"].append(content["exercises"][0]), "named twice: easy_walk"),
        ("exercises/mobility.yaml", lambda content: (content["exercises"][0].update(easier="shoulder_rolls"), content["exercises"][1].update(easier="arm_circles")), "in a circle"),
        ("exercises/mobility.yaml", lambda content: (content["exercises"][0].pop("seconds"), content["exercises"][0].update(reps=5)), "counted in seconds"),
        ("vocabulary.yaml", lambda content: content["focuses"]["run"].update(instead="fly"), "no focus 'fly'"),
        ("vocabulary.yaml", lambda content: content["focuses"].pop("gentle"), "no focus 'gentle'"),
        ("vocabulary.yaml", lambda content: content["regions"].pop("knee"), "region knee"),
        ("vocabulary.yaml", lambda content: content["health_conditions"].pop("pregnancy"), "health condition pregnancy"),
        ("vocabulary.yaml", lambda content: content["note"].update(en="This plan heals you."), "medical claim"),
        ("vocabulary.yaml", lambda content: content["equipment"].update({f"thing_{n}": content["equipment"]["bands"] for n in range(9)}), "at most 16"),
        ("motivation.yaml", lambda content: content["moments"]["streak"].pop("de"), "streak: no texts for de"),
        ("motivation.yaml", lambda content: content["moments"]["streak"]["de"]["direct"].pop(), "moments.streak.de.direct"),
        ("motivation.yaml", lambda content: content["moments"]["general"]["en"]["direct"].__setitem__(0, "No excuses today."), "shames .'excuse'"),
        ("motivation.yaml", lambda content: content["moments"]["general"]["de"]["direct"].__setitem__(0, "Das heilt dein Knie."), "medical claim"),
        ("motivation.yaml", lambda content: content["moments"]["struggling"]["en"]["direct"].__setitem__(0, "Go faster."), "presses people"),
        ("vocabulary.yaml", lambda content: content["patterns"]["squat"].update(de="Du musst tiefer gehen."), "orders about"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_in_one_line_that_says_where(tmp_path, file, edit, complaint):
    shutil.copytree(FOLDER, tmp_path / "plans", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = tmp_path / "plans" / file
    content = yaml.safe_load(path.read_text())
    edit(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True))
    with pytest.raises(PermanentError, match=complaint) as caught:
        load_catalogue(tmp_path / "plans")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "plans", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "plans" / "exercises" / "balance.yaml").write_text("kind: [")
    with pytest.raises(PermanentError, match=r"balance\.yaml of the workout plans is wrong") as caught:
        load_catalogue(tmp_path / "plans")
    assert len(str(caught.value).splitlines()) == 1


def test_the_committed_schemas_are_current_and_the_files_meet_theirs():
    for name, schema in schemas().items():
        assert json.loads((FOLDER / name).read_text()) == schema, (
            "write it again: python -m interventions.plans.contract"
        )
    for kind in KINDS:
        file = yaml.safe_load((FOLDER / "exercises" / f"{kind}.yaml").read_text())
        jsonschema.validate(file, schemas()["exercises.schema.json"])
