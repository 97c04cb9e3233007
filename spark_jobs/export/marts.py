"""Running dbt on the world's Postgres, in this process, with its artifacts under HOME.

``python -m spark_jobs.export.marts <dbt arguments>``, such as ``docs generate``, ``source freshness`` or ``test``.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitlake.errors import PERMANENT_EXIT_CODE, TRANSIENT_EXIT_CODE, HabitlakeError, PermanentError, TransientError
from habitlake.log import get_logger
from habitlake.runtime import postgres
from habitlake.settings import PROJECT_ROOT, Settings, get_settings
from spark_jobs.export import changes

if TYPE_CHECKING:
    import psycopg

PROJECT = PROJECT_ROOT / "dbt"
# Unit tests depend on the code and full_history tests read whole tables: `make test` and --all-tests run them.
NOT_NIGHTLY = ("test_type:unit", "tag:full_history")
# Views and dimensions of fixed values hold no facts: they are made again only when the code or a table below changed.
WITHOUT_FACTS = ("config.materialized:view", "tag:fixed_values")
FAILED = ("error", "fail", "runtime error")


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that dbt's profile and project read."""
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


def run_dbt(arguments: Sequence[str], settings: Settings, project: Path = PROJECT) -> Any:
    """Run a dbt command and return its result.

    Raises
    ------
    PermanentError
        If a model or test failed; the message names each with the reason.
    """
    os.environ.update(environment(settings))
    from dbt.cli.main import dbtRunner

    flags = ["--project-dir", str(project), "--profiles-dir", str(project)]
    outcome = dbtRunner().invoke(["--quiet", "--no-use-colors", "--log-level-file", "warn", *arguments, *flags])
    if outcome.success:
        return outcome.result
    command = f"dbt {arguments[0]}"
    if outcome.exception is not None:
        msg = f"{command} could not run: {outcome.exception}"
        raise PermanentError(msg) from outcome.exception
    failed = [result for result in outcome.result.results if str(result.status) in FAILED]
    raise PermanentError(
        "\n".join(
            [f"{command} failed on {len(failed)} nodes; what depends on them was not built:", *map(_line, failed)]
        )
    )


def _line(result: Any) -> str:
    node = result.node
    reason = " ".join(str(result.message or f"status {result.status}").split())
    compiled = f" (SQL: {node.compiled_path})" if getattr(node, "compiled_path", None) else ""
    return f"  {node.resource_type} {node.name}: {reason}{compiled}"


@contextlib.contextmanager
def marts_lock(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """Hold the marts: Postgres deadlocks on concurrent dbt runs, and a build must see one state of the export."""
    connection.execute("SELECT pg_advisory_lock(hashtext('habitlake.marts'))")
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(hashtext('habitlake.marts'))")


def code_fingerprint(project: Path = PROJECT) -> str:
    """Return a hash of everything that defines the marts: when it changes, their history is computed anew."""
    digest = hashlib.sha256()
    for folder in ("models", "macros"):
        for path in sorted((project / folder).rglob("*")):
            if path.suffix in {".sql", ".yml"}:
                digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build(
    connection: "psycopg.Connection[Any]",
    settings: Settings,
    *,
    full_refresh: bool = False,
    all_tests: bool = False,
    project: Path = PROJECT,
) -> int:
    """Build and test the marts for all changed keys, then forget the keys; return the nodes run.

    The caller holds ``marts_lock``. Marts built by other code than today's are built anew from the whole export.
    """
    code = code_fingerprint(project)
    built = connection.execute("SELECT fingerprint FROM lake._marts_code").fetchone()
    anew = full_refresh or built is None or built[0] != code
    # The partial parse is kept all the same; the JSON artifacts are for `docs generate`.
    arguments = ["build", "--no-write-json", *(["--full-refresh"] if anew else [])]
    arguments += ["--exclude", *NOT_NIGHTLY, *([] if anew else WITHOUT_FACTS)]
    connection.execute("ANALYZE " + ", ".join(f"lake.{table}" for table in changes.CHANGED_KEYS))
    results = run_dbt(arguments, settings, project).results
    for result in results:
        get_logger("marts").debug("built", node=result.node.name, seconds=round(result.execution_time, 2))
    with connection.transaction():
        changes.forget(connection)
        connection.execute("DELETE FROM lake._marts_code")
        connection.execute("INSERT INTO lake._marts_code VALUES (%s)", [code])
    if all_tests:
        results = [*results, *run_dbt(["test", "--no-write-json", "--select", *NOT_NIGHTLY], settings, project).results]
    return len(results)


def main(argv: Sequence[str] | None = None) -> int:
    """Run any dbt command on the world's marts, excluding other runs; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        settings = get_settings()
        with postgres.connect("habitlake", settings) as connection:
            connection.autocommit = True
            with marts_lock(connection):
                run_dbt(arguments, settings)
    except HabitlakeError as error:
        sys.stderr.write(f"error: marts: {error}\n")
        return TRANSIENT_EXIT_CODE if isinstance(error, TransientError) else PERMANENT_EXIT_CODE
    return 0


if __name__ == "__main__":
    sys.exit(main())
