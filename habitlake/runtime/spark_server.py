"""The embedded Spark Connect server: the one engine that every Spark job of a world is a thin client of.

It listens on the loopback interface alone, on a free port, and refuses clients without its random token.
In production ``HABITLAKE_SPARK_REMOTE`` names a server that fronts a cluster instead.
"""

import contextlib
import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from habitlake.errors import PermanentError, TransientError
from habitlake.runtime import background
from habitlake.runtime.jars import jars, uses_s3
from habitlake.runtime.java import require_java
from habitlake.settings import PROJECT_ROOT, Settings
from habitlake.storage import s3_environment

START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 20
LOG_TAIL_LINES = 15
REMOTE_PORT = 15_002
REMOTE_TIMEOUT_S = 10
LOG_CONFIGURATION = """rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n
"""
# A night is many short plans: the JVM's thresholds, made for servers that run one code for days, had it compile 66,000
# methods, half of the processor time of a small world's first night. Compiling later loses nothing where rows are
# many, since their loops pass any threshold within a second.
COMPILE_LATER = {
    "Tier3InvocationThreshold": 1_000,
    "Tier3MinInvocationThreshold": 500,
    "Tier3CompileThreshold": 10_000,
    "Tier3BackEdgeThreshold": 300_000,
    "Tier4InvocationThreshold": 100_000,
    "Tier4MinInvocationThreshold": 20_000,
    "Tier4CompileThreshold": 200_000,
    "Tier4BackEdgeThreshold": 2_000_000,
}
MAIN_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """What is kept of a running server, in a file that only its owner can read."""

    pid: int
    port: int
    token: str
    identity: str
    has_s3: bool = False

    @property
    def address(self) -> str:
        """The ``sc://`` address; ``localhost`` and not 127.0.0.1, for which the client would insist on TLS."""
        return f"sc://localhost:{self.port}/;token={self.token}"


def _record_file(settings: Settings) -> Path:
    return settings.run_dir / "spark.json"


def log_file(settings: Settings) -> Path:
    """Return the server's log."""
    return settings.home / "logs" / "spark-connect.log"


def _identity(pid: int) -> str:
    """Return the start time of a process, so that a reused process id is not mistaken for the server."""
    import psutil

    try:
        process = psutil.Process(pid)
        return f"{process.create_time():.2f}" if process.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.NoSuchProcess:
        return ""


def _read(settings: Settings) -> ServerRecord | None:
    try:
        record = ServerRecord(**json.loads(_record_file(settings).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return record if _identity(record.pid) == record.identity else None


def is_running(settings: Settings) -> bool:
    """Return whether the embedded server runs; an external one is taken to run."""
    return settings.spark_remote is not None or _read(settings) is not None


def server_pid(settings: Settings) -> int | None:
    """Return the process id of the running embedded server, None without one."""
    record = _read(settings)
    return record.pid if record is not None else None


def configuration(settings: Settings) -> dict[str, str]:
    """Return the Spark configuration of the server: Delta, UTC, small-machine defaults, S3 where used."""
    thresholds = " ".join(f"-XX:{name}={value}" for name, value in COMPILE_LATER.items())
    conf = {
        "spark.master": settings.spark_master,
        "spark.app.name": "habitlake",
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.executor.memory": settings.spark_executor_memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -XX:+UseParallelGC -XX:ReservedCodeCacheSize=512m {thresholds}",
        "spark.executor.extraJavaOptions": f"-Duser.timezone=UTC {thresholds}",
        "spark.sql.shuffle.partitions": str(settings.spark_shuffle_partitions),
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
        # Jobs name the files they read; looking at a few hundred is no job for the cluster.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "512",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        # from_json would be evaluated again at every use of its fields.
        "spark.sql.optimizer.enableJsonExpressionOptimization": "false",
        # The default of 100 classes is less than one night's: every night would compile the same code again.
        "spark.sql.codegen.cache.maxEntries": "2000",
        # Profile versions are collected by person; above the default of 128 people a task would sort them.
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "200000",
        "spark.sql.warehouse.dir": str(settings.home / "spark" / "warehouse"),
        "spark.local.dir": str(settings.home / "spark" / "local"),
        "spark.executorEnv.PYTHONPATH": str(PROJECT_ROOT),
        "spark.pyspark.python": sys.executable,
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        # A job's session waits for the next night with the code that was compiled for it.
        "spark.connect.session.manager.defaultSessionTimeout": "26h",
        # Session ids are derived from jobs, so a run may open the id of a session that was closed.
        "spark.connect.session.manager.closedSessionsTombstonesSize": "0",
        "spark.jars": ",".join(str(jar) for jar in jars(settings)),
    }
    if uses_s3(settings):
        access_key, secret_key, region = s3_environment()
        conf["spark.hadoop.fs.s3a.endpoint.region"] = region
        conf["spark.hadoop.fs.s3a.path.style.access"] = "true"
        if settings.s3_endpoint_url:
            conf["spark.hadoop.fs.s3a.endpoint"] = settings.s3_endpoint_url
            conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(
                settings.s3_endpoint_url.startswith("https")
            ).lower()
        if access_key and secret_key:
            conf["spark.hadoop.fs.s3a.access.key"] = access_key
            conf["spark.hadoop.fs.s3a.secret.key"] = secret_key
    return conf


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def ensure(settings: Settings) -> str:
    """Return the address of the world's server, starting the embedded one if it does not run.

    Raises
    ------
    PermanentError
        If Java is missing or the server does not come up; the message ends with the tail of its log.
    TransientError
        If an external server does not answer.
    """
    if settings.spark_remote is not None:
        return _external(settings.spark_remote.get_secret_value())
    record = _read(settings)
    if record is None:
        settings.run_dir.mkdir(parents=True, exist_ok=True)
        with (settings.run_dir / "spark.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            record = _read(settings) or _start(settings)
    if uses_s3(settings) and not record.has_s3:
        msg = (
            f"the Spark server of {settings.home} was started without S3, which HABITLAKE_LAKE or HABITLAKE_LANDING"
            " now need; run `habitlake down`, then again"
        )
        raise PermanentError(msg)
    return record.address


def _external(remote: str) -> str:
    """Return the address of an external server if something listens there; Spark's client would try for minutes."""
    url = urlsplit(remote)
    try:
        socket.create_connection((url.hostname or "", url.port or REMOTE_PORT), REMOTE_TIMEOUT_S).close()
    except OSError as error:
        msg = f"no Spark Connect server answers at {url.hostname}:{url.port or REMOTE_PORT} (HABITLAKE_SPARK_REMOTE): {error}"
        raise TransientError(msg) from error
    return remote


def launch(settings: Settings, port: int, token: str) -> tuple[list[str], dict[str, str]]:
    """Write the server's configuration; return the command that starts it and the command's environment."""
    import pyspark

    require_java()
    conf = configuration(settings) | {
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.authenticate.token": token,
    }
    # Secrets stay out of the process list: Spark reads them from a file that only its owner can read.
    properties = settings.run_dir / "spark.conf"
    _write_private(properties, "".join(f"{key} {value}\n" for key, value in conf.items()))
    (settings.run_dir / "log4j2.properties").write_text(LOG_CONFIGURATION)
    Path(conf["spark.local.dir"]).mkdir(parents=True, exist_ok=True)
    spark_home = Path(pyspark.__file__).parent
    command = [
        str(spark_home / "bin" / "spark-submit"),
        "--properties-file",
        str(properties),
        "--class",
        MAIN_CLASS,
        "spark-internal",
    ]
    environment = {
        **os.environ,
        "SPARK_HOME": str(spark_home),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(PROJECT_ROOT),
        "SPARK_CONF_DIR": str(settings.run_dir),
    }
    if settings.spark_master.startswith("local"):
        # Executors on other machines have to reach the driver; those inside it do not.
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    return command, environment


def _start(settings: Settings) -> ServerRecord:
    token, port = secrets.token_urlsafe(24), background.free_port()
    command, environment = launch(settings, port, token)
    log = log_file(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=settings.home,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if background.answers(port):
            record = ServerRecord(process.pid, port, token, _identity(process.pid), uses_s3(settings))
            _write_private(_record_file(settings), json.dumps(asdict(record)))
            return record
        time.sleep(0.2)
    _end(process.pid)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
    msg = f"the Spark Connect server did not start; its log {log} ends with:\n{tail}"
    raise PermanentError(msg)


def _end(pid: int) -> None:
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        for member in psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]:
            member.kill()
    except psutil.NoSuchProcess:
        return


def stop(settings: Settings) -> None:
    """Stop the embedded server and forget its record."""
    record = _read(settings)
    if record is not None:
        _end(record.pid)
    _record_file(settings).unlink(missing_ok=True)


def address(settings: Settings) -> str:
    """Return the address of the running server.

    Raises
    ------
    TransientError
        If it does not run.
    """
    if settings.spark_remote is not None:
        return settings.spark_remote.get_secret_value()
    record = _read(settings)
    if record is None:
        msg = f"the Spark server of {settings.home} does not run; start it with `habitlake up`"
        raise TransientError(msg)
    return record.address
