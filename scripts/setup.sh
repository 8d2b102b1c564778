#!/usr/bin/env bash
# Makes sure that everything the build needs is on this machine; asks nothing. Costs milliseconds when it is.
#   usage: scripts/setup.sh [test]      (test: also the interpreters that the tests run the example clients with)
# On Debian and its relatives, as root, what is missing is installed by apt. Anyone else is told what to install.
set -euo pipefail

swift_wanted=6.3
# pkg-config module → Debian package
needs=(libsodium:libsodium-dev lmdb:liblmdb-dev libseccomp:libseccomp-dev zlib:zlib1g-dev)

missing_packages() {
    if ! command -v pkg-config >/dev/null 2>&1; then
        printf '%s\n' pkg-config
        for need in "${needs[@]}"; do printf '%s\n' "${need#*:}"; done
        return
    fi
    for need in "${needs[@]}"; do
        pkg-config --exists "${need%%:*}" || printf '%s\n' "${need#*:}"
    done
}

# What tests of the example clients want; without it they say that they were skipped.
missing_for_tests() {
    command -v python3 >/dev/null 2>&1 || printf '%s\n' python3
    command -v node >/dev/null 2>&1 || printf '%s\n' nodejs
    # Node 22 has a WebSocket of its own.
    if ! command -v node >/dev/null 2>&1 || ! node -e 'process.exit(globalThis.WebSocket ? 0 : 1)'; then
        [ -e /usr/share/nodejs/ws ] || node -e 'require("ws")' >/dev/null 2>&1 || printf '%s\n' node-ws
    fi
    # Networks of their own, which only root can make.
    if [ "$(id -u)" -eq 0 ]; then
        PATH="$PATH:/usr/sbin:/sbin" command -v ip >/dev/null 2>&1 || printf '%s\n' iproute2
        PATH="$PATH:/usr/sbin:/sbin" command -v nft >/dev/null 2>&1 || printf '%s\n' nftables
    fi
}

fail() {
    printf 'error[setup]: %s\n' "$1" >&2
    printf 'hint: %s\n' "$2" >&2
    exit 1
}

check_swift() {
    command -v swift >/dev/null 2>&1 ||
        fail "there is no swift on the PATH" "install Swift $swift_wanted or later: https://www.swift.org/install/linux/"
    # `swiftc -print-target-info` is the cheap question: it starts no package manager.
    local version
    version=$(swiftc --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    [ -n "$version" ] || fail "swift does not tell its version" "run 'swift --version' and mend what it says"
    [ "$(printf '%s\n%s\n' "$swift_wanted" "$version" | sort -V | head -n 1)" = "$swift_wanted" ] ||
        fail "this is Swift $version, Plasmid needs $swift_wanted or later" "https://www.swift.org/install/linux/"
}

install_packages() {
    local log
    log=$(mktemp)
    printf 'setup: installing %s\n' "$*"
    export DEBIAN_FRONTEND=noninteractive
    # The package lists of a fresh machine are empty or old; they are fetched only because something is missing.
    # One foreign package source out of order fails `update` as a whole; what counts is whether the install works.
    apt-get update -q >"$log" 2>&1 </dev/null || true
    if ! apt-get install -q -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt could not install: $*" "the lines above are apt's own; mend that and run the command again"
    fi
    rm -f "$log"
}

case "$(uname -s)" in
    Linux) ;;
    *) fail "Plasmid runs on Linux; this is $(uname -s)" "use a Linux machine or container" ;;
esac
check_swift
if [ "${1:-}" = test ]; then
    mapfile -t wanted < <(missing_for_tests)
    if [ "${#wanted[@]}" -ne 0 ]; then
        if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
            (install_packages "${wanted[@]}") || printf 'setup: tests that need %s will be skipped\n' "${wanted[*]}" >&2
        else
            printf 'setup: not there: %s; tests that need them are skipped\n' "${wanted[*]}" >&2
        fi
    fi
fi
if [ "${1:-}" = test ]; then "$(dirname "$0")/interop.sh"; fi
mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    fail "missing: ${missing[*]} (Debian's names)" "install your system's packages of these libraries, with headers and pkg-config files"
fi
if [ "$(id -u)" -ne 0 ]; then
    fail "missing: ${missing[*]}" "as root: apt-get update && apt-get install -y ${missing[*]}"
fi
install_packages "${missing[@]}"
mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -eq 0 ] || fail "still missing after the installation: ${missing[*]}" "see 'apt-get install ${missing[*]}'"
