"""The platform as services: what docker-compose.yml starts, started natively, on the nights of the embedded world.

A Spark master with two workers and a Connect server by `habitlake serve`, an S3 endpoint, a Postgres reached by
its address, Redis. It reads copies of the landing files and must come to the same rows.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psutil
import pytest
from pyarrow.fs import copy_files

from habitlake.cli.lake import table_hashes
from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.landing import landed_nights
from habitlake.nights import ledger
from habitlake.runtime import postgres
from habitlake.runtime.background import free_port
from habitlake.runtime.serve import Service
from habitlake.settings import PROJECT_ROOT, Settings
from habitlake.storage import filesystem

# The first test also waits for the embedded world and for the services.
pytestmark = pytest.mark.timeout(1800)

MOTO = str(Path(sys.executable).with_name("moto_server"))
REDIS = shutil.which("redis-server")
WORKERS = 2
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
START_TIMEOUT_S = 60
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


def wait_for(port, log):
    """Wait until something listens on the port; a failure shows the end of the log."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"nothing listens on port {port}:\n{log.read_text()[-2000:]}")


class Services:
    """Processes of the platform, ended together."""

    def __init__(self, settings, folder):
        self.settings, self.folder = settings, folder
        self.environment = {
            **os.environ,
            **settings.environment(),
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "SPARK_WORKER_CORES": "1",
            "SPARK_WORKER_MEMORY": "1g",
        }
        self.started = []

    def start(self, name, command):
        log = self.folder / f"{name}-{len(self.started)}.log"
        with log.open("w") as output:
            self.started.append(
                subprocess.Popen(
                    command,
                    env=self.environment,
                    cwd=PROJECT_ROOT,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )
        return log

    def serve(self, service, *arguments):
        return self.start(service.value, [sys.executable, "-m", "habitlake.cli.app", "serve", service, *arguments])

    def job(self, module, *arguments):
        result = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert result.returncode == 0, f"{module}:\n{result.stdout[-1500:]}\n{result.stderr[-3000:]}"

    def stop(self):
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


@pytest.fixture(scope="module")
def cluster(world, tmp_path_factory):
    """The services, with copies of the embedded world's landing files in their object store."""
    if REDIS is None:
        pytest.skip("redis-server is not installed (scripts/setup.sh --tests)")
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AWS.items():
            patch.setenv(name, value)
        server = Settings(home=folder / "postgres-server", _env_file=None)
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(0o755)
        postgres.start(server)
        ports = {name: free_port() for name in ("s3", "master", "connect", "redis")}
        password = secrets.token_urlsafe(12)
        settings = Settings(
            home=folder / "home",
            landing="s3://landing",
            lake="s3://lake/habitlake",
            outbox="s3://outbox",
            s3_endpoint_url=f"http://127.0.0.1:{ports['s3']}",
            postgres_dsn=postgres.url("", server),
            spark_master=f"spark://localhost:{ports['master']}",
            spark_remote=f"sc://localhost:{ports['connect']}/;token={secrets.token_urlsafe(12)}",
            spark_driver_memory="2g",
            spark_executor_memory="900m",
            online_store="redis",
            redis_url=f"localhost:{ports['redis']},password={password}",
            mlflow_tracking_uri=world.settings.mlflow_tracking_uri,
            _env_file=None,
        )
        services = Services(settings, folder)
        try:
            redis_file = folder / "redis.conf"
            redis_file.write_text(f'bind 127.0.0.1\nport {ports["redis"]}\nrequirepass {password}\nsave ""\n')
            services.start("redis", [REDIS, str(redis_file)])
            store = services.start("s3", [MOTO, "--host", "127.0.0.1", "--port", str(ports["s3"])])
            wait_for(ports["s3"], store)
            wait_for(ports["master"], services.serve(Service.SPARK_MASTER, "--webui-port", "0"))
            for _ in range(WORKERS):
                services.serve(Service.SPARK_WORKER, "--webui-port", "0")
            wait_for(ports["connect"], services.serve(Service.SPARK_CONNECT))
            services.job("habitlake.cli.app", "prepare")
            source, source_path = filesystem(str(Path(world.settings.landing)), None)
            target, target_path = filesystem(settings.landing, settings.s3_endpoint_url)
            copy_files(source_path, target_path, source_filesystem=source, destination_filesystem=target)
            yield services
        finally:
            services.stop()
            postgres.stop(server)


def compared_nights(world):
    """The first week of the world: what a night holds does not depend on the nights after it."""
    first = landed_nights(world.settings)[0]
    return Interval(first, first + timedelta(days=6))


def test_a_cluster_comes_to_the_rows_of_the_embedded_engine(world, cluster):
    assert landed_nights(cluster.settings) == landed_nights(world.settings)
    interval = compared_nights(world)
    for module in ("spark_jobs.ingest.run", "spark_jobs.features.run"):
        cluster.job(module, "--start", str(interval.start), "--end", str(interval.end))
    executors = [process for process in psutil.process_iter(["cmdline"]) if EXECUTOR in (process.info["cmdline"] or [])]
    assert len(executors) == WORKERS, "an executor on each worker"

    own, theirs = table_hashes(world.settings, interval), table_hashes(cluster.settings)
    scored = {"gold.user_windows", "gold.user_predictions"}  # by models, not by the jobs that ran here
    compared = [name for name in own if name.startswith(("bronze.", "silver.", "gold.user_")) and name not in scored]
    assert sum(own[name]["rows"] for name in compared) > 5_000
    assert {name: theirs[name] for name in compared} == {name: own[name] for name in compared}


def test_the_same_model_gives_the_same_scores(world, cluster):
    night = compared_nights(world).end
    model = next(model for model in world.json("models") if model["name"] == "adherence")
    version = f"adherence={model['champion'] or model['versions'][-1]}"
    chosen = ["--start", str(night), "--end", str(night), "--model-version", version]
    world.module("models.lifecycle.score", *chosen)
    cluster.job("models.lifecycle.score", *chosen)
    own, theirs = (
        scan_table("gold.predictions", settings, Interval(night, night))
        .filter(pl.col("model") == "adherence")
        .select("user_id", "probability")
        .collect()
        for settings in (world.settings, cluster.settings)
    )
    both = own.join(theirs, on="user_id", how="full", suffix="_cluster")
    assert both.height == own.height > 50
    assert both.select((pl.col("probability") - pl.col("probability_cluster")).abs().max()).item() <= 1e-6


def test_features_are_served_from_redis_and_an_older_night_does_not_replace_them(world, cluster):
    from feature_repo.reader import read_features
    from feature_repo.store import feature_store

    newest = compared_nights(world).end
    older = newest - timedelta(days=1)
    for night in (newest, older):
        cluster.job("feature_repo.materialize", "--start", str(night), "--end", str(night))
    stored = (
        scan_table("gold.user_features", cluster.settings, Interval(newest, newest))
        .select("user_id", "sessions_28d", "event_timestamp")
        .sort("user_id")
        .collect()
    )
    users = stored["user_id"].to_list()
    as_of = datetime(newest.year, newest.month, newest.day, tzinfo=UTC) + timedelta(days=1, hours=12)
    store = feature_store(cluster.settings)
    records = read_features(store, users, service="adherence_v1", as_of=as_of, max_age=timedelta(days=3))
    served = [{item.name: item for item in record.features}["sessions_28d"].value for record in records]
    assert served == stored["sessions_28d"].to_list()
    assert {record.event_timestamp for record in records} == set(stored["event_timestamp"])
    late = read_features(
        store, users[:1], service="adherence_v1", as_of=as_of + timedelta(days=9), max_age=timedelta(days=3)
    )
    assert {item.missing for item in late[0].features} == {"stale"}


def test_the_ledger_lives_in_the_postgres_that_is_named(cluster):
    with ledger.connect(cluster.settings) as connection:
        assert ledger.processed_nights(connection) == {}
    with postgres.connect("airflow", cluster.settings) as connection:
        assert connection.execute("SELECT count(*) FROM slot_pool").fetchone()[0] >= 3
