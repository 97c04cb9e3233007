"""What this machine and this world have and lack, and how to mend it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from habitlake.errors import HabitlakeError
from habitlake.runtime import java, postgres, spark_server
from habitlake.runtime.jars import jar_folder
from habitlake.settings import PROJECT_ROOT, Settings
from habitlake.storage import is_remote

GIB = 1024**3
MIN_MEMORY_GIB = 6
MIN_DISK_GIB = 5
PYTHON = (3, 11)
INSTALL_TENSORFLOW = "scripts/setup.sh --tensorflow"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: ok, warn or fail, what was found, and how to mend it."""

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as plain values."""
        return asdict(self)


def _python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] == PYTHON
    return Finding(
        "python",
        "ok" if good else "fail",
        version,
        "" if good else "use Python 3.11; `make setup` makes the environment",
    )


def _java(_: Settings) -> Finding:
    version = java.java_version()
    if version is None or version < java.MINIMUM_VERSION:
        return Finding("java", "fail", "none" if version is None else str(version), java.HINT)
    return Finding("java", "ok", str(version))


def _memory(_: Settings) -> Finding:
    free = psutil.virtual_memory().available / GIB
    good = free >= MIN_MEMORY_GIB
    return Finding(
        "memory",
        "ok" if good else "warn",
        f"{free:.1f} GiB free",
        "" if good else "lower HABITLAKE_SPARK_DRIVER_MEMORY",
    )


def _disk(settings: Settings) -> Finding:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free / GIB
    good = free >= MIN_DISK_GIB
    return Finding(
        "disk",
        "ok" if good else "fail",
        f"{free:.1f} GiB free at {settings.home}",
        "" if good else "free some space, or move HABITLAKE_HOME",
    )


def _jars(settings: Settings) -> Finding:
    there = jar_folder(settings).is_dir()
    return Finding(
        "spark jars",
        "ok" if there else "warn",
        str(jar_folder(settings)),
        "" if there else "resolved from Maven Central at the first start",
    )


def _postgres(settings: Settings) -> Finding:
    if not postgres.is_running(settings):
        return Finding("postgres", "warn", "not running", "starts by itself with the next command; or `make up`")
    with postgres.connect("habitlake", settings, start_server=False) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return Finding("postgres", "ok", str(row[0]) if row else "answers")


def _spark(settings: Settings) -> Finding:
    running = spark_server.is_running(settings)
    return Finding(
        "spark connect",
        "ok" if running else "warn",
        "running" if running else "not running",
        "" if running else "starts by itself with the next night; or `make up`",
    )


def lock_differences(lock: str, installed: Callable[[str], str | None]) -> list[str]:
    """Return where the installed packages differ from the text of a lock file.

    Parameters
    ----------
    lock
        Lines ``name==version ; marker``, each with its hashes below; other lines are skipped.
    installed
        Version of a package, or None when it is not installed.
    """
    from packaging.requirements import Requirement

    differences = []
    for line in lock.splitlines():
        if "==" not in line or line.startswith((" ", "#", "-")):
            continue
        requirement = Requirement(line.rstrip(" \\"))
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = installed(requirement.name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            differences.append(f"{requirement} (installed: {version or 'none'})")
    return differences


def _installed_version(name: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages(_: Settings) -> Finding:
    lock = PROJECT_ROOT / "requirements.lock"
    if not lock.exists():
        return Finding("packages", "warn", "no requirements.lock beside the code", "run from a checkout")
    differences = lock_differences(lock.read_text(), _installed_version)
    if differences:
        found = ", ".join(differences[:3]) + (f" and {len(differences) - 3} more" if len(differences) > 3 else "")
        return Finding("packages", "fail", f"not as locked: {found}", "make setup")
    return Finding("packages", "ok", "as locked")


def _tensorflow(_: Settings) -> Finding:
    if _installed_version("tensorflow-cpu") is None and _installed_version("tensorflow") is None:
        found = "not installed, and optional: adherence is trained without the candidates that need it"
        return Finding("tensorflow", "ok", found, INSTALL_TENSORFLOW)
    lock = PROJECT_ROOT / "requirements-tensorflow.lock"
    differences = lock_differences(lock.read_text(), _installed_version) if lock.exists() else []
    if differences:
        return Finding("tensorflow", "fail", f"not as locked: {', '.join(differences[:3])}", INSTALL_TENSORFLOW)
    return Finding("tensorflow", "ok", "installed")


def _locations(settings: Settings) -> Finding:
    closed = [
        folder
        for folder in (settings.landing, settings.lake, settings.outbox)
        if not is_remote(folder) and not _writable(Path(folder))
    ]
    if closed:
        return Finding("folders", "fail", f"not writable: {', '.join(closed)}", "change their owner, or the setting")
    return Finding("folders", "ok", f"landing {settings.landing}, lake {settings.lake}, outbox {settings.outbox}")


def _writable(folder: Path) -> bool:
    """Return whether the folder, or the nearest one above it that exists, is a folder to write in."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python,
    _packages,
    _tensorflow,
    _java,
    _memory,
    _disk,
    _locations,
    _jars,
    _postgres,
    _spark,
)


def run_checks(settings: Settings) -> list[Finding]:
    """Run every check; one that breaks is a finding itself."""
    findings = []
    for check in CHECKS:
        try:
            findings.append(check(settings))
        except (HabitlakeError, OSError) as error:
            findings.append(Finding(check.__name__.strip("_"), "fail", str(error), "see the message"))
    return findings
