"""One service of the platform in the foreground, for a container or a process manager.

Where each listens is what the others' settings say of it: the Spark master at ``HABITLAKE_SPARK_MASTER``, the
Connect server at ``HABITLAKE_SPARK_REMOTE``, Airflow at ``HABITLAKE_AIRFLOW_URL``.
"""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from habitlake.errors import PermanentError
from habitlake.runtime import airflow, spark_server
from habitlake.settings import PROJECT_ROOT, Settings


class Service(StrEnum):
    """What can be served."""

    SPARK_MASTER = "spark-master"
    SPARK_WORKER = "spark-worker"
    SPARK_CONNECT = "spark-connect"
    AIRFLOW_API = "airflow-api"
    AIRFLOW_SCHEDULER = "airflow-scheduler"
    AIRFLOW_DAG_PROCESSOR = "airflow-dag-processor"
    FEATURES = "features"


AIRFLOW_PARTS = {
    Service.AIRFLOW_API: "api-server",
    Service.AIRFLOW_SCHEDULER: "scheduler",
    Service.AIRFLOW_DAG_PROCESSOR: "dag-processor",
}


def spark_master_address(settings: Settings) -> tuple[str, int]:
    """Return host and port of the cluster's master.

    Raises
    ------
    PermanentError
        If HABITLAKE_SPARK_MASTER is no cluster.
    """
    url = urlsplit(settings.spark_master)
    if url.scheme != "spark" or not url.hostname or not url.port:
        msg = f"HABITLAKE_SPARK_MASTER={settings.spark_master} is no cluster; give spark://host:port"
        raise PermanentError(msg)
    return url.hostname, url.port


def spark_connect_address(settings: Settings) -> tuple[int, str]:
    """Return port and token of the Connect server.

    It listens on the loopback interface alone, since a Spark client sends a token in the clear to no other host:
    its clients share its network (a sidecar), or reach it through a proxy that speaks TLS.

    Raises
    ------
    PermanentError
        If HABITLAKE_SPARK_REMOTE does not say both for localhost.
    """
    remote = settings.spark_remote.get_secret_value() if settings.spark_remote else ""
    url = urlsplit(remote)
    fields = dict(part.partition("=")[::2] for part in url.path.strip("/;").split(";"))
    if url.scheme != "sc" or url.hostname != "localhost" or not url.port or not fields.get("token"):
        msg = "spark-connect needs HABITLAKE_SPARK_REMOTE=sc://localhost:PORT/;token=SECRET"
        raise PermanentError(msg)
    return url.port, fields["token"]


def command(service: Service, settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the command line of a service and its environment.

    Raises
    ------
    PermanentError
        If a setting that it needs is missing.
    """
    if service in AIRFLOW_PARTS:
        return airflow.command(AIRFLOW_PARTS[service]), airflow.environment(settings)
    environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(PROJECT_ROOT)}
    if service is Service.FEATURES:
        return [sys.executable, "-m", "feature_repo.serve"], environment
    if service is Service.SPARK_CONNECT:
        return spark_server.launch(settings, *spark_connect_address(settings))
    import pyspark

    spark_home = Path(pyspark.__file__).parent
    environment |= {"SPARK_HOME": str(spark_home), "PYSPARK_PYTHON": sys.executable}
    host, port = spark_master_address(settings)
    spark_class = [str(spark_home / "bin" / "spark-class")]
    if service is Service.SPARK_MASTER:
        master = ["org.apache.spark.deploy.master.Master", "--host", host, "--port", str(port)]
        return [*spark_class, *master], environment
    work = settings.home / "spark" / "work"
    worker = ["org.apache.spark.deploy.worker.Worker", "--work-dir", str(work), settings.spark_master]
    return [*spark_class, *worker], environment


def serve(service: Service, arguments: Sequence[str], settings: Settings) -> None:
    """Replace this process by the service; does not return."""
    line, environment = command(service, settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    os.chdir(settings.home)
    os.execvpe(line[0], [*line, *arguments], environment)  # noqa: S606 - no shell is involved
