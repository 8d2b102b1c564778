#!/usr/bin/env bash
# Makes the pages of the libraries for app developers, to .build/docs, and fails on a link that leads nowhere. Needs a debug
# build with tests; fetches nothing.
#   usage: scripts/docs.sh
set -euo pipefail

cd "$(dirname "$0")/.."
tools=$(dirname "$(readlink -f "$(command -v swift)")")
target=$(swiftc -print-target-info | sed -nE 's/.*"unversionedTriple": "([^"]+)".*/\1/p' | head -n 1)
flags=(-target "$target" -I .build/debug/Modules -I Sources/CZome/include -minimum-access-level public)
for map in CSodium CLMDB CSeccomp; do flags+=(-Xcc "-fmodule-map-file=Sources/$map/module.modulemap"); done
while IFS= read -r map; do flags+=(-Xcc "-fmodule-map-file=$map"); done < <(find -L .build/debug -maxdepth 2 -name module.modulemap)
while IFS= read -r folder; do flags+=(-I "$folder"); done < <(find .build/checkouts -type d -path '*/Sources/*/include')

for module in HDK HDKTesting TestKit; do
    graphs=.build/docs/graphs/$module
    rm -rf "$graphs" ".build/docs/$module"
    mkdir -p "$graphs"
    "$tools/swift-symbolgraph-extract" -module-name "$module" "${flags[@]}" -output-dir "$graphs"
    "$tools/docc" convert "Sources/$module/$module.docc" --additional-symbol-graph-dir "$graphs" \
        --fallback-display-name "$module" --fallback-bundle-identifier "plasmid.$module" \
        --transform-for-static-hosting --output-path ".build/docs/$module" >"$graphs/said" 2>&1 || {
        cat "$graphs/said" >&2
        exit 1
    }
    # A parameter whose name says it all needs no sentence; a link that leads nowhere is a fault.
    if grep -E '^(warning|error):' "$graphs/said" | grep -v 'is missing documentation$' >"$graphs/faults"; then
        cat "$graphs/faults" >&2
        printf 'error[docs]: %s\nhint: the places stand in %s\n' "$module has links that lead nowhere" "$graphs/said" >&2
        exit 1
    fi
done
printf 'docs: .build/docs/{HDK,HDKTesting,TestKit}\n'
