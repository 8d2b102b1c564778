#!/usr/bin/env bash
# Formats every Swift file of the repository, or says which ones are not formatted.
#   usage: scripts/format.sh lint | format
set -euo pipefail

# Generated code keeps the shape of its generator, and a file that a test wants faulty keeps its faults.
files() { git ls-files -z --cached --others --exclude-standard -- '*.swift' ':!*.pb.swift' ':!Tests/*/Faulty/*'; }

case "${1:-}" in
    lint) files | xargs -0 -r swift format lint --strict --parallel ;;
    format) files | xargs -0 -r swift format format --in-place --parallel ;;
    *)
        printf 'usage: scripts/format.sh lint | format\n' >&2
        exit 2
        ;;
esac
