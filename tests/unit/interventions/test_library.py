"""The library that ships: every text with real and extreme values, and what a broken file says."""

import json
import re
import shutil
from datetime import date

import jsonschema
import pytest
import yaml

from habitlake.errors import PermanentError
from interventions.catalogue import FOLDER, SCHEMA_FILE, catalogue, library_schema, load_catalogue, main
from interventions.entries import LANGUAGES, STYLES, placeholders
from interventions.messages import message
from interventions.wording import LEAST_EASE, MAX_LENGTH, problems, reading_ease, syllables

# Ordinary and extreme values; the rows of a value's neighbours take theirs in turn.
VALUES = {
    "as_of_date": [date(2026, 12, 31), date(2026, 3, 1)],
    "sessions_7d": [0, 1, 7, 999], "sessions_28d": [0, 1, 12, 9_999], "streak_length_current": [3, 90, 1],
    "streak_length_longest": [1, 2, 90], "streak_milestone": [5, 90], "low_energy": [1.0, 5.0, 2.25],
    "sleep_hours_7d": [0.0, 24.0, 6.949999], "stress_level": [7.01, 10.0],
    "preparation_time_avg": [15.01, 1.2, 1_440.0, 0.2], "best_time_slot": ["early_morning", "evening", "at dusk"], "best_time_attempts": [3, 270],
    "best_time_completed": [1, 270],
    "social_context_impact": [0.301, 1.0],
}  # fmt: skip
NAMED = {name for item in catalogue().interventions for _, _, texts in item.texts() for text in texts
         for name, _ in placeholders(text)}  # fmt: skip
# The formal address inside a sentence; at its start "Sie" may be "they".
FORMAL = re.compile(r"(?<=[a-zäöüß,] )(Sie|Ihre?[mnrs]?|Ihnen)\b")
UNFILLED = re.compile(r"[{}]|  |\b(null|None|nan|NaN|inf)\b")


@pytest.fixture(scope="module")
def rows(stated):
    """Return people with every value, with none, with each alone, and with too little behind each."""
    full = [{name: column[index % len(column)] for name, column in VALUES.items()} for index in range(4)]
    counts = dict.fromkeys({support.count for support in catalogue().support.values()}, 9)
    alone = [{name: value} for name, column in VALUES.items() for value in column]
    return stated(*[{**counts, **row} for row in (*full, *alone, {})], *full)


def read(item, rows):
    """Yield language, style and every different text that people would read."""
    for language in LANGUAGES:
        columns = {style: message(item, language, style, catalogue()) for style in STYLES}
        shown = rows.select(**columns)
        for style in STYLES:
            for text in shown[style].unique():
                yield language, style, text


@pytest.mark.parametrize("item", catalogue().interventions, ids=lambda item: item.name)
def test_every_text_reads_well_and_keeps_the_rules_with_real_and_extreme_values(item, rows):
    for language, style, text in read(item, rows):
        assert text, (language, style)
        assert not list(problems(text, language, gentle=not item.pushes))
        assert 10 < len(text) <= MAX_LENGTH
        assert not UNFILLED.search(text), text
        assert text[0].isupper() or text[0].isdigit()
        assert text[-1] in ".?!"
        if language == "de":
            assert ".9 " not in text

            assert not FORMAL.search(text), text


def test_the_values_above_are_those_that_texts_name():
    assert set(VALUES) >= NAMED


def test_there_are_enough_interventions_for_every_trigger():
    known = catalogue()
    assert len(known.interventions) >= 60
    for trigger in known.triggers:
        assert sum(trigger.name in item.triggers for item in known.interventions) >= 2, trigger.name
    assert {item.action for item in known.interventions} >= {
        "preparation_optimization", "context_optimization", "barrier_prevention", "social_reinforcement",
        "encouragement", "recovery_day", "sleep_hygiene", "stress_relief", "goal_adjustment", "streak_protection",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "action", "condition", "impact"),
    [
        ("things_laid_out", "preparation_optimization", "preparation_time_avg > 15", 0.26),
        ("session_at_your_best_time", "context_optimization", "success_rate_variance_by_time > 0.4", 0.70),
        ("ten_minute_version", "barrier_prevention", "skip_probability > 0.7", 0.45),
        ("session_with_a_partner", "social_reinforcement", "social_context_impact > 0.3", 0.40),
    ],
)
def test_the_four_micro_interventions_of_the_founding_document(name, action, condition, impact):
    item = catalogue().intervention(name)
    triggers = [trigger for trigger in catalogue().triggers if trigger.name in item.triggers]
    conditions = {str(part) for trigger in triggers for part in trigger.conditions} | {str(p) for p in item.requires}
    assert (item.action, item.base_effectiveness) == (action, impact)
    assert condition in conditions
    assert item.source.startswith("founding document")


def test_what_answers_to_a_body_that_needs_rest_does_not_push():
    tired = {"injured", "injury_risk", "burnout_risk", "sleep_debt", "monotonous_training", "high_stress"}
    for item in catalogue().interventions:
        if tired & set(item.triggers):
            assert not item.pushes, item.name


PLANTED = [
    ("en", "No excuses today, do your session.", "shames"),
    ("en", "You should have trained, you gave up too soon.", "shames"),
    ("de", "Keine Ausreden, mach deine Einheit.", "shames"),
    ("de", "Du hast versagt, fang neu an.", "shames"),
    ("en", "This walk will cure your stress.", "medical claim"),
    ("en", "Rest now: you are close to burnout.", "medical claim"),
    ("de", "Dehnen heilt deinen Rücken.", "medical claim"),
    ("en", "You must train today.", "orders about"),
    ("de", "Du musst heute trainieren.", "orders about"),
    ("en", "Push a bit harder today, it will be worth it.", "presses"),
    ("de", "Gib heute Vollgas, es lohnt sich.", "presses"),
    ("en", "Go for a walk today. " * 12, "longer than"),
    ("en", "Consider implementing additional cardiovascular conditioning immediately.", "hard to read"),
    ("de", "Berücksichtige Trainingssteuerungsempfehlungen unverzüglich.", "hard to read"),
]


@pytest.mark.parametrize(("language", "text", "complaint"), PLANTED)
def test_a_planted_bad_text_is_caught_when_the_library_is_read(tmp_path, language, text, complaint):
    assert any(complaint in problem for problem in problems(text, language, gentle=True))
    folder = copied(tmp_path, lambda library: library["interventions"][0]["messages"][language].update(direct=[text]))
    with pytest.raises(
        PermanentError, match=f"body.yaml, recovery_day_today, messages.{language}.direct: .*{complaint}"
    ):
        load_catalogue(folder)


def test_reading_ease_is_that_of_the_published_formulas():
    assert syllables("session", "en") == 2
    assert [syllables(word, "en") for word in ("like", "table", "planned", "started")] == [1, 2, 1, 2]
    assert [syllables(word, "de") for word in ("Einheit", "Ruhetag", "Häuser", "Dauer", "Tee")] == [2, 3, 2, 2, 1]
    assert reading_ease("The cat sat on the mat.", "en") == pytest.approx(206.835 - 1.015 * 6 - 84.6)
    assert reading_ease("Die Katze sitzt auf der Matte.", "de") == pytest.approx(180 - 6 - 58.5 * 8 / 6)
    assert LEAST_EASE < 60


def copied(folder, edit):
    """Copy the catalogue to a folder with body.yaml edited; return the folder."""
    shutil.copytree(FOLDER / "library", folder / "library")
    shutil.copy(FOLDER / "triggers.yaml", folder)
    file = folder / "library" / "body.yaml"
    library = yaml.load(file.read_text(), yaml.CSafeLoader)
    edit(library)
    file.write_text(yaml.dump(library, Dumper=yaml.CSafeDumper, allow_unicode=True))
    return folder


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({"triggers": ["boredom"]}, r"body.yaml, recovery_day_today, triggers: unknown triggers \['boredom'\]"),
        ({"channels": ["pigeon"]}, r"body.yaml, recovery_day_today, channels.0: Input should be 'push'"),
        ({"base_effectiveness": 1.4}, r"recovery_day_today, base_effectiveness: .* less than or equal to 1"),
        ({"cool_down_days": 90}, r"recovery_day_today, cool_down_days: .* less than or equal to 28"),
        ({"colour": "red"}, r"recovery_day_today, colour: Extra inputs are not permitted"),
        ({"action": "shouting"}, r"recovery_day_today, action: Input should be"),
        ({"requires": [{"value": "mood", "operator": ">", "threshold": 1}]}, r"requires: unknown value mood: name a feature"),
        ({"payload_values": ["secrets"]}, r"payload_values: unknown value secrets"),
        ({"payload": {"days": "many"}}, r"body.yaml, recovery_day_today, payload: push, days: Input should be a valid integer"),
        ({"payload": {"minutes": 5}}, r"payload: push knows no parameter minutes: name one of checklist"),
        ({"channels": ["goal_adjustment"]}, r"payload: goal_adjustment, do: Input should be 'propose_weekly_target'"),
        ({"messages": {"en": {"direct": ["Rest now."], "encouraging": ["Rest now."]}}}, r"no message for de, encouraging"),
        ({"contraindicated_with": ["flat_feet"]}, r"contraindicated_with.0: Input should be 'pregnancy'"),
        ({"name": "ten_minute_version"}, r"skip.yaml, ten_minute_version: the name is given twice: rename one"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_wrong_entry_is_refused_in_one_line_with_file_entry_field_and_remedy(tmp_path, edit, complaint):
    folder = copied(tmp_path, lambda library: library["interventions"][0].update(edit))
    with pytest.raises(PermanentError, match=complaint) as refused:
        load_catalogue(folder)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith("correct the file, nothing was decided with it")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Rest at {mood_level:decimal}.", r"unknown placeholder \{mood_level:decimal\}: name a feature"),
        ("Rest from {as_of_date:decimal} on.", r"unknown placeholder \{as_of_date:decimal\}"),
        (
            "Rest: {skip_rate_30d:per_hundred} of 100.",
            r"no support is declared for \['skip_rate_30d'\]: say in rules.yaml",
        ),
        ("Rest {sessions_7d:furlong} today.", r"unknown formats \['furlong'\]: add a unit"),
    ],
)
def test_an_unknown_placeholder_or_format_is_refused(tmp_path, text, complaint):
    edit = {"en": {"encouraging": [text, "Rest now."], "direct": ["Rest now."]}}
    folder = copied(tmp_path, lambda library: library["interventions"][0]["messages"].update(edit))
    with pytest.raises(PermanentError, match=f"body.yaml, recovery_day_today, messages.en.encouraging: {complaint}"):
        load_catalogue(folder)


@pytest.mark.parametrize(("language", "text"), [("en", "Take a walk today."), ("de", "Geh heute um den Block.")])
def test_a_text_that_asks_to_go_on_foot_is_refused_without_its_contraindication(tmp_path, language, text):
    folder = copied(tmp_path, lambda library: library["interventions"][0]["messages"][language].update(direct=[text]))
    complaint = rf"recovery_day_today, messages.{language}.direct: .* not for limited_walking"
    with pytest.raises(PermanentError, match=complaint):
        load_catalogue(folder)


@pytest.mark.parametrize("holds", [{}, {"conditions": [{"value": "injured", "operator": "==", "threshold": 1}], "health_conditions": ["pregnancy"]}])  # fmt: skip
def test_a_guard_holds_for_values_or_for_health_conditions(tmp_path, holds):
    guard = {"name": "new", "description": "a new guard", "source": "ours", **holds}
    folder = copied(tmp_path, lambda library: library.update(guards=[guard]))
    with pytest.raises(PermanentError, match=r"body.yaml, new, entry: give either conditions or health_conditions"):
        load_catalogue(folder)


def test_a_last_message_that_names_a_value_is_refused(tmp_path):
    edit = {"direct": ["{sessions_7d:done_session} this week."]}
    folder = copied(tmp_path, lambda library: library["interventions"][0]["messages"]["en"].update(edit))
    with pytest.raises(PermanentError, match="en, direct: the last message must name no value"):
        load_catalogue(folder)


def test_a_file_that_is_no_yaml_or_no_library_is_refused(tmp_path):
    folder = copied(tmp_path, lambda _: None)
    file = folder / "library" / "body.yaml"
    file.write_text("interventions: [")
    with pytest.raises(PermanentError, match=r"^body.yaml: not YAML: .*line 2") as refused:
        load_catalogue(folder)
    assert "\n" not in str(refused.value)
    file.write_text("intervention: []\n")
    with pytest.raises(
        PermanentError, match=r"^body.yaml: must be a mapping with caps, guards, interventions, support, units"
    ):
        load_catalogue(folder)


def test_a_trigger_that_nobody_answers_and_an_empty_library_are_refused(tmp_path):
    folder = copied(tmp_path, lambda library: library.update(interventions=[]))
    with pytest.raises(PermanentError, match=r"triggers.yaml, injured: no intervention names this trigger: add one"):
        load_catalogue(folder)
    for file in folder.glob("library/*.yaml"):
        file.unlink()
    with pytest.raises(PermanentError, match="library: there is no intervention: add a file with interventions"):
        load_catalogue(folder)


def test_an_exit_threshold_on_the_wrong_side_is_refused(tmp_path):
    folder = copied(tmp_path, lambda _: None)
    file = folder / "triggers.yaml"
    file.write_text(file.read_text().replace("exit: 1.5", "exit: 2.5"))
    with pytest.raises(
        PermanentError, match=r"triggers.yaml, sleep_debt, conditions.0: exit 2.5 must be on the far side"
    ):
        load_catalogue(folder)


def test_version_follows_every_file(tmp_path):
    folder = copied(tmp_path, lambda _: None)
    before = load_catalogue(folder).version
    for file in sorted(folder.rglob("*.yaml")):
        file.write_text(file.read_text() + "\n# reviewed\n")
        after = load_catalogue(folder).version
        assert after != before
        before = after


def test_the_committed_schema_is_current_and_the_command_says_what_is_there(capsys):
    written = "write it again: python -m interventions.catalogue schema > interventions/library/library.schema.json"
    schema = json.loads(SCHEMA_FILE.read_text())
    assert schema == library_schema(), written
    for file in (FOLDER / "library").glob("*.yaml"):
        jsonschema.validate(yaml.load(file.read_text(), yaml.CSafeLoader), schema)
    assert main([]) == 0
    assert f"{len(catalogue().interventions)} interventions" in capsys.readouterr().out
