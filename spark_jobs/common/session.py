"""The one place where a Spark session is made: a thin client of the world's Connect server."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from habitlake.errors import TransientError
from habitlake.ids import stable_uuid
from habitlake.runtime import spark_server
from habitlake.settings import Settings


@contextmanager
def spark_session(job: str, settings: Settings) -> Iterator[SparkSession]:
    """Open the session of a job, ending first what a killed run of it left running.

    The session id is derived from the job, so the run after a killed client meets the same session on the server and
    can interrupt its orphaned query, which would go on at full load. It is also left open: the server keeps compiled
    code by session, and a night's plans are those of the night before. Whoever opens it holds the job's lock, so nobody
    else is in it.

    Raises
    ------
    TransientError
        If the server does not answer.
    """
    address = spark_server.ensure(settings)
    session_id = stable_uuid("spark-session", settings.home, job)
    separator = "" if address.endswith(";") else ";"
    try:
        session = SparkSession.builder.remote(f"{address}{separator}session_id={session_id}").create()
        session.interruptAll()
        session.sql("RESET").collect()
    except PySparkException as error:
        msg = f"cannot reach the Spark Connect server: {error}; see {spark_server.log_file(settings)}"
        raise TransientError(msg) from error
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.shuffle.partitions", str(settings.spark_shuffle_partitions))
    try:
        yield session
    finally:
        session.release_session_on_close = False
        session.stop()
