#!/usr/bin/env bash
# Sets up everything a fresh machine with Python 3.11 lacks: uv, the locked environment, Java.
# Does nothing when nothing changed. Usage: scripts/setup.sh [--tests] [--tensorflow]
#   --tests       also what only tests need: Redis, Chromium and TensorFlow
#   --tensorflow  also TensorFlow (1.4 GB), which fits the network of the adherence model; later runs keep it
set -euo pipefail
cd "$(dirname "$0")/.."

tests='' tensorflow=''
for option in "$@"; do
    case $option in
        --tests) tests=yes tensorflow=yes ;;
        --tensorflow) tensorflow=yes ;;
        *)
            echo "error: $option is not known; usage: scripts/setup.sh [--tests] [--tensorflow]" >&2
            exit 2
            ;;
    esac
done

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3.11 python3; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "error: Python 3.11 was not found; install it (Debian: apt-get install python3.11 python3.11-venv, macOS: brew install python@3.11) or set PYTHON" >&2
    exit 2
fi

# As root on Debian or Ubuntu system packages are installed; elsewhere a line says what to install.
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
apt_install() {
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

if [ ! -x .tools/bin/uv ]; then
    echo "==> uv into .tools"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        # Debian ships venv and pip apart from Python.
        if ! can_apt || ! apt_install python3.11-venv; then
            echo "error: $python has no venv; install it (Debian: apt-get install python3.11-venv) or set PYTHON" >&2
            exit 2
        fi
    fi
    "$python" -m venv --clear .tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8"
fi

# uv does not read pip's settings: a mirror or certificate set there is handed on.
index=${PIP_INDEX_URL:-$(.tools/bin/python -m pip config get global.index-url 2>/dev/null || true)}
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"

stamp=.venv/.locked
# Once asked for, TensorFlow stays.
[ ! -e .venv/.tensorflow ] || tensorflow=yes
locks=(requirements.lock ${tensorflow:+requirements-tensorflow.lock})
wanted="$(cat "${locks[@]}" pyproject.toml | cksum) $PWD"
found=$(cat "$stamp" 2>/dev/null || true)
# An environment does not survive a move of the project, nor the loss of its Python.
if [ ! -x .venv/bin/python ] || { [ -n "$found" ] && [ "${found%"$PWD"}" = "$found" ]; }; then
    rm -rf .venv
    found=
fi
if [ "$found" != "$wanted" ]; then
    echo "==> the locked environment into .venv (about a minute${tensorflow:+, TensorFlow as much again})"
    [ -x .venv/bin/python ] || .tools/bin/uv venv --quiet --python "$python" .venv
    # Bytecode is left to the first import: a world imports a part of what is installed, and all of it takes most of a minute.
    .tools/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes "${locks[@]}"
    .tools/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    [ -z "$tensorflow" ] || touch .venv/.tensorflow
    echo "$wanted" >"$stamp"
fi

java_binary=${JAVA_HOME:+$JAVA_HOME/bin/}java
if ! command -v "$java_binary" >/dev/null; then
    if [ -z "${JAVA_HOME:-}" ] && can_apt; then
        echo "==> Java 17 through apt-get"
        apt_install openjdk-17-jre-headless
    else
        echo "error: Java 17 or newer was not found at '$java_binary'; install it (Debian: apt-get install openjdk-17-jre-headless, Fedora: dnf install java-17-openjdk-headless, macOS: brew install openjdk@17) or set JAVA_HOME" >&2
        exit 2
    fi
fi

if [ -n "$tests" ] && ! command -v redis-server >/dev/null; then
    if can_apt; then
        echo "==> Redis through apt-get, for the tests of the online store"
        apt_install redis-server || echo "note: Redis could not be installed; its tests will be skipped" >&2
    else
        echo "note: redis-server was not found; its tests will be skipped" >&2
    fi
fi

if [ -n "$tests" ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null &&
    ! command -v google-chrome >/dev/null; then
    if can_apt; then
        echo "==> Chromium through apt-get, for the tests of the report's pages"
        apt_install chromium || echo "note: Chromium could not be installed; its tests will be skipped" >&2
    else
        echo "note: chromium was not found; its tests will be skipped" >&2
    fi
fi
