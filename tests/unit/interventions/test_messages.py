"""Texts in the person's language and style, with numbers that are their own and stand on enough evidence."""

import json
from datetime import date

import polars as pl
import pytest

from interventions.catalogue import catalogue
from interventions.entries import LANGUAGES, REQUIRED_STYLES
from interventions.messages import message, payload, render, with_messages

MARCH = date(2026, 3, 1)


def texts(frame, name, language, style):
    """Return what the people of a frame would read."""
    return frame.select(text=message(catalogue().intervention(name), language, style, catalogue()))["text"].to_list()


def test_unknown_values_are_never_named(stated):
    for item in catalogue().interventions:
        for language in LANGUAGES:
            for style in REQUIRED_STYLES:
                assert texts(stated({}), item.name, language, style) == [item.messages[language][style][-1]]


def test_numbers_follow_the_language_and_the_noun_follows_the_number(stated):
    known = stated({"as_of_date": MARCH, "sleep_hours_7d": 5.94, "sleep_reports_7n": 7})
    assert "5.9 hours a night in the week to 1 March" in texts(known, "earlier_evening", "en", "encouraging")[0]
    assert "5,9 Stunden" in texts(known, "earlier_evening", "de", "direct")[0]
    assert "1. März" in texts(known, "earlier_evening", "de", "direct")[0]
    weeks = stated(*({"as_of_date": MARCH, "sessions_7d": number} for number in range(3)))
    read = [text.split(" in the week")[0] for text in texts(weeks, "goal_that_fits", "en", "direct")]
    assert read == ["Set a smaller weekly goal.", "One session", "2 sessions"]
    nothing = stated({"as_of_date": MARCH, "sessions_28d": 0})
    assert texts(nothing, "small_start", "en", "direct") == ["Plan your next session today."]
    together = stated({"social_context_impact": 0.451, "sessions_28d": 10})
    assert "Of 100 sessions, 45 more go ahead" in texts(together, "session_with_a_partner", "en", "encouraging")[0]
    evening = {"best_time_slot": "evening", "best_time_completed": 9, "best_time_attempts": 11}
    assert texts(
        stated(evening, {**evening, "best_time_slot": "at dusk"}), "session_at_your_best_time", "de", "direct"
    ) == [
        "Am Abend: 9 von 11 Einheiten in 90 Tagen. Leg mehr davon dorthin.",
        "Leg deine Einheiten auf die Zeit, die bei dir klappt.",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("short_session_for_the_streak", "streak_length_current"),
        ("next_session_of_the_streak", "streak_length_current"),
        ("what_worked_before", "streak_length_longest"),
        ("milestone_shared", "streak_length_current"),
        ("record_praise", "streak_length_current"),
        ("hard_days_and_easy_days", "sessions_7d"),
    ],
)
@pytest.mark.parametrize(("language", "many"), [("en", "2 sessions"), ("de", "2 Einheiten")])
def test_none_and_one_are_no_several_sessions(stated, name, value, language, many):
    numbers = stated(*({"as_of_date": MARCH, value: number} for number in range(3)))
    for style in REQUIRED_STYLES:
        plain = catalogue().intervention(name).messages[language][style][-1]
        none, one, two = texts(numbers, name, language, style)
        assert none == one == plain
        assert many in two


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{best_time_slot:slot} it works.", "Am Abend it works."),
        ("It works. {best_time_slot:slot} it does!", "It works. Am Abend it does!"),
        ("It works: {best_time_slot:slot}, {sessions_7d:done_session}.", "It works: am Abend, eine Einheit."),
        ("{sessions_7d:done_session} {best_time_slot:slot}.", "Eine Einheit am Abend."),
    ],
)
def test_a_value_takes_a_capital_where_it_opens_a_sentence_and_nowhere_else(stated, text, read):
    known = stated({"best_time_slot": "evening", "sessions_7d": 1})
    assert known.select(text=render(text, "de", catalogue())).item() == read


@pytest.mark.parametrize(
    ("name", "value", "count", "least"),
    [
        ("earlier_evening", "sleep_hours_7d", "sleep_reports_7n", 3),
        ("slow_breathing", "stress_level", "stress_reports_7n", 3),
        ("ten_minute_version", "low_energy", "energy_reports_7n", 3),
        ("things_laid_out", "preparation_time_avg", "preparation_reports_7n", 2),
    ],
)
def test_a_value_with_too_little_behind_it_is_not_named(stated, name, value, count, least):
    counts = (None, 0, least - 1, least)
    frame = stated(*({"as_of_date": MARCH, value: 7.5, count: number} for number in counts))
    plain = catalogue().intervention(name).messages["en"]["direct"][-1]
    read = texts(frame, name, "en", "direct")
    assert read[:3] == [plain] * 3
    assert "7.5" in read[3] or "8 minutes" in read[3]


def test_language_and_style_follow_the_profile_and_fall_back(stated):
    wishes = [("de-AT", "direct"), ("de", None), ("fr", "playful"), (None, "DIRECT"), ("EN", "encouraging")]
    people = stated(*[{"stress_level": 8.0, "stress_reports_7n": 3}] * len(wishes)).with_columns(
        intervention=pl.lit("slow_breathing"),
        language=pl.Series([language for language, _ in wishes], dtype=pl.String),
        communication_style=pl.Series([style for _, style in wishes], dtype=pl.String),
    )
    read = with_messages(people, catalogue())["message"].to_list()
    assert read[0].startswith("Stress zuletzt: 8,0")
    assert read[1].startswith("Dein Stress")
    assert read[2].startswith("In, out")
    assert read[3].startswith("Stress lately: 8.0")
    assert read[4].startswith("Stress was about")
    no_playful_text = people.with_columns(intervention=pl.lit("note_what_weighs"))
    assert with_messages(no_playful_text, catalogue())["message"][2].startswith("Write down what is on your mind")


def test_who_gets_nothing_reads_nothing(stated):
    people = stated({}, {}).with_columns(
        intervention=pl.Series([None, "small_start"], dtype=pl.String),
        language=pl.lit("en"), communication_style=pl.lit("direct"),
    )  # fmt: skip
    shown = with_messages(people, catalogue())
    assert shown["message"].to_list() == [None, "Plan your next session today."]
    assert shown["payload"].to_list() == [None, '{"do":"show_message"}']


def test_payload_is_json_with_the_persons_own_values(stated):
    for item in catalogue().interventions:
        content = json.loads(stated({}).select(payload(item)).item())
        assert content["do"] == item.app_action
        assert set(item.payload) | set(item.payload_values) <= set(content)
