"""Spark's jars, resolved once through Spark's own Ivy into the project cache; later starts read files alone."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from habitlake.errors import PermanentError
from habitlake.runtime.java import require_java
from habitlake.settings import Settings
from habitlake.storage import is_remote

DELTA_VERSION = "4.4.0"
DELTA = (f"io.delta:delta-spark_4.2_2.13:{DELTA_VERSION}",)
AWS_SDK_VERSION = "2.35.4"
S3 = (
    "org.apache.hadoop:hadoop-aws:3.5.0",
    *(
        f"software.amazon.awssdk:{module}:{AWS_SDK_VERSION}"
        for module in ("s3", "s3-transfer-manager", "sts", "url-connection-client", "apache-client", "netty-nio-client")
    ),
)
# Spark itself reads this variable for the repository that it resolves from.
MIRROR_VARIABLE = "DEFAULT_ARTIFACT_REPOSITORY"
# delta-spark's pom drags in a second Hadoop, Parquet and log4j; Spark brings its own. The SDK bundle is 500 MB.
EXCLUDES = (
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.parquet:*",
    "org.slf4j:*",
    "org.apache.logging.log4j:*",
    "com.fasterxml.jackson.core:*",
    "com.fasterxml.jackson.datatype:*",
    "software.amazon.awssdk:bundle",
)


def uses_s3(settings: Settings) -> bool:
    """Return whether Spark reads or writes an object store with these settings."""
    return is_remote(settings.lake) or is_remote(settings.landing)


def coordinates(settings: Settings) -> tuple[str, ...]:
    """Return the Maven coordinates that these settings need."""
    return (*DELTA, *S3) if uses_s3(settings) else DELTA


def jar_folder(settings: Settings) -> Path:
    """Return the folder that holds, or will hold, the resolved jars of these settings."""
    digest = hashlib.sha256(" ".join((*coordinates(settings), *EXCLUDES)).encode()).hexdigest()[:12]
    return settings.cache / f"jars-{digest}"


def jars(settings: Settings) -> list[Path]:
    """Return the resolved jars, resolving them the first time.

    Raises
    ------
    PermanentError
        If Maven Central cannot be reached and the cache is empty.
    """
    folder = jar_folder(settings)
    if not folder.is_dir():
        settings.cache.mkdir(parents=True, exist_ok=True)
        with (settings.cache / "jars.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                _resolve(settings, folder)
    return sorted(folder.glob("*.jar"))


def _artifact(jar_name: str) -> str:
    """Return the artifact of a jar's file name: all before the version."""
    return re.split(r"-\d", jar_name.removesuffix(".jar"), maxsplit=1)[0]


def _reason(output: str) -> str:
    """Return in one line why Ivy failed: what could not be reached, else what was not found."""
    lines = [" ".join(line.split()).strip(": ") for line in output.splitlines()]
    for sign in ("access error", "Exception", "not found"):
        found = [line for line in lines if sign in line]
        if found:
            return found[0]
    return lines[-1] if lines else "no output"


def _resolve(settings: Settings, folder: Path) -> None:
    import pyspark

    require_java()
    spark_submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    with tempfile.TemporaryDirectory(dir=settings.cache) as temporary:
        script = Path(temporary) / "resolve.py"
        script.write_text("print('resolved')\n")
        # A Python script that opens no session: spark-submit resolves the packages and ends.
        command = [
            str(spark_submit),
            "--packages",
            ",".join(coordinates(settings)),
            "--exclude-packages",
            ",".join(EXCLUDES),
            "--conf",
            f"spark.jars.ivy={temporary}/ivy",
            "--conf",
            f"spark.pyspark.python={sys.executable}",
            str(script),
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        resolved = list(Path(temporary, "ivy", "jars").glob("*.jar"))
        if result.returncode != 0 or not resolved:
            repository = os.environ.get(MIRROR_VARIABLE, "https://repo1.maven.org/maven2/")
            msg = (
                f"cannot resolve Spark's jars from {repository}: {_reason(result.stderr)}; check the network, or set"
                f" {MIRROR_VARIABLE} to a mirror of Maven Central, then run it again"
            )
            raise PermanentError(msg)
        unfinished = Path(temporary) / "jars"
        unfinished.mkdir()
        # What Spark itself ships stays Spark's, in the version it was built with.
        shipped = {_artifact(jar.name) for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}
        for jar in resolved:
            name = jar.name.partition("_")[2]
            if _artifact(name) not in shipped:
                shutil.copy2(jar, unfinished / name)
        unfinished.rename(folder)
