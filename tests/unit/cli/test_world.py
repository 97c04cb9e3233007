from datetime import date, timedelta

import pytest

from habitlake.cli.world import DEMO, LANDING, World, load_world, plan_run, save_world
from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.settings import Settings

TODAY = date(2026, 3, 10)
ONE = timedelta(days=1)


def test_first_demo_run_simulates_history_trains_and_runs_yesterday():
    plan = plan_run(World(DEMO), landed=[], last_night=None, pending=[], today=TODAY, history=30)
    assert plan.night == plan.simulate_night == date(2026, 3, 9)
    assert plan.history == plan.simulate_history
    assert plan.history == Interval(date(2026, 2, 7), date(2026, 3, 8))
    assert plan.train is not None
    assert plan.train.end == date(2026, 3, 8)


def test_a_first_run_taken_up_on_a_later_day_keeps_its_nights():
    world = World(DEMO, first=date(2026, 2, 7))
    plan = plan_run(world, landed=[TODAY], last_night=None, pending=[TODAY], today=TODAY + 3 * ONE, history=30)
    assert plan.history == Interval(date(2026, 2, 7), date(2026, 3, 8))
    assert plan.night == date(2026, 3, 9)


def test_second_demo_run_is_the_next_night_alone():
    plan = plan_run(World(DEMO, trained=True), landed=[], last_night=TODAY, pending=[], today=TODAY, history=30)
    assert (plan.history, plan.train, plan.simulate_history) == (None, None, None)
    assert plan.night == plan.simulate_night == TODAY + ONE


def test_a_first_run_cut_off_before_training_trains_next_time():
    plan = plan_run(World(DEMO, trained=False), landed=[], last_night=TODAY, pending=[], today=TODAY, history=30)
    assert plan.train is not None
    assert plan.train.end == TODAY


def test_real_data_is_history_up_to_the_night_before_its_last():
    landed = [TODAY, TODAY + 3 * ONE, TODAY + 9 * ONE]
    plan = plan_run(World(LANDING), landed=landed, last_night=None, pending=landed, today=TODAY, history=30)
    assert plan.history == Interval(TODAY, TODAY + 8 * ONE)
    assert plan.night == TODAY + 9 * ONE
    assert plan.simulate_history is None


def test_the_first_training_takes_the_whole_of_a_study_but_no_more_than_a_year():
    for days, nights in ((30, 90), (289, 289), (900, 366)):
        landed = [TODAY, TODAY + days * ONE]
        plan = plan_run(World(LANDING), landed=landed, last_night=None, pending=landed, today=TODAY, history=30)
        assert plan.train is not None
        assert (len(plan.train), plan.train.end) == (nights, landed[-1] - ONE)


def test_several_waiting_nights_are_caught_up_as_one_range():
    waiting = [TODAY + ONE, TODAY + 4 * ONE]
    plan = plan_run(
        World(LANDING, trained=True), landed=waiting, last_night=TODAY, pending=waiting, today=TODAY, history=30
    )
    assert plan.history == Interval(TODAY + ONE, TODAY + 3 * ONE)
    assert plan.night == TODAY + 4 * ONE


def test_nothing_landed_says_what_to_do():
    with pytest.raises(PermanentError, match="DATA=NAME:PATH"):
        plan_run(World(LANDING), landed=[], last_night=None, pending=[], today=TODAY, history=30)


def test_a_world_keeps_its_source(tmp_path):
    settings = Settings(home=tmp_path / "home", _env_file=None)
    world = World(DEMO, trained=True, first=TODAY)
    save_world(world, settings)
    assert load_world(settings, None) == world
    with pytest.raises(PermanentError, match="HABITLAKE_HOME"):
        load_world(settings, "landing")
    with pytest.raises(PermanentError, match="there is no"):
        load_world(settings, f"lifesnaps:{tmp_path}/missing")
    with pytest.raises(PermanentError, match="not understood"):
        load_world(settings, "lifesnaps")
