"""The windows of people: what adds to the log-odds of each hour of the next dates, and the best three of a date.

log-odds = usual + recent + weekday + part_of_day + weather + energy + stress. ``usual`` is the person's day in fair
weather, averaged over weekdays and over the parts of the day that the person uses; every other term is what this window
adds to it, so the terms add up to the score. What is not sure of a person draws all terms towards even odds. The
probability is that of a session on the date if it is meant for that hour.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.windows.body import expected
from models.windows.config import CONFIG, FACTORS, HOURS, PART_NAMES, PARTS, QUALITIES
from models.windows.effects import Floats, person_effects, rounded, sigmoid
from models.windows.inputs import People, weekdays_of
from models.windows.population import (
    Days,
    Population,
    band_design,
    day_design,
    days_by_weekday,
    part_design,
    surprises,
    weekday_effects,
)
from models.windows.weather import Weather

Z_90 = 1.644854
PART_OF_HOUR = np.array([number for number, hours in enumerate(PARTS.values()) for _ in hours])
# Less than a millionth: of equal hours the one nearest to the usual hour is taken.
TIE = 1e-8
WEATHER = FACTORS.index("weather")


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of people, arrays of (people, dates, ranks), the best first.

    ``terms`` are (people, dates, ranks, factors) in the order of ``FACTORS``. ``planned`` says whether a workout is
    planned for the date; ``kept`` and ``weekday_days`` count the days kept free among the observed ones of the weekday.
    ``forecast`` is the row of ``said`` with what was forecast of the hour, -1 without a forecast. By person alone are the
    means of the reports, how likely the weather usually is not fair, and ``quality``, an index of ``QUALITIES``.
    """

    hour: NDArray[np.int64]
    part: NDArray[np.int64]
    probability: Floats
    low: Floats
    high: Floats
    conflict: Floats
    weather_effect: Floats
    energy: Floats
    stress: Floats
    mean_energy: Floats
    mean_stress: Floats
    terms: Floats
    attempts: Floats
    completed: Floats
    planned: NDArray[np.bool_]
    kept: Floats
    weekday_days: Floats
    forecast: NDArray[np.int64]
    said: pl.DataFrame
    bad_weather: Floats
    quality: NDArray[np.int64]


def _towards(count: Floats, days: Floats, shares: Floats, people: People) -> Floats:
    """Return shares of days by weekday, drawn towards those of people who state the same of a weekday."""
    prior = shares[people.available]
    return np.asarray((count + CONFIG.weekday_days * prior) / (days + CONFIG.weekday_days))


def part_terms(people: People, population: Population) -> tuple[Floats, Floats]:
    """Return what each part of the day adds to the person's usual odds, (people, parts), and its variance.

    Of the days on which a person means to train in part k a share p_k becomes sessions, so the k's share f_k of the sessions
    over p_k tells the use of the part, and the usual p is the harmonic mean of the p_k with weights f_k. In odds this is
    closed: what the parts add is exp(e_k) times the sum of f_j exp(-e_j), whatever the usual odds are. Attempts would not
    do as weights: of days without a plan only those with a session leave one.
    """
    offset = part_design(people.prefers) @ population.part.fixed
    found = person_effects(people.part_completed, people.part_attempts, offset, population.part)
    effects = offset + found.levels
    prior = np.where(people.prefers, population.usage[1], population.usage[0])
    use = people.part_completed + CONFIG.usage_sessions * prior / prior.sum(axis=1, keepdims=True)
    pull = use * np.exp(-effects)
    weight = pull / pull.sum(axis=1, keepdims=True)
    variance = found.level_variances
    shared = (weight**2 * variance).sum(axis=1, keepdims=True)
    added = effects + np.log(pull.sum(axis=1, keepdims=True) / use.sum(axis=1, keepdims=True))
    return added, (1 - 2 * weight) * variance + shared


def weather_terms(people: People, population: Population, usual: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Return what the usual weather adds to fair weather, (people), and what the expected one does, (people, dates, hours).

    Parameters
    ----------
    usual, expected
        How likely each band is for each person: (people, bands) and (people, dates, hours, bands).
    """
    offset = band_design(len(people.users)) @ population.band.fixed
    found = person_effects(people.band_completed, people.band_attempts, offset, population.band)
    effects = offset + found.levels
    beside_fair = effects - effects[:, :1]
    return (usual * beside_fair).sum(axis=1), np.einsum("pdhb,pb->pdh", expected, beside_fair)


def input_quality(people: People, days: Days) -> NDArray[np.int64]:
    """Return the index in ``QUALITIES`` of how much of each person was observed.

    population: nothing, the window is that of people who state the same. thin: fewer than seven observed days of 30, or
    fewer than three attempts by part of the day. partial: no report of energy or none of stress, or neither a preferred
    time nor a schedule stated.
    """
    observed, attempts = days.observed.sum(axis=1), people.part_attempts.sum(axis=1)
    unreported = np.isnan(people.energy).all(axis=1) | np.isnan(people.stress).all(axis=1)
    unstated = ~people.prefers.any(axis=1) & (people.available == 0).all(axis=1)
    return np.select(
        [
            (observed == 0) & (attempts == 0),
            (observed < CONFIG.min_observed_days) | (attempts < CONFIG.min_attempts),
            unreported | unstated,
        ],
        [QUALITIES.index("population"), QUALITIES.index("thin"), QUALITIES.index("partial")],
        default=QUALITIES.index("complete"),
    )


@dataclass(frozen=True, slots=True)
class _DayTerms:
    """What depends on the date: log-odds (people), (people, dates) and (people, dates, hours), variance and conflict."""

    usual: Floats
    recent: Floats
    weekday: Floats
    variance: Floats
    conflict: Floats


def _day_terms(
    people: People, population: Population, days: Days, weekday: NDArray[np.int64], ahead: NDArray[np.int64]
) -> _DayTerms:
    """Return the person's usual day, how it went lately, and what the weekdays of the dates add."""
    plan = _towards(days.planned, days.observed, population.plan_share, people)
    kept = _towards(days.kept, days.observed, population.kept_share, people)
    observed_plan = np.divide(days.planned, days.observed, out=plan.copy(), where=days.observed > 0)
    by_weekday, found = weekday_effects(day_design(observed_plan), days, population.day)
    stated = np.take_along_axis(people.stated_hours, weekday[:, :, None], axis=1)
    # A plan for the date is sure; an hour outside the stated ones is as on a weekday without a plan.
    planned = people.planned_ahead[:, :, None]
    plan_at = np.where(planned, 1.0, np.take_along_axis(plan, weekday, axis=1)[:, :, None]) * stated
    kept_at = np.where(planned, 1.0, np.take_along_axis(kept, weekday, axis=1)[:, :, None]) * stated
    usual_plan = plan.mean(axis=1)
    intercept, of_plan = population.day.fixed[:2]
    of_weekday = np.concatenate([[0.0], population.day.fixed[2:]])
    added = of_weekday[weekday] - of_weekday.mean() + np.take_along_axis(found.levels, weekday, axis=1)
    surprise = surprises(people, np.take_along_axis(by_weekday, people.weekdays, axis=1))[:, -1:]
    _, _, of_surprise, of_month = population.slopes
    return _DayTerms(
        usual=intercept + of_weekday.mean() + of_plan * usual_plan + found.person,
        # The month's trend is taken to today and no further.
        recent=of_surprise * surprise * CONFIG.surprise_memory ** (ahead - 1) + of_month / 2,
        weekday=of_plan * (plan_at - usual_plan[:, None, None]) + added[:, :, None],
        variance=found.person_variances[:, None] + np.take_along_axis(found.level_variances, weekday, axis=1),
        conflict=1 - kept_at,
    )


def score_windows(people: People, population: Population, weather: Weather) -> Windows:
    """Return the best windows of each of the next dates: one hour of each part of the day, the most likely parts."""
    days, dates = days_by_weekday(people), np.arange(CONFIG.days_ahead)
    ahead = people.first_date[:, None] + dates - people.as_of[:, None]
    weekday = weekdays_of(people.first_date[:, None] + dates)
    shape = (len(people.users), CONFIG.days_ahead, len(HOURS))
    day = _day_terms(people, population, days, weekday, ahead)
    part, part_variance = part_terms(people, population)
    zone = weather.zones_of(people.zone)
    usual_weather, expected_weather = weather_terms(people, population, weather.usual[zone], weather.expected[zone])
    energy, energy_mean = expected(people.energy, population.energy, ahead)
    stress, stress_mean = expected(people.stress, population.stress, ahead)
    by_factor = {
        # The person's usual days had the zone's usual weather.
        "usual": (day.usual - usual_weather)[:, None, None],
        "recent": day.recent[:, :, None],
        "weekday": day.weekday,
        "part_of_day": part[:, None, PART_OF_HOUR],
        "weather": expected_weather,
        "energy": population.slopes[0] * (energy - energy_mean[:, None])[:, :, None],
        "stress": population.slopes[1] * (stress - stress_mean[:, None])[:, :, None],
    }
    variance = day.variance[:, :, None] + part_variance[:, None, PART_OF_HOUR]
    # The mean of the probability lies nearer to one half than the probability at the mean (MacKay 1992).
    moderation = 1 / np.sqrt(1 + np.pi / 8 * variance)
    # Rounded first, so that the terms as written add up to the score.
    terms = rounded(np.stack([moderation * by_factor[name] for name in FACTORS], axis=3))
    eta = terms.sum(axis=3)
    spread = Z_90 * np.sqrt(variance)
    probability = rounded(sigmoid(eta))
    usual_hour = np.where(np.isnan(people.usual_hour), population.usual_hour, people.usual_hour)
    distance = np.abs(np.array(HOURS) - np.floor(usual_hour)[:, PART_OF_HOUR])
    best = _best_hours(probability - TIE * distance[:, None, :])

    def chosen(values: Floats) -> Floats:
        return np.asarray(np.take_along_axis(np.broadcast_to(values, shape), best, axis=2))

    picked, likely = np.take_along_axis(terms, best[..., None], axis=2), chosen(probability)
    rows, own_part = np.arange(shape[0])[:, None, None], PART_OF_HOUR[best]
    return Windows(
        hour=np.array(HOURS)[best],
        part=own_part,
        probability=likely,
        low=rounded(np.minimum(sigmoid(chosen(eta / moderation - spread)), likely)),
        high=rounded(np.maximum(sigmoid(chosen(eta / moderation + spread)), likely)),
        conflict=rounded(chosen(day.conflict)),
        weather_effect=rounded(likely - sigmoid(picked.sum(axis=3) - picked[..., WEATHER])),
        energy=rounded(chosen(energy[:, :, None])),
        stress=rounded(chosen(stress[:, :, None])),
        mean_energy=rounded(energy_mean),
        mean_stress=rounded(stress_mean),
        terms=picked,
        attempts=people.part_attempts[rows, own_part],
        completed=people.part_completed[rows, own_part],
        planned=np.broadcast_to(people.planned_ahead[:, :, None], best.shape),
        kept=np.broadcast_to(days.kept[rows, weekday[:, :, None]], best.shape),
        weekday_days=np.broadcast_to(days.observed[rows, weekday[:, :, None]], best.shape),
        forecast=np.take_along_axis(np.broadcast_to(weather.forecast[zone], shape), best, axis=2),
        said=weather.said,
        bad_weather=rounded(1 - weather.usual[zone, 0]),
        quality=input_quality(people, days),
    )


def _best_hours(score: Floats) -> NDArray[np.int64]:
    """Return the indices in ``HOURS`` of the best windows of (people, dates): the best hour of each of the best parts."""
    starts = np.searchsorted(PART_OF_HOUR, np.arange(len(PART_NAMES)))
    of_part = np.stack(
        [start + score[:, :, part == PART_OF_HOUR].argmax(axis=2) for part, start in enumerate(starts)], axis=2
    )
    order = np.argsort(-np.take_along_axis(score, of_part, axis=2), axis=2, kind="stable")[:, :, : CONFIG.ranks]
    return np.take_along_axis(of_part, order, axis=2)
