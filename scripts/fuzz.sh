#!/bin/sh
# Usage: scripts/fuzz.sh BUILD_DIR SECONDS. Runs every fuzz target of the build for that long (the transport engine for
# ten times as long), from the seeds in fuzz/corpus/NAME. What it finds on the way is kept in the build; a crash stops
# the run and leaves its input there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
seconds=$2
count=0
for target in "$build"/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name=$(basename "$target")
    name=${name#fuzz_}
    found="$build/corpus/$name"
    mkdir -p "$found"
    seeds="$root/fuzz/corpus/$name"
    [ -d "$seeds" ] || seeds=
    time=$seconds
    [ "$name" = transport ] && time=$((10 * seconds))
    echo "fuzz: $name for $time s"
    "$target" -max_total_time="$time" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="$build/$name-" "$found" ${seeds:+"$seeds"}
    count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "fuzz: no targets in $build" >&2; exit 1; }
echo "fuzz: $count targets clean"
