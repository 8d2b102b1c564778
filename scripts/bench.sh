#!/usr/bin/env bash
# Builds a release and measures: every figure with its floor and budget, to .build/bench/results.json.
#   usage: scripts/bench.sh [options of plasmid bench]      (for example --quick, --only calls)
set -euo pipefail

cd "$(dirname "$0")/.."
scripts/build.sh release -c release
load=$(cut -d ' ' -f 1 /proc/loadavg)
printf 'bench: %s processors, load %s: other work on the machine is in every figure and in every floor\n' "$(nproc)" "$load"
exec .build/release/plasmid bench "$@"
