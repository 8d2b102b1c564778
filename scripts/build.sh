#!/usr/bin/env bash
# swift build, quietly: on a terminal swift's own progress line; elsewhere one line at the start and one at the end, and
# the whole log only when the build fails.
#   usage: scripts/build.sh WHAT [swift build options]      (WHAT is a word for the reader, such as "debug")
set -euo pipefail

what=$1
shift
if [ -t 1 ]; then
    exec swift build "$@"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ -d .build/debug ] || [ -d .build/release ] || printf 'build: %s, the first time takes some minutes\n' "$what"
start=$SECONDS
if ! swift build "$@" >"$log" 2>&1; then
    cat "$log" >&2
    printf 'error[build]: swift build %s failed\n' "$*" >&2
    exit 1
fi
printf 'build: %s ready in %d s\n' "$what" $((SECONDS - start))
