"""Addresses, secrets and configurations of the services, without starting them."""

import json
import stat
import subprocess

import pytest

from habitlake.errors import PermanentError
from habitlake.runtime import airflow, jars, java, postgres, spark_server
from habitlake.settings import Settings


@pytest.fixture
def external(tmp_path) -> Settings:
    return Settings(
        home=tmp_path, postgres_dsn="postgresql://kim:p%40ss@db.example:6543?sslmode=verify-full", _env_file=None
    )


def test_the_url_of_an_external_postgres_keeps_port_password_and_ssl(external):
    assert postgres.url("airflow", external, driver="postgresql+psycopg2") == (
        "postgresql+psycopg2://kim:p%40ss@db.example:6543/airflow?sslmode=verify-full"
    )


def test_parameters_for_clients_that_take_them_one_by_one(external):
    assert postgres.parameters("habitlake", external) == {
        "host": "db.example",
        "port": 6543,
        "user": "kim",
        "password": "p@ss",
        "dbname": "habitlake",
    }


def test_airflow_listens_on_the_loopback_and_keeps_its_secrets_private(external):
    first, second = airflow.environment(external), airflow.environment(external)
    assert first == second
    assert first["AIRFLOW__API__HOST"] == "127.0.0.1"
    for name in airflow.SECRET_NAMES:
        assert len(first[name]) >= 40
    file = external.run_dir / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(json.loads(file.read_text())) == set(airflow.SECRET_NAMES)


def test_two_worlds_have_different_secrets(external, tmp_path):
    other = external.model_copy(update={"home": tmp_path / "other"})
    name = airflow.SECRET_NAMES[0]
    assert airflow.environment(external)[name] != airflow.environment(other)[name]


def test_s3_asks_for_its_jars_and_no_others(tmp_path):
    local = Settings(home=tmp_path, _env_file=None)
    remote = Settings(home=tmp_path, lake="s3://bucket/lake", _env_file=None)
    assert not any("hadoop-aws" in coordinate for coordinate in jars.coordinates(local))
    assert any("hadoop-aws" in coordinate for coordinate in jars.coordinates(remote))
    assert jars.jar_folder(local) != jars.jar_folder(remote)


def test_the_server_binds_the_loopback_alone(tmp_path):
    # No jar is needed for the configuration; an empty folder stands for the resolved ones.
    settings = Settings(home=tmp_path, cache=tmp_path / "cache", _env_file=None)
    jars.jar_folder(settings).mkdir(parents=True)
    conf = spark_server.configuration(settings)
    assert conf["spark.connect.grpc.binding.address"] == "127.0.0.1"
    assert conf["spark.sql.session.timeZone"] == "UTC"
    assert not any("token" in key for key in conf)


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.12" 2024-07-16', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("nonsense", None),
    ],
)
def test_versions_of_java_are_told_apart(tmp_path, monkeypatch, says, version):
    binary = tmp_path / "bin" / "java"
    binary.parent.mkdir()
    binary.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    binary.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.java_version() == version


def test_a_missing_java_is_one_line_with_a_hint(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java.require_java.cache_clear()
    try:
        with pytest.raises(PermanentError, match="apt-get install openjdk-17-jre-headless") as raised:
            java.require_java()
        assert "\n" not in str(raised.value)
    finally:
        java.require_java.cache_clear()


def test_the_set_up_script_says_what_is_missing(tmp_path):
    """Without Python 3.11 on the path the script ends with one clear line and no half-made environment."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "cat", "env"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "setup.sh"
    script.write_text((airflow.PROJECT_ROOT / "scripts" / "setup.sh").read_text())
    result = subprocess.run(
        ["/usr/bin/bash", str(script)], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: Python 3.11 was not found")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "scripts"]
