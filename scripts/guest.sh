#!/usr/bin/env bash
# Lockstep as its users have it: a package of their own (Tests/Guest), whose targets bear the names of
# Lockstep's folders, without MPI, in debug mode. The address sanitizer watches over it: a model is used
# after its trainer, its loader and their workspaces are gone.
#
#   scripts/guest.sh
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
cd "$root"
[[ $# -eq 0 ]] || fail "usage: guest.sh" 2

say "Building a user's package, without MPI"
# The plan of a former build would be taken as long as the guest's own manifest stays the same, though Lockstep's may
# have changed.
options=(
  --package-path Tests/Guest --scratch-path .build-guest --disable-build-manifest-caching --sanitize=address
  -Xcc -O2)
swift build "${options[@]}"
say "Running it"
# The leak checker would need ptrace, which containers forbid.
output=$(ASAN_OPTIONS=detect_leaks=0 "$(swift build "${options[@]}" --show-bin-path)/Guest" \
  Tests/Fixtures/ForeignModels/gpt2-float32)
printf '%s\n' "$output"
grep -qx 'line 9.798 1.000' <<<"$output" || fail "the line is another one: see above"
grep -q '^opened ' <<<"$output" || fail "no model was opened: see above"
grep -q '^asked .*tokenizer.json is missing' <<<"$output" || fail "no conversation was begun: see above"
grep -qx 'key No such file or directory' <<<"$output" || fail "no key was looked for: see above"
