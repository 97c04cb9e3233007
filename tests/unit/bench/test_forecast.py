"""The simulated world's own forecast: the same days again, and futures that follow from the state."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from bench.forecast import World, forecast
from habitlake.clock import Interval
from habitlake.settings import Settings
from habitlake.simulator.world import simulate_nights
from models.adherence.labels import adherence
from models.lapse_7d.labels import lapse

FIRST, DAYS, PEOPLE = date(2026, 1, 5), 12, 40


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A small world that was lived."""
    found = Settings(home=tmp_path_factory.mktemp("w"), _env_file=None)
    simulate_nights(found, Interval(FIRST, FIRST + timedelta(days=DAYS - 1)), people=PEOPLE, dirt=0.0, seed=7)
    return found


def test_the_days_are_the_same_again(settings):
    world = World(settings)
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        happened = world.day(day, world.state, world.seed)
        truth = pl.read_parquet(settings.truth_dir / f"local_date={day}" / "people-00000.parquet")
        np.testing.assert_array_equal(happened.probability, truth["probability"].to_numpy())
        np.testing.assert_array_equal(world.state.life, truth["life"].to_numpy())


def test_futures_leave_the_state_alone_and_hold_no_session_of_the_injured(settings):
    world = World(settings)
    happened = world.day(FIRST, world.state, world.seed)
    world.state.injured_days[:] = 30
    before = {name: values.copy() for name, values in world.state.arrays().items()}
    weeks = world.weeks(FIRST, happened.plans_tomorrow, 4)
    assert weeks.completed.max() == 0
    assert weeks.planned.max() > 0
    for name, values in before.items():
        np.testing.assert_array_equal(world.state.arrays()[name], values)


def test_a_forecast_is_the_share_of_futures(settings):
    rows = pl.DataFrame(
        {"user_id": [f"u{number:07d}" for number in range(PEOPLE)], "as_of_date": FIRST + timedelta(days=8)}
    ).with_columns(sessions_28d=pl.lit(8))
    kept, lapsed = (forecast(rows, label, settings, futures=20) for label in (adherence(), lapse()))
    assert ((kept >= 0) & (kept <= 1)).all()
    assert np.corrcoef(kept, lapsed)[0, 1] < 0
    assert kept.std() > 0.1, "people differ"
