"""The orders in which nights can be run, and what the ledger must say of each."""

from datetime import date

from habitlake.clock import Interval
from habitlake.nights.staleness import (
    FIRST_LINK,
    ProcessedNight,
    fingerprint,
    links_of,
    pending_nights,
    repair_interval,
    stale_nights,
)
from habitlake.storage import StoredFile

EMPTY = fingerprint([])
DAYS = [date(2026, 1, day) for day in range(1, 6)]
LANDING = {day: fingerprint([StoredFile("a.jsonl", "a", index + 1, 0)]) for index, day in enumerate(DAYS[:3])}


class Ledger:
    """The ledger as ``open_nights`` and ``close_nights`` keep it."""

    def __init__(self):
        self.rows: dict[date, ProcessedNight] = {}

    def run(self, first, last=None, *, landing=LANDING, done=True):
        interval = Interval(first, last or first)
        before = [night for night, row in self.rows.items() if row.done and night < first]
        previous = self.rows[max(before)].link if before else FIRST_LINK
        for night, own in links_of(interval, landing, previous, EMPTY).items():
            self.rows[night] = ProcessedNight(night, landing.get(night, EMPTY), own, done)

    def stale(self, landing=LANDING):
        return [night.batch_date for night in stale_nights(self.rows, landing)]


def test_straight_runs_are_fresh_as_loop_and_as_range():
    loop, whole = Ledger(), Ledger()
    for day in DAYS[:3]:
        loop.run(day)
    whole.run(DAYS[0], DAYS[2])
    assert loop.rows == whole.rows
    assert loop.stale() == []


def test_rerunning_an_old_night_on_the_same_files_makes_nothing_stale():
    ledger = Ledger()
    ledger.run(DAYS[0], DAYS[2])
    ledger.run(DAYS[0])
    assert ledger.stale() == []


def test_order_one_three_two_asks_for_night_three():
    ledger = Ledger()
    for day in (DAYS[0], DAYS[2]):
        ledger.run(day)
    assert ledger.stale() == [DAYS[1], DAYS[2]]
    ledger.run(DAYS[1])
    assert ledger.stale() == [DAYS[2]]
    assert repair_interval(stale_nights(ledger.rows, LANDING), ledger.rows) == Interval(DAYS[2], DAYS[2])
    ledger.run(DAYS[2])
    assert ledger.stale() == []


def test_a_late_file_makes_its_night_and_all_later_ones_stale():
    ledger = Ledger()
    ledger.run(DAYS[0], DAYS[2])
    late = {**LANDING, DAYS[1]: fingerprint([StoredFile("late.jsonl", "late", 9, 0)])}
    assert ledger.stale(late) == DAYS[1:3]
    ledger.run(DAYS[1], DAYS[2], landing=late)
    assert ledger.stale(late) == []


def test_a_night_that_did_not_end_well_is_stale_unless_it_is_the_newest():
    ledger = Ledger()
    ledger.run(DAYS[0], DAYS[2])
    ledger.run(DAYS[1], done=False)
    assert DAYS[1] in ledger.stale()
    newest = Ledger()
    newest.run(DAYS[0])
    newest.run(DAYS[1], done=False)
    assert newest.stale() == []
    assert pending_nights(newest.rows, LANDING) == DAYS[1:3]


def test_fingerprint_ignores_listing_order_and_sees_sizes():
    files = [StoredFile("a", "a", 1, 5), StoredFile("b", "b", 2, 5)]
    assert fingerprint(files) == fingerprint(files[::-1])
    assert fingerprint(files) != fingerprint([files[0], StoredFile("b", "b", 3, 5)])
