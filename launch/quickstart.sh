#!/usr/bin/env bash
# From a fresh machine to generated text: installs what is missing, builds, trains a small GPT on the
# King James Bible, and compares it with gzip and xz.
#
#   launch/quickstart.sh [--steps N]      # N: a shorter run, for a first try
#
# Needs Swift, git, and a Debian or Ubuntu on which it may install packages (as root, or by sudo).
# The run is kept in runs/kjv; called again, it is resumed if it was stopped, or shown if complete.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: quickstart.sh [--steps N]"
run=runs/kjv
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --steps)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "$usage" 2
      # A run of its own: the schedule ends where it ends.
      run=runs/kjv-$2
      arguments=(--set "steps=$2" --set "schedule.warmup_steps=$(($2 / 20))")
      shift 2
      ;;
    *) fail "$usage" 2 ;;
  esac
done
cd "$root"

provide_libraries
provided bible-kjv command -v bible
provided bible-kjv-text bible -f gen1:1
provided xz-utils command -v xz
install_missing
build
lockstep=$(lockstep_binary)

say "Preparing the text"
mkdir -p data/kjv
bible -f gen1:1-rev22:21 >data/kjv/kjv.txt.part
mv data/kjv/kjv.txt.part data/kjv/kjv.txt
"$lockstep" prepare data/kjv/kjv.txt --output data/kjv --tokenizer bpe --vocabulary-size 4096

if [[ -e $run/summary.json ]]; then
  say "$run is complete; to train anew: rm -r $run"
else
  # Two ranks, as on a cluster; on one core one, which ends with the same bits.
  ranks=2
  if [[ $(processors) -eq 1 ]]; then ranks=1; fi
  if [[ -e $run/config.yaml ]]; then arguments+=(--resume); fi
  say "Training on $ranks rank(s)"
  status=0
  launch launch/local.sh "$ranks" configs/kjv.yaml --output "$run" ${arguments[@]+"${arguments[@]}"} ||
    status=$?
  if [[ $status -eq 75 ]]; then fail "saved in $run; call again to go on" 75; fi
  if [[ $status -ne 0 ]]; then exit "$status"; fi
fi

say "Evaluating on the held-out text"
# Windows overlap by half: each token is predicted from at least 64 before it. (A compressor may look
# back at everything.)
"$lockstep" evaluate "$run" --stride 64
lockstep_bits=$("$lockstep" evaluate "$run" --stride 64 --json |
  sed -n 's/.*"bits_per_byte" *: *\([0-9.e+-]*\).*/\1/p' | head -n 1)

# What a compressor needs for the held-out text, given the text before it: how much longer its output
# gets by the held-out text, in bits for each byte of it.
held_out=$(sed -n '/"validation" *: *{/,/}/ s/.*"bytes" *: *\([0-9]*\).*/\1/p' data/kjv/dataset.json)
total=$(wc -c <data/kjv/kjv.txt)
bits_per_byte() {
  local whole before
  whole=$("$@" <data/kjv/kjv.txt | wc -c)
  before=$(head -c "$((total - held_out))" data/kjv/kjv.txt | "$@" | wc -c)
  awk "BEGIN { printf \"%.2f\", ($whole - $before) * 8 / $held_out }"
}
say "Bits for each byte of the held-out text ($held_out bytes), given the text before it"
printf '%-10s %s\n' \
  "gzip -9" "$(bits_per_byte gzip -9)" \
  "xz -9e" "$(bits_per_byte xz -9e)" \
  "Lockstep" "$(awk "BEGIN { printf \"%.2f\", ${lockstep_bits:?lockstep evaluate gave none} }")"

say "In the beginning"
"$lockstep" generate "$run" --prompt "In the beginning"
