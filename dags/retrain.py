"""
### retrain: better models, or the reasons why not

**Purpose** Build the point-in-time training set once for all models, train each model's candidates, evaluate them
beside the baselines, and promote the best only if it beats the champion and every naive baseline. A model that is
refused stops no other.

**Type** *interval*: asks at 04:00 UTC whether retraining is due (a week has passed, or the night's health raised an
alarm), and then takes the 90 days that ended; else its tasks are skipped. Run by hand it does not ask; `start` and
`end` (params) choose other nights.

**Owner** data-platform. **Tier** 2: the champion stays in force while this DAG is down.

**Rerun rule** Clear it freely: same nights and seed give the same models. A refused model is no failure.

**Triage** docs/runbooks/model_refused.md; `habitlake models` shows the record of the decision.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from common.jobs import DEFAULT_ARGS, JobOperator, Tag

LOOK_BACK = {
    "start": "{{ params.start or macros.ds_add(data_interval_end | ds, -90) }}",
    "end": "{{ params.end or macros.ds_add(data_interval_end | ds, -1) }}",
}
# The health of last night's models is known by then; the look-back is the same whenever it is due.
WHEN = "{{ '--if-due' if dag_run.run_type == 'scheduled' else '--anyway' }}"

with DAG(
    dag_id="retrain",
    description="Train, evaluate, promote or refuse",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=[Tag.TIER_2, Tag.MODELS],
    params={
        "start": Param(None, type=["null", "string"], format="date", description="first night of the training nights"),
        "end": Param(None, type=["null", "string"], format="date", description="last night known to training"),
    },
) as dag:
    build_dataset = JobOperator(
        task_id="build_dataset", module="models.lifecycle.dataset", arguments=[WHEN], **LOOK_BACK
    )
    train = JobOperator(task_id="train", module="models.lifecycle.train", **LOOK_BACK)
    evaluate = JobOperator(task_id="evaluate", module="models.lifecycle.evaluate", **LOOK_BACK)
    promote = JobOperator(task_id="promote", module="models.lifecycle.promote", **LOOK_BACK)

    build_dataset >> train >> evaluate >> promote
