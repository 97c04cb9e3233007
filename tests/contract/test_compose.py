"""docker-compose.yml says nothing that the settings do not know, and holds no secret."""

import re
from urllib.parse import urlsplit

import pytest
import yaml

from habitlake.runtime.serve import Service
from habitlake.settings import ENV_PREFIX, PROJECT_ROOT, Settings, unknown_variables

COMPOSE = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if service["image"].startswith("habitlake:")}
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:\?)?[^}]*\}")
POSTGRES_IMAGE_PORT, MASTER_UI_PORT = 5432, 8081


def variables(value):
    """Every ${NAME} below a value, with whether Compose refuses to start without it."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in variables(item)]
    if isinstance(value, list):
        return [found for item in value for found in variables(item)]
    return VARIABLE.findall(value) if isinstance(value, str) else []


@pytest.fixture
def settings(monkeypatch):
    """The settings that the platform's containers start with."""
    for name, value in COMPOSE["x-platform"]["environment"].items():
        if name.startswith(ENV_PREFIX):
            monkeypatch.setenv(name, VARIABLE.sub("secret", value))
    return Settings(_env_file=None)


def test_every_variable_is_a_setting(settings):
    for service in OWN.values():
        assert unknown_variables(service["environment"]) == []
    assert settings.online_store == "redis"


def test_every_port_is_one_of_the_settings(settings):
    urls = [
        settings.s3_endpoint_url,
        settings.postgres_dsn.get_secret_value(),
        settings.spark_master,
        settings.spark_remote.get_secret_value(),
        settings.airflow_url,
        "redis://" + settings.redis_url.get_secret_value().partition(",")[0],
    ]
    known = {urlsplit(url).port for url in urls} | {settings.feature_server_port, MASTER_UI_PORT}
    text = yaml.safe_dump(SERVICES)
    mentioned = {int(port) for port in re.findall(r"(?:localhost:|'spark-master', |'localhost', |\":)(\d{4,5})", text)}
    published = {
        int(part) for service in SERVICES.values() for port in service.get("ports", []) for part in port.split(":")[1:]
    }
    assert mentioned
    assert published
    assert mentioned | published <= known


def test_every_host_in_the_settings_is_a_service(settings):
    hosts = {
        urlsplit(url).hostname
        for url in (
            settings.s3_endpoint_url,
            settings.postgres_dsn.get_secret_value(),
            settings.spark_master,
            settings.airflow_url,
            "redis://" + settings.redis_url.get_secret_value(),
        )
    }
    assert hosts <= set(SERVICES)


def test_images_are_pinned_and_every_service_is_watched():
    for name, service in SERVICES.items():
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), name
        assert "latest" not in service["image"]
        if service["restart"] != "no":
            assert service["healthcheck"]["test"], name


def test_every_secret_comes_from_the_environment_and_has_no_default():
    found = variables(SERVICES)
    assert found
    assert all(required for _, required in found), "a variable without a value must stop Compose"
    example = (PROJECT_ROOT / "docker" / ".env.example").read_text()
    listed = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert set(listed) == {name for name, _ in found}
    assert set(listed.values()) == {""}
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if any(word in name for word in ("PASSWORD", "SECRET", "TOKEN", "KEY")) and value:
                assert VARIABLE.fullmatch(value), name


def test_nothing_is_published_beyond_this_machine():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_command_is_one_that_can_be_served():
    served = {service["command"][1] for service in OWN.values() if service["command"][0] == "serve"}
    assert served == {str(service) for service in Service}
