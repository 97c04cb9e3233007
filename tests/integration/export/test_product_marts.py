"""Marts of interventions, product and quality on a real server: by hand, and by the code that trains."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import scan_table
from models.adherence.config import SPEC
from models.lifecycle import metrics
from models.lifecycle.dataset import labelled
from models.lifecycle.outcomes import MEASURES, outcomes
from tests.integration.export.product import write_product
from tests.integration.export.rows import audit, night, user_day, write

PEOPLE = [f"u{number:02d}" for number in range(12)]


@pytest.fixture
def weeks(world, export):
    """Sunday 4 to Tuesday 27 January: each person plans every other day and does every third or so."""
    days = [
        user_day(day, user, day, workouts_planned=int((day + number) % 2 == 0 and number < 9),
                 workouts_completed=int(day * (number + 2) % 3 == 0), app_visits=1, steps_count=1)
        for day in range(4, 28)
        for number, user in enumerate(PEOPLE)
    ]  # fmt: skip
    write(world, "gold.user_day", days, 4, 27)
    write(world, "silver.batch_audit", [audit(day, 100, 98, 1, {"missing_field": 1}) for day in range(4, 28)], 4, 27)
    write_product(world, PEOPLE, 4, 27)
    export(4, 27)
    return world


def realised_figures_are_those_of_training(weeks, query):
    """Of the label and the metrics of models.lifecycle."""
    interval = Interval(night(4), night(27))
    snapshots = scan_table("gold.user_features", weeks, interval).collect()
    days = scan_table("gold.user_day", weeks, interval).group_by("user_id", "local_date").agg(
        pl.col(MEASURES).sum()
    )  # fmt: skip
    predictions = scan_table("gold.predictions", weeks, interval).collect()
    for day, monday in ((4, 5), (11, 12), (18, 19)):
        followed = outcomes(snapshots.filter(pl.col("batch_date") == night(day)), days.collect())
        rows = labelled(followed, [SPEC], interval).join(predictions, on=["user_id", "batch_date"])
        label, score = rows[SPEC.label_column].to_numpy().astype(int), rows["probability"].to_numpy()
        assert 0 < label.sum() < len(label)
        [(people, auc, brier, accuracy, f1)] = query(
            "SELECT people, auc, brier, accuracy, f1 FROM marts.mart_model_performance WHERE week_start_date = %s",
            night(monday),
        )
        assert people == len(label)
        expected = [function(label, score) for function in (metrics.auc, metrics.brier, metrics.accuracy, metrics.f1)]
        assert [float(value) for value in (auc, brier, accuracy, f1)] == pytest.approx(expected, abs=5.1e-5)
    # The week of the 26th is not over.
    assert query("SELECT count(*) FROM marts.mart_model_performance") == [(3,)]


def scorecard_holds_every_indicator_of_each_complete_week(query):
    rows = query("SELECT week_start_date, kpi, value, n, status FROM marts.mart_kpi_scorecard ORDER BY 1, position")
    mondays = [night(5) - timedelta(days=7), night(5), night(12), night(19)]
    assert [row[:2] for row in rows[::16]] == [(monday, "model_accuracy") for monday in mondays]
    latest = {kpi: (value, n, status) for week, kpi, value, n, status in rows if week == night(19)}
    assert len(latest) == 16
    # 98 of 99 lines that were no duplicates, seven nights; 4 people of 12 use no personalised feature.
    assert latest["data_accuracy"] == (Decimal("0.9899"), 693, "met")
    assert latest["personalised_adoption"] == (Decimal("0.7500"), 12, "met")
    # Half of the 84 decisions are delivered, a third of those acted on.
    assert latest["positive_response"] == (Decimal("0.3333"), 42, "missed")
    assert latest["stars"] == (Decimal("4.0000"), 12, "missed")
    assert latest["uptime"] == (None, None, "not_measurable")


def test_weeks_by_hand_and_by_the_code_that_trains(weeks, query):
    realised_figures_are_those_of_training(weeks, query)
    scorecard_holds_every_indicator_of_each_complete_week(query)
