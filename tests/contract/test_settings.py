"""Every setting is in .env.example with its default, and a name that is no setting is refused."""

import re
from pathlib import Path

import pytest

from habitlake.errors import PermanentError
from habitlake.settings import ENV_PREFIX, PROJECT_ROOT, Settings, get_settings, unknown_variables

EXAMPLE = PROJECT_ROOT / ".env.example"


def documented() -> dict[str, str]:
    return dict(re.findall(rf"^#? ?({ENV_PREFIX}[A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


@pytest.fixture
def fresh_settings():
    get_settings.cache_clear()
    yield get_settings
    get_settings.cache_clear()


def test_the_example_names_exactly_the_settings():
    assert set(documented()) == {ENV_PREFIX + name.upper() for name in Settings.model_fields}


def test_the_example_shows_the_defaults(tmp_path, monkeypatch):
    """The example with every line switched on gives the default settings (an empty value is the default)."""
    monkeypatch.chdir(PROJECT_ROOT)
    switched_on = tmp_path / ".env"
    switched_on.write_text("".join(f"{name}={value}\n" for name, value in documented().items()))
    assert Settings(_env_file=switched_on) == Settings(_env_file=None)


def test_every_setting_is_described():
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_a_misspelt_variable_is_refused_with_the_name_meant(monkeypatch, fresh_settings):
    monkeypatch.setenv("HABITLAKE_POEPLE", "3")
    with pytest.raises(PermanentError, match="did you mean HABITLAKE_PEOPLE"):
        fresh_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HABITLAKE_PEOPLE", "0"),
        ("HABITLAKE_DIRT", "0.9"),
        ("HABITLAKE_LAKE", "gs://bucket"),
        ("HABITLAKE_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_out_of_range_is_named(monkeypatch, fresh_settings, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(PermanentError, match=name):
        fresh_settings()


def test_names_of_others_are_left_alone():
    assert unknown_variables(["PATH", "AWS_REGION", "habitlake_people"]) == []


def test_secrets_are_not_shown():
    settings = Settings(postgres_dsn="postgresql://user:hidden@host", analyst_password="hidden", _env_file=None)
    assert "hidden" not in repr(settings)


def test_a_child_process_gets_the_same_settings(tmp_path, monkeypatch):
    settings = Settings(
        home=tmp_path, lake="s3://bucket/lake", postgres_dsn="postgresql://user:hidden@host", people=7, _env_file=None
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == settings


def test_nothing_outside_home_is_a_default(tmp_path):
    settings = Settings(home=tmp_path, _env_file=None)
    for location in (settings.landing, settings.lake, settings.outbox, settings.mlflow_tracking_uri):
        assert str(tmp_path) in location
    assert Path(settings.run_dir).is_relative_to(tmp_path)
