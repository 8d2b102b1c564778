#!/usr/bin/env bash
# Follows tutorials word by word in a fresh folder: writes their files, runs their commands, keeps their other terminals in the
# background, and looks for what they say will be seen. Fails where a reader would be stuck. Needs a debug build (`make build`).
#   usage: scripts/tutorial.sh [PAGE…]      (default: docs/tutorials/by-hand.md, then first-module.md with sharing.md)
#
# Of a page, these blocks count: ```sh is typed in the first terminal; ```sh refused too, and has to fail; ```console is typed in
# a terminal of its own; ```text is what the last command shows, where … stands for anything; every other block is a file, whose
# name is the last line before it that begins with a `name`.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
if [ "$#" -eq 0 ]; then
    "$0" docs/tutorials/by-hand.md
    exec "$0" docs/tutorials/first-module.md docs/tutorials/sharing.md
fi
work=$(mktemp -d)
background=()
last=
finish() {
    status=$?
    for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done
    # Whoever started this may have signals blocked, and the programs inherit that.
    for pid in "${background[@]}"; do
        for _ in $(seq 1 50); do kill -0 "$pid" 2>/dev/null && sleep 0.1 || break; done
        kill -KILL "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    if [ "$status" -eq 0 ]; then
        rm -rf "$work"
    else
        [ -z "$last" ] || cat "$last" >&2
        for log in "$work"/*.log; do [ ! -s "$log" ] || tail -n 30 "$log" >&2; done
        printf 'error[tutorial]: step failed; what it left is in %s\n' "$work" >&2
    fi
}
trap finish EXIT

# The checkout may have any name; the tutorials say plasmid.
ln -s "$root" "$work/plasmid"
cd "$work"

# One file for each block, numbered in order: NNN.sh, .refused, .console, .text, and .file with its name on the first line.
page=0
for name in "$@"; do
    page=$((page + 1))
    awk -v out="$work/step.$page" '
        /^```/ {
            if (block) { block = 0; close(file); next }
            kind = substr($0, 4); block = 1; number++
            suffix = kind == "sh refused" ? "refused" : kind ~ /^(sh|console|text)$/ ? kind : "file"
            file = sprintf("%s.%03d.%s", out, number, suffix)
            if (suffix == "file") print name > file
            next
        }
        block { print > file; next }
        /^`[^`]*`/ { split($0, parts, "`"); name = parts[2] }
    ' "$root/$name"
done

wait_for() {
    for _ in $(seq 1 1200); do
        if eval "$1"; then return 0; fi
        sleep 0.1
    done
    printf 'error[tutorial]: waited for nothing: %s\n' "$1" >&2
    return 1
}

# What the reader is told to expect: each line of a file, where … stands for anything.
expect() {
    local line pattern
    while IFS= read -r line; do
        pattern=$(printf '%s' "$line" | sed 's/[][\.*^$/]/\\&/g; s/…/.*/g')
        grep -q -- "$pattern" "$2" || {
            printf 'error[tutorial]: no "%s" in what was shown\n' "$line" >&2
            exit 1
        }
    done <"$1"
}

# How often `plasmid dev` has taken something up, or said why not.
taken_up() { grep -c -E 'after the save|^✗ ' "$work/dev.log" || true; }

# Runs in this shell, since a reader's terminal keeps its folder and variables too.
type_in() {
    last="$work/$1.out"
    sed 's/^/+ /' "$work/$1"
    # shellcheck disable=SC1090
    . "$work/$1" >"$last" 2>&1
    cat "$last"
}

start() {
    local command=$1
    printf '+ %s   (in a terminal of its own)\n' "$command"
    case "$command" in
        'plasmid run'*)
            # Nobody types here, and two free ports keep out of the way of others.
            plasmid keys init --cost moderate --passphrase fd:3 3<"$passphrase" >/dev/null
            (eval "exec $command --port 0 --passphrase fd:3") 3<"$passphrase" >"$work/run.log" 2>&1 &
            background+=($!)
            wait_for '[ -s data/plasmid/ports.json ]'
            ;;
        'plasmid dev'*)
            (eval "exec $command --port 0") >"$work/dev.log" 2>&1 &
            background+=($!)
            wait_for 'grep -q "^watching" "$work/dev.log"'
            ;;
        *)
            (eval "exec $command") >"$work/signals.log" 2>&1 &
            background+=($!)
            # It says on standard error that it listens.
            wait_for '[ -s "$work/signals.log" ]'
            ;;
    esac
}

passphrase="$work/passphrase"
printf 'correct horse battery staple\n' >"$passphrase"
saved=

for step in step.*.*; do
    case "$step" in
        *.out) continue ;;
        *.file)
            name=$(head -n 1 "$work/$step")
            printf '+ write %s\n' "$name"
            [ -n "$saved" ] || [ ! -e "$work/dev.log" ] || saved=$(taken_up)
            mkdir -p "$(dirname "$name")"
            tail -n +2 "$work/$step" >"$name"
            continue
            ;;
    esac
    if [ -n "$saved" ]; then
        wait_for '[ "$(taken_up)" -gt "$saved" ]'
        saved=
    fi
    case "$step" in
        *.console) start "$(cat "$work/$step")" ;;
        *.text) expect "$work/$step" "$last" ;;
        *.sh) type_in "$step" ;;
        *.refused)
            last="$work/$step.out"
            sed 's/^/+ /' "$work/$step"
            # shellcheck disable=SC1090
            if (. "$work/$step") >"$last" 2>&1; then
                printf 'error[tutorial]: it was not refused\n' >&2
                exit 1
            fi
            cat "$last"
            ;;
    esac
done

# The package has no pins, and SwiftPM's folders of what it fetches are empty.
if [ -e Package.resolved ] || [ -n "$(ls -A .build/checkouts .build/repositories 2>/dev/null | grep -v -e ':$' -e '^$')" ]; then
    printf 'error[tutorial]: the package has fetched something\n' >&2
    exit 1
fi
wait_for 'grep -q greeted "$work/signals.log"'
printf 'the tutorial holds: %s\n' "$*"
