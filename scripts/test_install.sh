#!/bin/sh
# Usage: scripts/test_install.sh BUILD_DIR. Installs the library built in BUILD_DIR into a scratch prefix, then builds
# and runs tests/installation, a foreign project that finds it by find_package(spectralot).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
cmake=${CMAKE:-cmake}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$cmake" --install "$build" --component development --prefix "$scratch/first" >/dev/null
# The package must not remember where it was installed first.
mv "$scratch/first" "$scratch/prefix"
if grep -rlE "$root|$build" "$scratch/prefix" --include='*.cmake'; then
    echo "the package files above name the source or build tree" >&2
    exit 1
fi
"$cmake" -S "$root/tests/installation" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
    -DCMAKE_BUILD_TYPE=Release >/dev/null
"$cmake" --build "$scratch/build" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
"$scratch/build/consumer"
