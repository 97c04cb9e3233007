"""Windows against the simulated world's own probabilities, with and without its forecast: no engine."""

from bench import windows
from habitlake.simulator.people import SLOTS
from models.windows.config import PART_NAMES


def test_windows_are_true_and_calibrated_after_60_days():
    found, blind, foreseen = windows.compare(seed=3, people=600, nights=60)
    assert SLOTS == PART_NAMES
    assert found.people > 200
    assert found.top_three >= 0.9
    # Better than the part of the day with the greatest rate, which is luck for most.
    assert found.first >= found.first_raw + 0.1
    assert found.error <= 0.05
    assert abs(found.recommended - found.recommended_true) <= 0.05
    # With the forecast windows are no worse, and it moves them the way the weather does, not further than it does.
    assert found.top_three >= blind.top_three
    assert found.first >= blind.first - 0.005
    assert found.error <= blind.error + 0.005
    assert foreseen.wet < 0 < foreseen.fair
    assert foreseen.missing < foreseen.added < -0.01
