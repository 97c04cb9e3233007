"""Every text of the library, in every language and style, with ordinary and extreme values."""

import json
import shutil
from datetime import date

import polars as pl
import pytest
import yaml

from habitlake.errors import PermanentError
from interventions.catalogue import FOLDER, LANGUAGES, STYLES, catalogue, load_catalogue, placeholders
from interventions.messages import MAX_LENGTH, message, payload, with_messages

VALUES = {
    "as_of_date": [date(2026, 12, 31), date(2026, 3, 1)],
    "sessions_7d": [0, 1, 7, 999], "sessions_28d": [0, 1, 12, 9_999], "streak_length_current": [3, 90],
    "energy_level": [1.0, 10.0, 5.25], "sleep_hours_7d": [0.0, 24.0, 6.949999], "sleep_debt_hours": [2.01, 8.0],
    "stress_level": [7.01, 10.0], "preparation_time_avg": [15.01, 1.2, 1_440.0, 0.2], "preferred_hour": [8.5],
    "habitual_weekly_sessions": [0.0, 50.0], "target_sessions": [0.0, 50.0], "partner_share_30d": [0.2, 1.0],
}  # fmt: skip
COUNTS = {"sessions_7d", "sessions_28d", "streak_length_current"}


def frame(values):
    """Return people with the given values; those not given are unknown."""
    types = {name: pl.Date if name == "as_of_date" else pl.Int64 if name in COUNTS else pl.Float64 for name in VALUES}
    height = max(len(column) for column in values.values()) if values else 1
    return pl.DataFrame(
        {
            name: [values.get(name, [None])[index % len(values.get(name, [None]))] for index in range(height)]
            for name in VALUES
        },
        schema=types,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("item", catalogue().interventions, ids=lambda item: item.name)
def test_every_text_reads_well_with_ordinary_and_extreme_values(item, language, style):
    for values in (VALUES, {}, *({name: column} for name, column in VALUES.items())):
        for text in frame(values).select(message(item, language, style, catalogue()).alias("text"))["text"]:
            assert text
            assert 10 < len(text) <= MAX_LENGTH
            assert not any(mark in text.lower() for mark in ("{", "}", "null", "none", "nan", "inf ", "  ")), text
            assert text[0].isupper() or text[0].isdigit()
            assert text[-1] in ".?!"
            if language == "de":
                assert ".9 " not in text


def test_unknown_values_are_never_named():
    for item in catalogue().interventions:
        for language in LANGUAGES:
            for style in STYLES:
                text = frame({}).select(message(item, language, style, catalogue()).alias("text")).item()
                assert text == item.messages[language][style][-1]


def test_numbers_follow_the_language_and_the_noun_follows_the_number():
    sleep = catalogue().intervention("earlier_evening")
    known = frame({"as_of_date": [date(2026, 3, 1)], "sleep_hours_7d": [5.94]})
    assert (
        "5.9 hours a night in the week to 1 March"
        in known.select(message(sleep, "en", "encouraging", catalogue())).item()
    )
    assert "5,9 Stunden" in known.select(message(sleep, "de", "direct", catalogue())).item()
    assert "1. März" in known.select(message(sleep, "de", "direct", catalogue())).item()
    goal = catalogue().intervention("goal_that_fits")
    texts = frame({"as_of_date": [date(2026, 3, 1)] * 3, "sessions_7d": [0, 1, 2]}).select(
        message(goal, "en", "direct", catalogue()).alias("text")
    )["text"]
    assert [text.split(" in the week")[0] for text in texts] == ["No sessions", "One session", "2 sessions"]
    encouragement = catalogue().intervention("small_start")
    nothing = frame({"as_of_date": [date(2026, 3, 1)], "sessions_28d": [0]})
    assert nothing.select(message(encouragement, "en", "direct", catalogue())).item() == "Plan your next session today."


def test_language_and_style_follow_the_profile_and_fall_back():
    wishes = [("de-AT", "direct"), ("de", None), ("fr", "playful"), (None, "DIRECT"), ("EN", "encouraging")]
    people = frame({"stress_level": [8.0] * len(wishes)}).with_columns(
        intervention=pl.lit("slow_breathing"),
        language=pl.Series([language for language, _ in wishes], dtype=pl.String),
        communication_style=pl.Series([style for _, style in wishes], dtype=pl.String),
    )
    texts = with_messages(people, catalogue())["message"].to_list()
    assert [text.split(" ")[0] for text in texts] == ["Stress", "Dein", "Stress", "Stress", "Stress"]
    assert texts[0].startswith("Stress zuletzt")
    assert texts[2].startswith("Stress was about")
    assert texts[3].startswith("Stress lately")


def test_payload_is_json_with_the_persons_own_values():
    for item in catalogue().interventions:
        for text in frame(VALUES).select(payload(item).alias("text"))["text"]:
            content = json.loads(text)
            assert content["do"] == item.app_action
            assert set(item.payload_values) <= set(content)


def test_every_trigger_that_is_awake_has_an_intervention_and_every_value_is_known():
    known = catalogue()
    covered = {name for item in known.interventions for name in item.triggers}
    assert {trigger.name for trigger in known.triggers} == covered
    assert len(known.interventions) == 10
    assert {name for item in known.interventions for texts in item.messages.values() for style in texts.values()
            for text in style for name, _ in placeholders(text)} <= set(VALUES)  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda library: library["interventions"][0].update(triggers=["boredom"]), "unknown triggers"),
        (lambda library: library["interventions"][0].update(channels=["pigeon"]), "channels"),
        (lambda library: library["interventions"][0]["messages"].pop("de"), "no message for de"),
        (
            lambda library: library["interventions"][0]["messages"]["en"].update(direct=["{sessions_7d:session}"]),
            "must name no value",
        ),
        (lambda library: library["interventions"][0].update(base_effectiveness=1.4), "base_effectiveness"),
        (lambda library: library["interventions"].append(library["interventions"][0]), "named twice"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_its_place(tmp_path, edit, complaint):
    shutil.copytree(FOLDER / "library", tmp_path / "library")
    shutil.copy(FOLDER / "triggers.yaml", tmp_path)
    file = tmp_path / "library" / "body.yaml"
    library = yaml.safe_load(file.read_text())
    edit(library)
    file.write_text(yaml.safe_dump(library, allow_unicode=True))
    with pytest.raises(PermanentError, match=complaint):
        load_catalogue(tmp_path)
