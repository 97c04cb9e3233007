"""Habit strength by recursion over days, and when it is expected to be automatic: arrays of people at once.

Strength grows by doing and fades otherwise; it is 0 before the first session:

- a session day: HS += GAIN * (1 - HS)
- a complete day with a plan and no session: HS -= MISS_DECAY * HS
- any other complete day: HS -= DECAY * HS

Why the constants are what they are: docs/adr/0011.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from habitlake.tables.features import MIN_SUPPORT

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# 95 % of the plateau after 66 daily repetitions (Lally 2010).
GAIN = 1 - 0.05 ** (1 / 66)
# "Agree somewhat", 5 on the 1 to 7 scale on which automaticity is reported (Gardner 2012): (5 - 1) / 6.
AUTOMATIC = 2 / 3
# With three sessions a week strength is automatic on day 66 (median of Lally 2010), with four after six and a half
# weeks (six in Kaushal and Rhodes 2015).
DECAY = 0.005
# One miss does not matter (Lally 2010): at the threshold one session makes good one miss.
MISS_DECAY = GAIN * (1 - AUTOMATIC) / AUTOMATIC

WORD_DAYS = 60
PACE_DAYS = 28
WEEK_DAYS = 7
# 80 % of the posterior of the pace lies between these quantiles.
LOW, HIGH = 0.1, 0.9
# Jeffreys prior of a share.
PRIOR = 0.5
# Further ahead a pace of four weeks says nothing.
HORIZON_DAYS = 730
NEVER = -1
_REST, _MISSED, _SESSION, _AHEAD = range(4)
_KEPT = np.array([1 - DECAY, 1 - MISS_DECAY, 1 - GAIN, 1.0])
_ADDED = np.array([0.0, 0.0, GAIN, 0.0])


@dataclass(frozen=True, slots=True)
class Days:
    """Days of people, oldest first: arrays of (people, days) and the number of the last complete day of each."""

    sessions: BoolArray
    planned: BoolArray
    last: IntArray

    @property
    def ages(self) -> IntArray:
        """Complete days before the last one; negative for a day that is not complete."""
        return self.last[:, None] - np.arange(self.sessions.shape[1])

    def recent(self, days: IntArray) -> tuple[IntArray, IntArray]:
        """Return session days, and days with a plan and no session, among the last ``days`` complete days."""
        inside = (self.ages >= 0) & (self.ages < days[:, None])
        return (self.sessions & inside).sum(axis=1), (self.planned & ~self.sessions & inside).sum(axis=1)


def unpack(words: IntArray, days: int) -> BoolArray:
    """Return bitmaps of ``WORD_DAYS`` bits a word, (people, words), as flags of (people, days); bit 0 comes first."""
    numbers = np.arange(days)
    return (words[:, numbers // WORD_DAYS] >> (numbers % WORD_DAYS) & 1).astype(np.bool_)


def trajectories(days: Days, start: FloatArray) -> FloatArray:
    """Return the strength at the end of each day, (people, days + 1), from the strength before the first day.

    The days are taken one by one, so that the result does not depend on where a history is cut.
    """
    kinds = np.where(days.sessions, _SESSION, np.where(days.planned, _MISSED, _REST))
    kinds[days.ages < 0] = _AHEAD
    kept, added = _KEPT[kinds], _ADDED[kinds]
    strength = np.empty((len(start), kinds.shape[1] + 1))
    strength[:, 0] = start
    for day in range(kinds.shape[1]):
        strength[:, day + 1] = strength[:, day] * kept[:, day] + added[:, day]
    return strength


def first_automatic(strength: FloatArray) -> IntArray:
    """Return the number of the first day at whose end strength was automatic, or ``NEVER``."""
    reached = strength[:, 1:] >= AUTOMATIC
    return np.where(reached.any(axis=1), reached.argmax(axis=1), NEVER)


def weekday_repetition(days: Days) -> FloatArray:
    """Return how far weeks repeat the weekdays of their neighbours: shared session days over all of both.

    Over the pairs of neighbouring 7-day weeks of the last four that both have a session: how often there is none is not
    its business. NaN without such a pair, and with fewer than ``MIN_SUPPORT`` session days.
    """
    weeks = []
    for week in range(PACE_DAYS // WEEK_DAYS):
        columns = days.last[:, None] - WEEK_DAYS * week - np.arange(WEEK_DAYS)
        met = np.take_along_axis(days.sessions, np.maximum(columns, 0), axis=1)
        weeks.append(met & (columns >= 0))
    shared, either = np.zeros(len(days.last)), np.zeros(len(days.last))
    for newer, older in pairwise(weeks):
        both = newer.any(axis=1) & older.any(axis=1)
        shared += both * (newer & older).sum(axis=1)
        either += both * (newer | older).sum(axis=1)
    enough = (sum(week.sum(axis=1) for week in weeks) >= MIN_SUPPORT) & (either > 0)
    return np.divide(shared, either, out=np.full(len(days.last), np.nan), where=enough)


@lru_cache(maxsize=1)
def _paces() -> FloatArray:
    """Return low, mean and high session share of days by (session days, days), from the posterior of a share."""
    done, known = np.meshgrid(np.arange(PACE_DAYS + 1), np.arange(PACE_DAYS + 1), indexing="ij")
    hits, misses = done + PRIOR, np.maximum(known - done, 0) + PRIOR
    return np.stack([betaincinv(hits, misses, LOW), hits / (hits + misses), betaincinv(hits, misses, HIGH)])


def days_until_automatic(
    strength: FloatArray, session_days: IntArray, missed_days: IntArray, days: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the days until strength is automatic: expected, at the fast and at the slow end of the recent pace.

    The expected recursion is linear in the strength, so its end and its speed give the day in closed form. NaN where
    the pace never gets there (within ``HORIZON_DAYS``), and where strength is automatic.

    Parameters
    ----------
    session_days, missed_days
        Session days, and days with a plan and no session, of the last ``days`` days (at most ``PACE_DAYS``).
    """
    low, mean, high = _paces()[:, session_days, days]
    others = days - session_days
    missed = np.divide(missed_days, others, out=np.zeros(len(strength)), where=others > 0)
    fading = missed * MISS_DECAY + (1 - missed) * DECAY

    def until(pace: FloatArray) -> FloatArray:
        speed = pace * GAIN + (1 - pace) * fading
        end = pace * GAIN / speed
        far = (strength < AUTOMATIC) & (end > AUTOMATIC)
        left = np.divide(end - AUTOMATIC, end - strength, out=np.ones(len(strength)), where=far)
        needed = np.ceil(np.log(left) / np.log1p(-speed))
        return np.where(far & (needed <= HORIZON_DAYS), needed, np.nan)

    return until(mean), until(high), until(low)
