"""
### nightly: from what arrived yesterday to tonight's intervention queue

**Purpose** Ingest a night's landing partition, check it, build features, score, decide, publish the queue,
materialize features online, build the analysts' marts and write the night's page.

**Type** *interval*: 02:00 UTC, one night = the UTC date that ended; `start` and `end` (params) run a range.

**Owner** data-platform. **Tier** 1: the app shows fallback decisions while this DAG is down.

**Rerun rule** Clear any task or the whole run, as often as you like: each task replaces the partitions of its
nights. To backfill, trigger with `start` and `end`. Rerun later nights when `habitlake status` calls them stale
(`habitlake repair`).

**Triage** The failed task's log ends with one clear line. `check_*` failed: docs/runbooks/gate_failed.md.
Anything else: docs/runbooks/night_failed.md.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG, Param, TriggerRule
from airflow.timetables.interval import CronDataIntervalTimetable

from common.jobs import DEFAULT_ARGS, JobOperator, Tag, record_failure

with DAG(
    dag_id="nightly",
    description="Landing to queue: one real night, end to end",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "on_failure_callback": record_failure},
    tags=[Tag.TIER_1, Tag.PLATFORM],
    params={
        "start": Param(None, type=["null", "string"], format="date", description="first night; empty: the interval's"),
        "end": Param(None, type=["null", "string"], format="date", description="last night; empty: the same night"),
    },
) as dag:
    open_night = JobOperator(task_id="open_night", module="habitlake.nights", arguments=["open"])
    ingest = JobOperator(task_id="ingest", module="spark_jobs.ingest.run", pool="spark")
    check_silver = JobOperator(task_id="check_silver", module="expectations.run", arguments=["--gate", "silver"])
    build_features = JobOperator(task_id="build_features", module="spark_jobs.features.run", pool="spark")
    check_gold = JobOperator(task_id="check_gold", module="expectations.run", arguments=["--gate", "gold"])
    score = JobOperator(task_id="score", module="models.lifecycle.score")
    score_windows = JobOperator(task_id="score_windows", module="models.windows.score")
    # Predictions and windows that could not be scored keep no feature from the app.
    materialize = JobOperator(
        task_id="materialize",
        module="feature_repo.materialize",
        pool="feast_writer",
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
    )
    decide = JobOperator(task_id="decide", module="interventions.decide")
    check_queue = JobOperator(task_id="check_queue", module="expectations.run", arguments=["--gate", "queue"])
    publish_queue = JobOperator(task_id="publish_queue", module="interventions.publish")
    # Analysts get the night's facts and features also when nothing could be decided or published.
    build_marts = JobOperator(
        task_id="build_marts",
        module="spark_jobs.export.run",
        pool="dbt",
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
    )
    write_report = JobOperator(task_id="write_report", module="habitlake.report")
    close_night = JobOperator(task_id="close_night", module="habitlake.nights", arguments=["close"])

    open_night >> ingest >> check_silver >> build_features >> check_gold >> [score, score_windows]
    score >> decide
    [check_gold, score, score_windows] >> materialize
    [decide, score_windows] >> check_queue >> publish_queue
    [check_gold, publish_queue] >> build_marts
    [build_marts, materialize] >> write_report
    [publish_queue, write_report] >> close_night
