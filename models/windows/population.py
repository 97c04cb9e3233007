"""What the people of a night say together: the parameters that each person's windows are drawn towards."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.windows.body import Level, expected_from_day_before, fit_level
from models.windows.config import BANDS, CONFIG, PART_NAMES, PARTS, WEEKDAYS
from models.windows.effects import Effects, Floats, Prior, fit_prior, fit_slopes, person_effects, rounded, sigmoid
from models.windows.inputs import AVAILABLE, People

REFERENCE_PART = PART_NAMES.index("evening")


@dataclass(frozen=True, slots=True)
class Population:
    """The night's parameters.

    ``plan_share`` and ``kept_share`` are the shares of days with a plan, and with a plan or a session, of weekdays of
    which nothing is stated, that are stated as not available, and as available. ``usage`` are mean sessions in each part of
    the day of people who do not prefer it, and who do. ``slopes`` are log-odds per point of energy, per point of stress,
    per surprise (``surprises``) and per length of the sequence.
    """

    people: int
    day: Prior
    part: Prior
    band: Prior
    plan_share: Floats
    kept_share: Floats
    usage: Floats
    energy: Level
    stress: Level
    slopes: Floats
    usual_hour: Floats


@dataclass(frozen=True, slots=True)
class Days:
    """Days of each weekday, (people, weekdays): observed ones, those with a session, with a plan, and with either."""

    observed: Floats
    sessions: Floats
    planned: Floats
    kept: Floats


def days_by_weekday(people: People) -> Days:
    """Count the observed days; a day without any sign of use is unknown and no miss."""
    weekdays = people.weekdays
    planned, sessions = people.planned & people.observed, people.sessions & people.observed
    sums = [
        np.stack([(flag & (weekdays == number)).sum(axis=1) for number in range(len(WEEKDAYS))], axis=1).astype(
            np.float64
        )
        for flag in (people.observed, sessions, planned, planned | sessions)
    ]
    return Days(*sums)


def day_design(plan: Floats) -> Floats:
    """Return the columns of the day's regression, (people, weekdays, columns): intercept, plan, Tuesday to Sunday."""
    shape = plan.shape
    ones = np.ones((*shape, 1))
    dummies = np.broadcast_to(np.eye(shape[1])[:, 1:], (*shape, shape[1] - 1))
    return np.concatenate([ones, plan[..., None], dummies], axis=2)


def part_design(prefers: NDArray[np.bool_]) -> Floats:
    """Return the columns of the regression on parts of the day: intercept, preferred, and each part but the evening."""
    shape = prefers.shape
    dummies = np.delete(np.eye(shape[1]), REFERENCE_PART, axis=1)
    return np.concatenate(
        [
            np.ones((*shape, 1)),
            prefers.astype(np.float64)[..., None],
            np.broadcast_to(dummies, (*shape, shape[1] - 1)),
        ],
        axis=2,
    )


def band_design(people: int) -> Floats:
    """Return the columns of the regression on weather: intercept, and each band but fair."""
    count = len(BANDS)
    columns = np.concatenate([np.ones((count, 1)), np.eye(count)[:, 1:]], axis=1)
    return np.asarray(np.broadcast_to(columns, (people, count, count)))


def _share_by_statement(part: Floats, whole: Floats, available: NDArray[np.int64]) -> Floats:
    """Return the shares of days by what is stated of their weekday; without any such day, half of them."""
    shares = [
        (part[available == stated].sum() + 0.5) / (whole[available == stated].sum() + 1)
        for stated in range(AVAILABLE + 1)
    ]
    return rounded(np.array(shares))


def fit_population(people: People) -> Population:
    """Estimate the night's parameters from its people.

    Below ``min_people`` people the fixed effects are zero (even odds, nothing matters) and the variances wide.
    """
    days, count = days_by_weekday(people), len(people.users)
    enough = count >= CONFIG.min_people
    plan = np.divide(days.planned, days.observed, out=np.zeros_like(days.planned), where=days.observed > 0)
    designs = day_design(plan), part_design(people.prefers), band_design(count)
    if enough:
        day = fit_prior(days.sessions, days.observed, designs[0], CONFIG.iterations)
        part = fit_prior(people.part_completed, people.part_attempts, designs[1], CONFIG.iterations)
        band = fit_prior(people.band_completed, people.band_attempts, designs[2], CONFIG.iterations)
    else:
        day, part, band = (Prior(np.zeros(design.shape[2]), 1.0, 0.25) for design in designs)
    energy, stress = fit_level(people.energy), fit_level(people.stress)
    slopes = np.zeros(4)
    if enough:
        usual = np.take_along_axis(weekday_effects(designs[0], days, day)[0], people.weekdays, axis=1)
        length = people.sessions.shape[1]
        regressors = np.stack(
            [
                expected_from_day_before(people.energy, energy),
                expected_from_day_before(people.stress, stress),
                surprises(people, usual)[:, :-1],
                np.broadcast_to((np.arange(length) + 0.5) / length - 0.5, people.sessions.shape),
            ]
        )
        slopes = fit_slopes(people.sessions.astype(np.float64), people.observed, usual, regressors, CONFIG.slope_sd)
    return Population(
        people=count,
        day=day,
        part=part,
        band=band,
        plan_share=_share_by_statement(days.planned, days.observed, people.available),
        kept_share=_share_by_statement(days.kept, days.observed, people.available),
        usage=_usage(people),
        energy=energy,
        stress=stress,
        slopes=slopes,
        usual_hour=_usual_hours(people.usual_hour),
    )


def _usage(people: People) -> Floats:
    """Return mean completed sessions by (preferred or not, part of the day)."""
    groups = [people.prefers == preferred for preferred in (False, True)]
    return rounded(
        np.array(
            [
                (np.where(group, people.part_completed, 0.0).sum(axis=0) + 1) / (group.sum(axis=0) + 1)
                for group in groups
            ]
        )
    )


def weekday_effects(design: Floats, days: Days, prior: Prior) -> tuple[Floats, Effects]:
    """Return each person's log-odds of a session by weekday, and the effects they are made of."""
    offset = design @ prior.fixed
    found = person_effects(days.sessions, days.observed, offset, prior)
    return offset + found.person[:, None] + found.levels, found


def surprises(people: People, usual: Floats) -> Floats:
    """Return how far the days before each day, and before the one that follows, went better than usual, fading by the day.

    Parameters
    ----------
    usual
        Log-odds of a session on each day, (people, days).

    Returns
    -------
    Floats
        (people, days + 1): sums over the days before of memory ** (age - 1) * (session - usual probability); unobserved
        days surprise nobody.
    """
    found = np.where(people.observed, people.sessions - sigmoid(usual), 0.0)
    sums = np.zeros((found.shape[0], found.shape[1] + 1))
    for day in range(found.shape[1]):
        sums[:, day + 1] = CONFIG.surprise_memory * sums[:, day] + found[:, day]
    return sums


def _usual_hours(hours: Floats) -> Floats:
    """Return the mean of people's hours in each part of the day; the middle of a part that nobody uses."""
    known = ~np.isnan(hours)
    middles = np.array([sum(part) / len(part) + 0.5 for part in PARTS.values()])
    sums = np.where(known, hours, 0.0).sum(axis=0)
    return rounded(np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), middles))
