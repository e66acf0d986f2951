#!/usr/bin/env bash
# Installs what is missing, builds in release mode, and runs every test, those that start mpirun
# included. Arguments go to swift test:
#
#   launch/test.sh [--filter Settings]
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

provide_libraries
provide_browser
provide_emulator
install_missing

# Built once, in the mode in which Lockstep is used: the tests train, and would take long otherwise.
say "Building"
swift build -c release --build-tests
say "Testing"
swift test -c release --skip-build "$@"
