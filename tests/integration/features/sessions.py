"""A session of the shared server that runs as the features job does on a night of few rows."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from habitlake.settings import Settings
from spark_jobs.common.session import spark_session
from spark_jobs.features.run import INTERPRETED, SMALL


@contextmanager
def small_session(name: str, settings: Settings) -> Iterator[SparkSession]:
    """Open the session; plans are made once and not compiled."""
    with spark_session(name, settings) as session:
        for option, value in (SMALL | INTERPRETED).items():
            session.conf.set(option, value)
        yield session
