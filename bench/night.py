"""An empty night through the real DAG: what every task costs when nothing has arrived."""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.processes import run_command
from habitlake.landing import EVENTS, landed_nights, night_folder
from habitlake.runtime import postgres, stack
from habitlake.settings import Settings


@dataclass(frozen=True, slots=True)
class Night:
    """Seconds of the DAG run from its start to its end, and of each of its tasks (attempts included)."""

    seconds: float
    tasks: dict[str, float]


LAST_RUN = """
SELECT task.task_id, extract(epoch FROM task.end_date - task.start_date),
       extract(epoch FROM run.end_date - run.start_date)
FROM dag_run AS run JOIN task_instance AS task USING (dag_id, run_id)
WHERE run.id = (SELECT max(id) FROM dag_run WHERE dag_id = 'nightly')
ORDER BY task.start_date
"""


def measure(home: Path, people: int, nights: int) -> Night:
    """Make a world with so much history, then run a night on which not one event arrived.

    Raises
    ------
    PermanentError
        If a night fails.
    """
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    settings = Settings(home=home / "night", people=people, history_nights=nights, _env_file=None)  # type: ignore[call-arg]
    try:
        run_command(settings, "nightly")
        stack.ensure_services(settings)
        night = max(landed_nights(settings)) + timedelta(days=1)
        Path(night_folder(EVENTS, night, settings)).mkdir(parents=True)
        run_command(settings, "nightly", "--date", str(night))
        with postgres.connect("airflow", settings) as connection:
            rows = connection.execute(LAST_RUN).fetchall()
        return Night(float(rows[0][2]), {task: float(seconds or 0) for task, seconds, _ in rows})
    finally:
        run_command(settings, "down")
        shutil.rmtree(home / "night", ignore_errors=True)
