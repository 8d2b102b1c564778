#!/usr/bin/env bash
# Follows the tutorial of README.md word by word in a fresh folder: writes its files, runs its commands, and keeps its second
# and third terminal in the background. Fails where a reader would be stuck. Needs a debug build (`make build`).
#   usage: scripts/tutorial.sh
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
background=()
last=
finish() {
    status=$?
    for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ "$status" -eq 0 ]; then
        rm -rf "$work"
    else
        [ -z "$last" ] || cat "$last" >&2
        printf 'error[tutorial]: step failed; what it left is in %s\n' "$work" >&2
    fi
}
trap finish EXIT

# The checkout may have any name; the tutorial says plasmid.
ln -s "$root" "$work/plasmid"
cd "$work"

# One file for each block of the section, numbered in order: NN.sh, NN.console, and NN.file with its name on the first line.
awk -v out="$work/step" '
    /^## / { inside = /Ten minutes/ }
    !inside { next }
    /^```/ {
        if (block) { block = 0; close(file); next }
        kind = substr($0, 4); block = 1; number++
        suffix = (kind == "sh" || kind == "console") ? kind : "file"
        file = sprintf("%s.%02d.%s", out, number, suffix)
        if (suffix == "file") print name > file
        next
    }
    block { print > file; next }
    /^`[^`]*`/ { split($0, parts, "`"); name = parts[2] }
' "$root/README.md"

wait_for() {
    for _ in $(seq 1 600); do
        if eval "$1"; then return 0; fi
        sleep 0.1
    done
    printf 'error[tutorial]: waited for nothing: %s\n' "$1" >&2
    return 1
}

# What the reader is told to expect.
expect() {
    grep -q "$2" $1 || {
        last=
        printf 'error[tutorial]: no "%s" in what was printed\n' "$2" >&2
        exit 1
    }
}

passphrase="$work/passphrase"
printf 'correct horse battery staple\n' >"$passphrase"

for step in step.*.*; do
    # shellcheck disable=SC1090
    case "$step" in
        *.file)
            name=$(head -n 1 "$work/$step")
            printf '+ write %s\n' "$name"
            mkdir -p "$(dirname "$name")"
            tail -n +2 "$work/$step" >"$name"
            ;;
        *.console)
            command=$(cat "$work/$step")
            printf '+ %s   (in the background)\n' "$command"
            case "$command" in
                'plasmid run'*)
                    # Nobody types here, and two free ports keep out of the way of others.
                    plasmid keys init --cost moderate --passphrase fd:3 3<"$passphrase" >/dev/null
                    eval "$command --port 0 --passphrase fd:3" 3<"$passphrase" >"$work/run.log" 2>&1 &
                    background+=($!)
                    wait_for '[ -s data/plasmid/ports.json ]'
                    ;;
                *)
                    eval "$command" >"$work/signals.log" 2>&1 &
                    background+=($!)
                    wait_for "kill -0 $! 2>/dev/null"
                    ;;
            esac
            ;;
        *.sh)
            sed 's/^/+ /' "$work/$step"
            # In this shell, since a reader's terminal keeps its folder and variables too.
            last="$work/$step.out"
            . "$work/$step" >"$last" 2>&1
            cat "$last"
            ;;
    esac
done

expect "$work/step.*.out" 'What a lovely evening'
expect "$work/step.*.out" 'thank you, uhCAk'
expect "$work/step.*.out" 'Create'
wait_for '[ -s "$work/signals.log" ]'
expect "$work/signals.log" 'greeted'
printf 'the tutorial holds\n'
