"""All services of a world: make sure of them, bring them up with the UI, take them down."""

from concurrent.futures import ThreadPoolExecutor

from habitlake.cli.output import console
from habitlake.runtime import airflow, airflow_ui, job_server, postgres, report_ui, spark_server
from habitlake.settings import Settings
from habitlake.storage import ensure_bucket


def ensure_services(settings: Settings) -> None:
    """Start what a night needs: the server that forks jobs, Postgres, the Spark Connect server, Airflow's database."""
    job_server.ensure(settings)
    # The first time Spark resolves its jars and Airflow makes its database; neither needs the other.
    with ThreadPoolExecutor(1) as pool:
        spark = pool.submit(spark_server.ensure, settings)
        postgres.start(settings)
        airflow.prepare(settings)
        spark.result()


def prepare(settings: Settings) -> None:
    """Make what the services of a platform share: databases, roles, Airflow's tables and pools, buckets."""
    for location in (settings.landing, settings.lake, settings.outbox):
        ensure_bucket(location, settings)
    postgres.start(settings)
    airflow.prepare(settings)


def up(settings: Settings) -> None:
    """Start everything with the Airflow UI and the report's pages, and print where they are."""
    ensure_services(settings)
    address = airflow_ui.up(settings)
    console.print(f"Airflow UI   {address}  user {airflow.UI_USER}, password in {airflow.password_file(settings)}")
    console.print(f"Report       {report_ui.up(settings)}  the newest night; /night-DATE.html for another")
    console.print(
        f"Postgres     {postgres.url('habitlake', settings) if settings.postgres_dsn is None else 'HABITLAKE_POSTGRES_DSN'}"
    )
    console.print(f"Analysts     role {postgres.ANALYST_ROLE}, schema marts, read-only")
    console.print(f"Spark log    {spark_server.log_file(settings)}")
    console.print("Stop it all with `make down`.")


def down(settings: Settings) -> None:
    """Stop every service of this world; its data stays."""
    report_ui.down(settings)
    airflow_ui.down(settings)
    job_server.stop(settings)
    spark_server.stop(settings)
    postgres.stop(settings)
    console.print(f"stopped; the data stays in {settings.home}")
