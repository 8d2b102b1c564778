#!/bin/bash
# Writes Sources/Transport/Protobuf/*.pb.swift anew from the .proto files beside them. Both are committed, so that a build
# needs no protoc. Wants protoc (3.21) and protoc-gen-swift of the swift-protobuf that Package.resolved names.
set -euo pipefail
cd "$(dirname "$0")/../Sources/Transport/Protobuf"
command -v protoc protoc-gen-swift >/dev/null || { echo 'protoc or protoc-gen-swift is missing' >&2; exit 3; }
protoc --proto_path=. --swift_out=. --swift_opt=Visibility=Internal ./*.proto
