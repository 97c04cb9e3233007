"""What the doctor finds, and that a broken check is a finding and no crash."""

import tomllib

import pytest

from habitlake.errors import PermanentError
from habitlake.runtime import doctor
from habitlake.settings import PROJECT_ROOT, Settings

LOCK = """# a comment
alpha==1.2 ; python_full_version < '4' \\
    --hash=sha256:aa
beta==2.0 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
gamma==3.0 ; sys_platform == 'no-such-platform' \\
    --hash=sha256:dd
"""


@pytest.mark.parametrize(
    ("installed", "differing"),
    [
        ({"alpha": "1.2", "beta": "2.0"}, []),
        ({"alpha": "1.2", "beta": "2.1"}, ["beta"]),
        ({"alpha": "1.2"}, ["beta"]),
    ],
)
def test_packages_are_compared_with_the_lock(installed, differing):
    found = doctor.lock_differences(LOCK, installed.get)
    assert [line.partition("==")[0] for line in found] == differing


def test_this_environment_is_as_locked(tmp_path):
    assert doctor._packages(Settings(home=tmp_path, _env_file=None)).state == "ok"


def test_tensorflow_is_optional_and_when_there_as_locked(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path, _env_file=None)
    monkeypatch.setattr(doctor, "_installed_version", lambda _: None)
    absent = doctor._tensorflow(settings)
    assert (absent.state, absent.mend) == ("ok", "scripts/setup.sh --tensorflow")
    assert "optional" in absent.found
    monkeypatch.setattr(doctor, "_installed_version", lambda _: "1.0")
    assert doctor._tensorflow(settings).state == "fail"


def test_both_locks_agree_and_hold_what_the_extra_asks_for():
    def pins(name):
        lines = (PROJECT_ROOT / name).read_text().splitlines()
        return dict(line.split()[0].split("==") for line in lines if "==" in line and line[0].isalpha())

    every_night, fitting = pins("requirements.lock"), pins("requirements-tensorflow.lock")
    shared = every_night.keys() & fitting.keys()
    assert "numpy" in shared
    assert {name: every_night[name] for name in shared} == {name: fitting[name] for name in shared}
    extra = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {line.split(";")[0].partition("==")[::2] for line in extra["tensorflow"]}
    assert asked <= set(fitting.items())
    assert not any(name.startswith("tensorflow") for name in every_night)


def test_a_landing_that_is_a_file_fails(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    settings = Settings(home=tmp_path, landing=str(file / "landing"), _env_file=None)
    assert doctor._locations(settings).state == "fail"


def test_a_broken_check_is_a_finding(tmp_path, monkeypatch):
    def broken(_):
        raise PermanentError("it broke")

    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    assert [
        (finding.state, finding.found) for finding in doctor.run_checks(Settings(home=tmp_path, _env_file=None))
    ] == [("fail", "it broke")]


def test_every_failure_says_how_to_mend_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    findings = {finding.name: finding for finding in doctor.run_checks(Settings(home=tmp_path, _env_file=None))}
    assert findings["java"].state == "fail"
    assert all(finding.mend for finding in findings.values() if finding.state != "ok")
