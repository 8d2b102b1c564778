#!/usr/bin/env bash
# Makes the Python environment, with py-libp2p, in which the peer of the transport's interop tests runs
# (Tests/Interop/libp2p_peer.py). Kept in .build/interop; costs milliseconds when it is there. Where it cannot be had, it
# says so and the tests that need it say that they were skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=Tests/Interop/libp2p-requirements.txt
place=.build/interop/libp2p
log=.build/interop/libp2p.log

skip() {
    printf 'setup: %s; the interop tests with py-libp2p are skipped\n' "$1" >&2
    exit 0
}

command -v python3 >/dev/null 2>&1 || skip 'there is no python3'
wanted="$(python3 --version) $(sha256sum <"$requirements")"
[ -f "$place/ready" ] && [ "$(cat "$place/ready")" = "$wanted" ] && exit 0

mkdir -p .build/interop
install() {
    rm -rf "$place"
    # fastecdsa, which py-libp2p names and never needs here, is compiled where no wheel fits; any C compiler will do.
    if ! command -v cc >/dev/null 2>&1 && command -v clang >/dev/null 2>&1; then export CC=clang; fi
    python3 -m venv "$place" &&
        timeout 300 "$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            --retries 1 --timeout 15 -r "$requirements"
}

printf 'setup: fetching py-libp2p for the interop tests (once)\n'
if ! install >"$log" 2>&1 </dev/null; then
    if grep -qiE 'connection|network|resolve|timed out|no matching distribution' "$log" && ! grep -qi 'gmp' "$log"; then
        skip "the Python package registry does not answer ($log)"
    fi
    command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ] || skip "py-libp2p cannot be installed ($log)"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -q || true; apt-get install -q -y --no-install-recommends python3-venv python3-dev libgmp-dev gcc libc6-dev; } \
        >>"$log" 2>&1 </dev/null || skip "what py-libp2p is built with cannot be installed ($log)"
    install >>"$log" 2>&1 </dev/null || skip "py-libp2p cannot be installed ($log)"
fi
printf '%s' "$wanted" >"$place/ready"
