"""Running dbt on the world's Postgres, in this process, with its artifacts under HOME."""

import os
from datetime import date
from typing import Any

from habitlake.errors import PermanentError
from habitlake.runtime import postgres
from habitlake.settings import PROJECT_ROOT, Settings

PROJECT = PROJECT_ROOT / "dbt"


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that dbt's profile reads."""
    values = postgres.parameters("habitlake", settings)
    return {
        "DBT_HOST": str(values["host"]),
        "DBT_PORT": str(values["port"]),
        "DBT_USER": values["user"],
        "DBT_ENV_SECRET_PASSWORD": values["password"] or "none",
        "DBT_DATABASE": values["dbname"],
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_TARGET_PATH": str(settings.home / "dbt" / "target"),
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
    }


def run_dbt(arguments: list[str], settings: Settings) -> Any:
    """Run a dbt command.

    Raises
    ------
    PermanentError
        If a model or test failed; the message names each with the reason.
    """
    os.environ.update(environment(settings))
    from dbt.cli.main import dbtRunner

    flags = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    outcome = dbtRunner().invoke(["--quiet", "--no-use-colors", "--log-level-file", "warn", *arguments, *flags])
    if outcome.success:
        return outcome.result
    if outcome.exception is not None:
        msg = f"dbt {arguments[0]} could not run: {outcome.exception}"
        raise PermanentError(msg) from outcome.exception
    failed = [result for result in outcome.result if str(result.status) in ("error", "fail", "runtime error")]
    problems = "\n".join(f"  {result.node.unique_id}: {' '.join(str(result.message).split())}" for result in failed)
    msg = f"dbt {arguments[0]} failed on {len(failed)} nodes:\n{problems}"
    raise PermanentError(msg)


def build(nights: list[date], settings: Settings, *, full_refresh: bool) -> int:
    """Build and test all marts, recomputing incremental ones for what the nights touched; return the nodes run.

    Unit tests are left to ``make test``: they depend on the code and not on the night.
    """
    variables = "{" + f"nights: [{', '.join(repr(str(night)) for night in nights)}]" + "}"
    arguments = ["build", "--vars", variables, "--exclude", "test_type:unit"]
    return len(run_dbt([*arguments, "--full-refresh"] if full_refresh else arguments, settings).results)
