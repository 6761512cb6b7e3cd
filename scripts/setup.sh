#!/bin/sh
# Usage: scripts/setup.sh [clang] [bench] [browser] [long]. Installs what is missing and nothing else: the Debian packages
# listed in scripts/apt-packages.txt, and the Python packages pinned in requirements-dev.txt, into .venv. `clang` adds
# what tidy, format and fuzz need, `bench` the peers of the benchmarks, `browser` what the tests of animations need,
# `long` what the other long tests need. When all is there it touches no network.
set -eu
cd "$(dirname "$0")/.."
apt_groups="core"
requirements="requirements-dev.txt"
for group in "$@"; do
    case $group in
        clang | browser) apt_groups="$apt_groups $group" ;;
        bench) requirements="$requirements requirements-bench.txt" ;;
        long) requirements="$requirements requirements-long.txt" ;;
        *) echo "setup: unknown group '$group' (clang, bench, browser, long)" >&2; exit 2 ;;
    esac
done

# Debian packages
if command -v dpkg-query >/dev/null; then
    wanted=$(awk -v groups=" $apt_groups " '!/^#/ && index(groups, " " $1 " ") { print $2 }' scripts/apt-packages.txt)
    # shellcheck disable=SC2086  # a list of words
    present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
        awk '$1 == "installed" { print $2 }')
    missing=$(for package in $wanted; do
        echo "$present" | grep -qx "$package" || printf '%s ' "$package"
    done)
    if [ -n "$missing" ]; then
        if [ "$(id -u)" -ne 0 ]; then
            echo "setup: Debian packages are missing; as root run: apt-get install --no-install-recommends $missing" >&2
            exit 1
        fi
        echo "setup: installing Debian packages: $missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update
        # shellcheck disable=SC2086
        apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install $missing \
            </dev/null >.setup.log 2>&1 || { cat .setup.log >&2; exit 1; }
        rm -f .setup.log
    fi
fi

# .venv
python=.venv/bin/python
if ! $python -c '' 2>/dev/null; then
    for base in "${PYTHON:-python3}" /usr/bin/python3 none; do
        "$base" - 2>/dev/null <<'PY' && break
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
sys.exit(not (sys.version_info >= (3, 11) and os.path.exists(header)))
PY
    done
    if [ "$base" = none ]; then
        echo "setup: no Python 3.11 or newer with venv and headers was found; set PYTHON to one" >&2
        exit 1
    fi
    echo "setup: creating .venv with $($base --version)"
    "$base" -m venv --clear .venv
fi

# Python packages
# shellcheck disable=SC2086
missing=$($python - $requirements <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

for path in sys.argv[1:]:
    for line in open(path):
        name, _, pinned = line.partition("#")[0].strip().partition("==")
        try:
            current = not name or version(name) == pinned
        except PackageNotFoundError:
            current = False
        if not current:
            print(f"{name}=={pinned}", end=" ")
PY
)
if [ -n "$missing" ]; then
    echo "setup: installing into .venv: $missing"
    # Two -q: errors only.
    # shellcheck disable=SC2046
    $python -m pip install -q -q --disable-pip-version-check $(for file in $requirements; do echo -r "$file"; done)
fi

# The package itself is used in place: CMake writes the extension module beside the Python files.
link=$($python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/spectralot.pth
[ "$(cat "$link" 2>/dev/null)" = "$PWD/python" ] || echo "$PWD/python" >"$link"
