"""The Spark Connect server, its sessions and the writes of nights, on the real engine."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import date

import psutil
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.runtime import spark_server
from habitlake.settings import PROJECT_ROOT, Settings
from habitlake.tables import get_table
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.common.session import spark_session

NIGHTS = Interval(date(2026, 3, 1), date(2026, 3, 3))
TABLE = "silver.batch_audit"


@pytest.fixture
def spark(services):
    with spark_session("test", services) as session:
        yield session


def audit(spark: SparkSession, *nights: date) -> DataFrame:
    """A frame of the audit table: one row per night named."""
    table = get_table(TABLE)
    values = [
        F.col("batch_date") if column.name == "batch_date" else F.lit(None).cast(column.sql_type).alias(column.name)
        for column in table.columns
    ]
    return spark.createDataFrame([(night,) for night in nights], "batch_date date").select(*values)


def counts(spark: SparkSession, settings: Settings) -> dict[date, int]:
    return {
        row.batch_date: row["count"]
        for row in read_table(spark, TABLE, settings).groupBy("batch_date").count().collect()
    }


INTRUDER = """
import os, sys
from pyspark.sql import SparkSession
try:
    SparkSession.builder.remote(sys.argv[1]).create().range(1).count()
    print("let in", flush=True)
except Exception as error:
    print(str(error), flush=True)
os._exit(0)  # a client that was refused would try for minutes to close its session
"""


def test_the_server_refuses_whoever_lacks_the_token(services):
    port = json.loads((services.run_dir / "spark.json").read_text())["port"]
    for address in (f"sc://localhost:{port}/;token=wrong", f"sc://localhost:{port}"):
        result = subprocess.run(
            [sys.executable, "-c", INTRUDER, address], capture_output=True, text=True, timeout=120, check=True
        )
        assert "UNAUTHENTICATED" in result.stdout


def test_the_server_listens_on_the_loopback_alone(services):
    port = json.loads((services.run_dir / "spark.json").read_text())["port"]
    addresses = {c.laddr.ip for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port}
    assert addresses
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_the_token_is_private(services):
    for name in ("spark.json", "spark.conf"):
        assert stat.S_IMODE((services.run_dir / name).stat().st_mode) == 0o600
    token = json.loads((services.run_dir / "spark.json").read_text())["token"]
    pid = json.loads((services.run_dir / "spark.json").read_text())["pid"]
    assert token not in " ".join(psutil.Process(pid).cmdline())


def test_ensure_again_is_the_same_server(services):
    assert spark_server.ensure(services) == spark_server.address(services)


def test_a_lake_on_s3_needs_a_server_that_has_it(services):
    with pytest.raises(PermanentError, match="habitlake down"):
        spark_server.ensure(services.model_copy(update={"lake": "s3://bucket/lake"}))


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path):
    settings = Settings(home=tmp_path, spark_driver_memory="1", _env_file=None)
    with pytest.raises(PermanentError, match=r"did not start; its log .*ends with:\n.+"):
        spark_server.ensure(settings)
    assert not spark_server.is_running(settings)


def test_a_stale_record_is_no_server(tmp_path):
    settings = Settings(home=tmp_path, _env_file=None)
    settings.run_dir.mkdir(parents=True)
    record = {"pid": os.getpid(), "port": 1, "token": "t", "identity": "another start time"}
    (settings.run_dir / "spark.json").write_text(json.dumps(record))
    assert not spark_server.is_running(settings)


def test_nights_are_replaced_and_the_others_are_left(spark, services):
    write_nights(audit(spark, *NIGHTS.nights()), TABLE, NIGHTS, services)
    middle = Interval(date(2026, 3, 2), date(2026, 3, 2))
    write_nights(audit(spark, middle.start, middle.start), TABLE, middle, services)
    assert counts(spark, services) == {date(2026, 3, 1): 1, date(2026, 3, 2): 2, date(2026, 3, 3): 1}


def test_no_rows_clear_the_nights(spark, services):
    write_nights(audit(spark, *NIGHTS.nights()), TABLE, NIGHTS, services)
    last = Interval(date(2026, 3, 3), date(2026, 3, 3))
    write_nights(audit(spark), TABLE, last, services)
    assert set(counts(spark, services)) == {date(2026, 3, 1), date(2026, 3, 2)}


def test_a_row_outside_the_nights_is_refused_and_nothing_changes(spark, services):
    write_nights(audit(spark, NIGHTS.start), TABLE, NIGHTS, services)
    with pytest.raises(PermanentError, match="outside the nights"):
        write_nights(audit(spark, date(2026, 4, 1)), TABLE, NIGHTS, services)
    assert counts(spark, services) == {NIGHTS.start: 1}


def test_a_missing_column_is_named(spark, services):
    with pytest.raises(PermanentError, match="raw_count"):
        write_nights(audit(spark, NIGHTS.start).drop("raw_count"), TABLE, NIGHTS, services)


def test_many_small_nights_make_one_file_each(spark, services):
    frame = audit(spark, *NIGHTS.nights()).repartition(8)
    write_nights(frame, TABLE, NIGHTS, services)
    files = read_table(spark, TABLE, services).inputFiles()
    assert len(files) == len(NIGHTS)


def test_two_writers_of_different_nights_at_once_both_land(services):
    failures = []

    def write(night: date) -> None:
        interval = Interval(night, night)
        try:
            with spark_session(f"writer {night}", services) as session:
                write_nights(audit(session, night), TABLE, interval, services)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=[night]) for night in NIGHTS.nights()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with spark_session("reader", services) as session:
        assert counts(session, services) == dict.fromkeys(NIGHTS.nights(), 1)


def test_a_job_meets_its_session_again_without_what_the_last_run_set(services):
    with spark_session("again", services) as session:
        first = session.session_id
        session.conf.set("spark.sql.codegen.wholeStage", "false")
    with spark_session("again", services) as session:
        assert session.session_id == first, "the server keeps compiled code by session"
        assert session.conf.get("spark.sql.codegen.wholeStage") == "true"
        assert session.conf.get("spark.sql.shuffle.partitions") == str(services.spark_shuffle_partitions)


ORPHAN = """
import sys
from habitlake.settings import get_settings
from spark_jobs.common.session import spark_session
with spark_session("orphan", get_settings()) as spark:
    spark.addTag("orphan")
    print("running", flush=True)
    spark.range(0, 10**13, 1, 2).selectExpr("sum(hash(id, id * 7) % 3)").collect()
"""


def server_load(services: Settings, seconds: float = 1.5) -> float:
    """Cores that the server uses."""
    pid = json.loads((services.run_dir / "spark.json").read_text())["pid"]
    process = psutil.Process(pid)
    process.cpu_percent()
    time.sleep(seconds)
    return process.cpu_percent() / 100


def test_a_rerun_ends_the_query_that_a_killed_run_left_behind(services):
    environment = {**os.environ, "HABITLAKE_HOME": str(services.home), "HABITLAKE_LAKE": services.lake}
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "running\n"
        deadline = time.monotonic() + 60
        while server_load(services) < 0.3 and time.monotonic() < deadline:
            pass
        process.kill()
    assert server_load(services) > 0.3, "the query of the killed client was expected to go on"
    with spark_session("orphan", services) as session:
        assert session.range(3).count() == 3
    time.sleep(1)
    assert server_load(services) < 0.3
