#!/usr/bin/env bash
# Builds everything without MPI and under the address sanitizer, and runs the tests of the library: one
# build for two claims. Lockstep needs no Open MPI where the trait is off, and memory is only used while
# something holds it, in Swift and in C.
#
#   scripts/sanitized.sh [--filter NAME]
#
# The tests of the command (IntegrationTests) are left out: they start mpirun. So is the test that trains
# every key of the configuration at both ends of its range, which takes minutes here.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
cd "$root"

options=(--scratch-path .build-sanitized -c release --sanitize=address --disable-default-traits)
say "Building without MPI, under the address sanitizer"
swift build "${options[@]}" --build-tests
if ldd .build-sanitized/release/lockstep | grep -q libmpi; then
  fail "the command without the trait MPI needs Open MPI all the same"
fi
say "Testing"
# Leaks are not looked for: that needs ptrace, which containers forbid.
ASAN_OPTIONS=detect_leaks=0 swift test "${options[@]}" --skip-build --skip '^IntegrationTests\.' \
  --skip ConfigurationEndsTests "$@"
