#!/usr/bin/env bash
# Makes records.pb.swift of records.proto, after a change to it:
#
#     swift build && scripts/make-protobuf.sh
#
# Needs protoc (Debian: protobuf-compiler). The generator is built from the sources of swift-protobuf that the package
# was built with, so that both are of one version; the result is committed, since the generator takes minutes to build.
set -euo pipefail
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=launch/common.sh
source launch/common.sh

checkout=.build/checkouts/swift-protobuf
[[ -d $checkout ]] || fail "$checkout is missing: run swift build first"
provided protobuf-compiler command -v protoc
install_missing
swift build --package-path "$checkout" --scratch-path .build/protobuf --product protoc-gen-swift
folder=Sources/TensorBoard/Records
protoc --plugin=.build/protobuf/debug/protoc-gen-swift --swift_opt=Visibility=Package \
  --proto_path="$folder" --swift_out="$folder" records.proto
