"""The goal model's estimate and plan as mixed integer programs for HiGHS (scipy.optimize.milp).

The peer of ``interventions.goals`` in tests and figures: the same points, priors and dynamics, in linear rows. b is
u_b, q is p / 2, m is gain / 2, all in the units of the priors.
"""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from interventions.goals.estimate import GAIN_PRIOR, RESPONSIVENESS_PRIOR, baseline_points, noise_scale
from interventions.goals.model import DECAY, TOLERANCE, Floats

LARGE = 40.0
UPPER_HALF_GAIN = max(GAIN_PRIOR) / 2
TOLERANCES = {"mip_rel_gap": 0.0}


class Program:
    """A mixed integer program under construction: variables by name, rows as dictionaries."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.integer: list[int] = []
        self.cost: list[float] = []
        self.rows: list[tuple[Mapping[str, float], float, float]] = []

    def variable(self, name: str, upper: float, *, integer: bool = False, cost: float = 0.0) -> str:
        """Add a variable between 0 and ``upper``; return its name."""
        self.names[name] = len(self.names)
        self.lower.append(0.0)
        self.upper.append(upper)
        self.integer.append(int(integer))
        self.cost.append(cost)
        return name

    def at_most(self, bound: float, **terms: float) -> None:
        """Add the row: sum of terms <= bound."""
        self.rows.append((terms, -np.inf, bound))

    def equal(self, value: float, **terms: float) -> None:
        """Add the row: sum of terms = value."""
        self.rows.append((terms, value, value))

    def solve(self, seconds: float) -> tuple[float, dict[str, float], bool]:
        """Return the objective, the values, and whether HiGHS proved them optimal in the time given."""
        entries = [
            (row, self.names[name], value)
            for row, (terms, _, _) in enumerate(self.rows)
            for name, value in terms.items()
        ]
        rows, columns, values = zip(*entries, strict=True)
        matrix = csr_array((values, (rows, columns)), shape=(len(self.rows), len(self.names)))
        found = milp(
            np.array(self.cost),
            integrality=np.array(self.integer),
            bounds=Bounds(np.array(self.lower), np.array(self.upper)),
            constraints=LinearConstraint(matrix, [low for _, low, _ in self.rows], [high for _, _, high in self.rows]),
            options={"time_limit": seconds, **TOLERANCES},
        )
        return float(found.fun), {name: float(found.x[index]) for name, index in self.names.items()}, found.status == 0


def _period(program: Program, period: int, goal: float | str | None) -> None:
    """Add one period: r = min(max(goal - b, 0), q), the answer above the baseline, and q of the next period.

    ``goal`` is a number, the name of a variable, or None. ``met`` is goal - b <= q, ``below`` is goal <= b.
    """
    q, r, met, below = f"q{period}", f"r{period}", f"met{period}", f"below{period}"
    fed, following = program.variable(f"fed{period}", UPPER_HALF_GAIN), f"q{period + 1}"
    if q not in program.names:
        program.variable(q, LARGE)
    program.variable(r, LARGE)
    program.variable(met, 1.0 if goal is not None else 0.0, integer=True)
    if goal is None:
        program.equal(0.0, **{r: 1.0})
    else:
        program.variable(below, 1.0, integer=True)
        # The goal on the left side (a variable) or on the right (a number), with its sign.
        left, value = ({goal: 1.0}, 0.0) if isinstance(goal, str) else ({}, goal)
        minus = dict.fromkeys(left, -1.0)
        program.at_most(0.0, **{r: 1.0, q: -1.0})
        program.at_most(LARGE - value + TOLERANCE, b=-1.0, **left, **{q: -1.0, met: LARGE})
        program.at_most(value - TOLERANCE, b=1.0, **minus, **{q: 1.0, met: -LARGE})
        program.at_most(0.0, **{below: 1.0, met: -1.0})
        program.at_most(LARGE - value, b=-1.0, **left, **{below: LARGE})
        program.at_most(value, b=1.0, **minus, **{below: -LARGE})
        program.at_most(LARGE, **{r: 1.0, below: LARGE})
        program.at_most(value + LARGE, b=1.0, **minus, **{r: 1.0, below: -LARGE, met: LARGE})
        program.at_most(LARGE - value, b=-1.0, **left, **{r: -1.0, met: LARGE})
        program.at_most(0.0, **{q: 1.0, r: -1.0, met: -LARGE})
    program.at_most(0.0, m=-1.0, **{fed: 1.0})
    program.at_most(0.0, **{fed: 1.0, met: -UPPER_HALF_GAIN})
    program.at_most(UPPER_HALF_GAIN, m=1.0, **{fed: -1.0, met: UPPER_HALF_GAIN})
    program.variable(following, LARGE)
    program.equal(0.0, **{following: 1.0, q: -DECAY, fed: -1.0})


def _point(program: Program, name: str, points: Mapping[float, float]) -> None:
    """Add a variable that is one of the points; each point has its cost."""
    program.variable(name, LARGE)
    choices = [
        program.variable(f"{name}_{index}", 1.0, integer=True, cost=cost) for index, cost in enumerate(points.values())
    ]
    program.equal(1.0, **dict.fromkeys(choices, 1.0))
    program.equal(0.0, **{name: -1.0}, **dict(zip(choices, points, strict=True)))


def estimate(amounts: Floats, goals: Floats, seconds: float = 60.0) -> tuple[float, bool]:
    """Return one person's least minus log posterior, and whether it was proved to be; arrays over periods."""
    noise = float(noise_scale(amounts[None])[0])
    program = Program()
    _point(program, "b", dict.fromkeys(baseline_points(amounts[None], np.array([noise]))[0].tolist(), 0.0))
    for name, prior in (("q0", RESPONSIVENESS_PRIOR), ("m", GAIN_PRIOR)):
        _point(program, name, {value / 2: -float(np.log(share)) for value, share in prior.items()})
    for period, (amount, goal) in enumerate(zip(amounts, goals, strict=True)):
        _period(program, period, None if np.isnan(goal) else float(goal))
        if not np.isnan(amount):
            error = program.variable(f"e{period}", LARGE, cost=1.0 / noise)
            program.at_most(-amount, b=-1.0, **{f"r{period}": -1.0, error: -1.0})
            program.at_most(amount, b=1.0, **{f"r{period}": 1.0, error: -1.0})
    objective, _, proved = program.solve(seconds)
    return objective, proved


def plan(baseline: float, responsiveness: float, gain: float, periods: int, seconds: float = 60.0) -> float:
    """Return the greatest sum of amounts that any goals can bring a person to over some periods."""
    program = Program()
    for name, value in (("b", baseline), ("q0", responsiveness / 2), ("m", gain / 2)):
        program.variable(name, LARGE)
        program.equal(value, **{name: 1.0})
    for period in range(periods):
        goal = program.variable(f"g{period}", LARGE)
        _period(program, period, goal)
        program.cost[program.names[f"r{period}"]] = -1.0
    objective, _, _ = program.solve(seconds)
    return periods * baseline - objective
