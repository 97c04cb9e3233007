"""Spark's jars: one clear line when nothing can be reached, and nothing half-made left behind."""

import pytest

from habitlake.errors import PermanentError
from habitlake.runtime import jars
from habitlake.settings import Settings


def test_an_unreachable_repository_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv(jars.MIRROR_VARIABLE, "http://127.0.0.1:9/maven/")
    settings = Settings(home=tmp_path, cache=tmp_path / "cache", _env_file=None)
    with pytest.raises(
        PermanentError, match=r"cannot resolve Spark's jars from http://127\.0\.0\.1:9/maven/"
    ) as raised:
        jars.jars(settings)
    assert "\n" not in str(raised.value)
    assert jars.MIRROR_VARIABLE in str(raised.value)
    assert [path.name for path in settings.cache.iterdir()] == ["jars.lock"]


def test_resolved_jars_bring_no_second_copy_of_what_spark_ships(services):
    names = {jar.name for jar in jars.jars(services)}
    assert any(name.startswith("delta-spark_") for name in names)
    assert not [
        name for name in names if name.startswith(("hadoop-client", "parquet", "slf4j", "log4j", "jackson-core"))
    ]
