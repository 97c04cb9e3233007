"""Finding Java, which Spark needs."""

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from habitlake.errors import PermanentError

MINIMUM_VERSION = 17
HINT = (
    "install Java 17 or newer: Debian/Ubuntu `apt-get install openjdk-17-jre-headless`, Fedora `dnf install"
    " java-17-openjdk-headless`, macOS `brew install openjdk@17`, or set JAVA_HOME"
)


def java_version() -> int | None:
    """Return the major version of the Java that Spark would use, or None when there is none."""
    home = os.environ.get("JAVA_HOME")
    binary = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if not binary or not shutil.which(binary):
        return None
    result = subprocess.run([binary, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)(?:\.(\d+))?', result.stderr + result.stdout)
    if not found:
        return None
    major = int(found.group(1))
    return int(found.group(2) or 0) if major == 1 else major


@lru_cache(maxsize=1)
def require_java() -> int:
    """Return the version of Java.

    Raises
    ------
    PermanentError
        If there is none or it is too old; the message says how to install it.
    """
    version = java_version()
    if version is None:
        msg = f"Java was not found; {HINT}"
        raise PermanentError(msg)
    if version < MINIMUM_VERSION:
        msg = f"Java {version} is too old; {HINT}"
        raise PermanentError(msg)
    return version
