"""The state machine of onboarding as data: what it declares, its texts, and how a wrong file is refused."""

import json

import polars as pl
import pytest
import yaml

from habitlake.errors import PermanentError
from interventions.entries import LANGUAGES
from interventions.onboarding.content import path
from interventions.onboarding.stages import FILE, Condition, load_onboarding, onboarding

STEPS = [
    "goal_selection", "basic_preferences", "first_workout", "schedule_optimization", "equipment_setup",
    "context_discovery", "routine_establishment", "barrier_management", "progress_tracking", "advanced_analytics",
    "social_features", "goal_progression",
]  # fmt: skip


def test_stages_steps_delays_and_segments_are_those_of_the_founding_document():
    machine = onboarding()
    assert [stage.name for stage in machine.stages] == [
        "core_setup", "pattern_discovery", "habit_formation", "advanced_features",
    ]  # fmt: skip
    assert [step.name for stage in machine.stages for step in stage.steps] == STEPS
    assert [stage.next_stage_delay_days for stage in machine.stages] == [1, 2, 7, None]
    assert [stage.days for stage in machine.stages][:3] == [1, 7, 23]
    assert [segment.name for segment in machine.segments] == [
        "enthusiastic_beginner", "time_constrained_intermediate", "returning_user", "general_user",
    ]  # fmt: skip


def test_every_text_reads_well_in_both_languages():
    machine = onboarding()
    for language in LANGUAGES:
        texts = [getattr(segment.welcome, language) for segment in machine.segments]
        texts += [getattr(step.text, language) for stage in machine.stages for step in stage.steps]
        titles = [getattr(step.title, language) for stage in machine.stages for step in stage.steps]
        assert len({*texts, *titles}) == len(machine.segments) + 2 * len(STEPS)
        assert all(text[0].isupper() and text[-1] in ".?!" for text in texts)
        assert all(title[0].isupper() and title[-1].isalpha() for title in titles)


def test_a_path_has_days_in_order_at_the_pace_of_its_segment():
    machine = onboarding()
    for segment in machine.segments:
        found = path(machine, segment, {"first_workout"}, "en")
        for stage in found["stages"]:
            days = [step["day"] for step in stage["steps"]]
            assert days == sorted(days)
            assert all(day < stage["days"] for day in days)
        done = [step["step"] for stage in found["stages"] for step in stage["steps"] if step["done"]]
        assert done == ["first_workout"]


@pytest.mark.parametrize(
    ("operator", "threshold", "held"),
    [(">", 3, [False, True, False]), (">=", 3, [True, True, False]), ("<", 4, [True, False, False]),
     ("<=", 3, [True, False, False]), ("==", 3, [True, False, False]), ("known", None, [True, True, False])],
)  # fmt: skip
def test_a_condition_over_an_unknown_value_does_not_hold(operator, threshold, held):
    condition = Condition(value="sessions_28d", operator=operator, threshold=threshold)
    assert (
        pl.DataFrame({"sessions_28d": [3, 4, None]}).select(condition.holds().alias("held"))["held"].to_list() == held
    )


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (
            lambda content: content["stages"][0]["success"].update(value="luck"),
            "stages.0.success.*unknown value 'luck'",
        ),
        (lambda content: content["stages"][1]["success"].pop("threshold"), "compares a number with a threshold"),
        (lambda content: content["stages"][0]["success"].update(threshold=1), "known has no threshold"),
        (lambda content: content["stages"][0]["steps"][0].update(name="first_workout"), "have one name"),
        (lambda content: content["stages"][0]["steps"][0]["text"].pop("de"), "text.de: Field required"),
        (lambda content: content["stages"][0].update(next_stage_delay_days=None), "every stage but the last"),
        (lambda content: content["segments"][0].update(leave_out=["naps"]), "unknown steps"),
        (lambda content: content["segments"][0].update(leave_out=STEPS[:3]), "no step left of core_setup"),
        (lambda content: content["segments"].pop(), "the last segment is everybody's"),
        (lambda content: content.update(reminders=[3, 0]), "rising order"),
        (lambda content: content["segments"][0]["welcome"].update(en="Be lazy no more, here we go."), "shames"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_says_where(tmp_path, edit, complaint):
    content = yaml.safe_load(FILE.read_text())
    edit(content)
    file = tmp_path / "onboarding.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True))
    with pytest.raises(PermanentError, match=complaint) as caught:
        load_onboarding(file)
    assert len(str(caught.value).splitlines()) == 1


def test_a_step_that_is_due_is_decided_on_like_anything_else(people, decided):
    due = {"onboarding_step_due": 1, "onboarding_stage": 2, "onboarding_step": "equipment_setup"}
    rows = decided(people(due, {**due, "onboarding_step_due": 0}, {**due, "age": 16})).filter(pl.col("horizon") == 0)
    asked, waiting, minor = rows.iter_rows(named=True)
    assert (asked["triggers"], asked["action"]) == (["onboarding_step_due"], "onboarding_step")
    assert json.loads(asked["payload"])["onboarding_step"] == "equipment_setup"
    assert waiting["triggers"] == []
    assert minor["unavailable_reasons"] == ["minor"]
