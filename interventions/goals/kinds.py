"""The kinds of goal: what is counted, the bounds that keep a goal kind, and the unit in which the model thinks."""

from dataclasses import dataclass

PERIODS = 8
PERIOD_DAYS = 7


@dataclass(frozen=True, slots=True)
class Kind:
    """A goal over seven local days, in the amounts that people see.

    Parameters
    ----------
    unit
        Amount that is one unit of the model's priors, about the size of one session a week.
    step
        Goals are multiples of it.
    floor, cap
        No goal asks less or more (an injury, or a week of unloading, may lower a goal below the floor).
    start
        First goal of someone of whom nothing is known; None where there is none without a measured amount.
    rise, fall
        Largest change from one goal to the next, as a share; a rise of one step is always possible. The rise counts from
        what is usual for the person where that is more than the last goal.
    """

    name: str
    unit: float
    step: float
    floor: float
    cap: float
    start: float | None
    rise: float
    fall: float


# Floors, caps and rates are own choices; ten per cent a week is the usual rule of thumb for a rise in training.
WEEKLY_SESSIONS = Kind("weekly_sessions", 1.0, 1.0, floor=1.0, cap=7.0, start=2.0, rise=0.1, fall=0.3)
WEEKLY_MINUTES = Kind("weekly_minutes", 45.0, 5.0, floor=20.0, cap=450.0, start=60.0, rise=0.1, fall=0.3)
# Mean of the days with a step count; asked only of those whose steps are counted.
DAILY_STEPS = Kind("daily_steps", 2_000.0, 250.0, floor=2_000.0, cap=15_000.0, start=None, rise=0.1, fall=0.3)
# Sessions first: what a week of unloading asks for in minutes rests on them.
KINDS = (WEEKLY_SESSIONS, WEEKLY_MINUTES, DAILY_STEPS)
