#!/usr/bin/env bash
# Trains every configs/*.yaml for a few steps and prints the parameters_sha256 of each: what a change
# that should not alter results is compared by.
#
#   scripts/parameters.sh [--steps N] [--ranks "1 3"] [--check]
#
#   --steps N         optimiser steps of each run, at least 2; default: 6
#   --ranks "N …"     numbers of ranks, each at most 4; default: "1 3"
#   --check           compares with scripts/parameters.txt, which holds 6 steps; status 1 where a line
#                     differs or ranks disagree
#
# The data are stand-ins made from a text of the repository, so that the lines are the same everywhere.
# Of a sweep, the parameters of all trials are hashed together.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"

usage='usage: parameters.sh [--steps N] [--ranks "N …"] [--check]'
steps=6
ranks="1 3"
check=0
while [[ $# -gt 0 ]]; do
  case $1 in
    --steps)
      [[ ${2:-} =~ ^[1-9][0-9]*$ && $2 -ge 2 ]] || fail "$usage" 2
      steps=$2
      shift 2
      ;;
    --ranks)
      [[ ${2:-} =~ ^[1-4](\ [1-4])*$ ]] || fail "$usage" 2
      ranks=$2
      shift 2
      ;;
    --check)
      check=1
      shift
      ;;
    *) fail "$usage" 2 ;;
  esac
done
[[ $check -eq 0 || $steps -eq 6 ]] || fail "--check goes with 6 steps" 2
lockstep=$(lockstep_binary)
expected=$root/scripts/parameters.txt

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$root/configs" "$folder"
cd "$folder"

# lines: those of a text that have letters, as ASCII.
lines() {
  LC_ALL=C tr -cd '[:print:]\n' <"$root/Tests/DatasetsTests/Fixtures/prose.txt" | grep '[a-z]'
}

# text: 40 times the same.
text() {
  for _ in {1..40}; do lines; done
}

# big_endian NUMBER: its four bytes.
big_endian() {
  local octal
  octal=$(printf '\\0%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))
  printf '%b' "$octal"
}

# images COUNT PREFIX: as many images of 28 × 28 pixels, and labels 0 to 9.
images() {
  local label=0
  {
    big_endian 2051
    big_endian "$1"
    big_endian 28
    big_endian 28
    head -c $(($1 * 784)) data/text.txt
  } >"data/fashion-mnist/$2-images-idx3-ubyte"
  {
    big_endian 2049
    big_endian "$1"
    for ((label = 0; label < $1; label++)); do printf '%b' "\\x0$((label * 7 % 10))"; done
  } >"data/fashion-mnist/$2-labels-idx1-ubyte"
}

mkdir -p data/kjv data/fashion-mnist data/translations
text >data/text.txt
"$lockstep" prepare data/text.txt --output data/kjv --vocabulary-size 512 --quiet
images 140 train
images 40 t10k
lines >data/translations/all.en
awk '{ for (word = NF; word > 0; word--) printf "%s ", $word; print "" }' \
  data/translations/all.en >data/translations/all.fr
"$lockstep" prepare data/translations/all.en data/translations/all.fr --pairs \
  --vocabulary-size 400 --validation-fraction 0.1 --output data/translations --quiet

# Every number of ranks needs micro-batches; a warm-up must fit into the steps.
settings=(--set "batch.microbatches=4" --set "schedule.warmup_steps=1" --set "steps=$steps"
  --set "evaluate.every=$((steps / 2))" --set "checkpoint.every=$((steps / 2))")

# hashes FOLDER: the parameters_sha256 of all runs below it, in the order of their paths.
hashes() {
  find "$1" -name summary.json | LC_ALL=C sort |
    xargs sed -n 's/.*"parameters_sha256" *: *"\([0-9a-f]*\)".*/\1/p'
}

# parameters NAME RANKS: trains configs/NAME.yaml and prints the hash of its parameters.
parameters() {
  local name=$1 run="runs/$1-$2" command=train found
  if [[ $name == sweep-* ]]; then command=sweep; fi
  local launcher=(mpirun --oversubscribe --bind-to none -np "$2")
  if [[ $2 -eq 1 ]]; then launcher=(); fi
  local own=("${settings[@]}")
  # A range test says itself how many steps it takes, at least 10.
  if [[ $name == sweep-range ]]; then
    sed -i "s/^steps:.*/steps: $((steps < 10 ? 10 : steps))/" "configs/$name.yaml"
    own=("${settings[@]:0:2}")
  fi
  if [[ $name == sweep-fashion ]]; then
    sed -i -e "s/^trials:.*/trials: 4/" "configs/$name.yaml"
    grep -q ^min_steps "configs/$name.yaml" || echo "min_steps: 1" >>"configs/$name.yaml"
  fi
  "${launcher[@]}" "$lockstep" "$command" "configs/$name.yaml" --quiet --output "$run" "${own[@]}" \
    </dev/null >&2 || fail "configs/$name.yaml failed on $2 rank(s)"
  found=$(hashes "$run")
  [[ -n $found ]] || fail "configs/$name.yaml left no parameters_sha256"
  if [[ $command == sweep ]]; then found=$(sha256sum <<<"$found" | cut -d ' ' -f 1); fi
  printf '%s\n' "$found"
}

status=0
for file in configs/*.yaml; do
  name=$(basename "$file" .yaml)
  first=
  for count in $ranks; do
    found=$(parameters "$name" "$count")
    if [[ -z $first ]]; then
      first=$found
      printf '%-20s %s\n' "$name" "$found"
    elif [[ $found != "$first" ]]; then
      printf '%-20s %s on %d ranks\n' "$name" "$found" "$count"
      status=1
    fi
  done
  if [[ $check -eq 1 ]] && ! grep -qxF "$(printf '%-20s %s' "$name" "$first")" "$expected"; then
    printf '%-20s expected: %s\n' "$name" "$(sed -n "s/^$name  *//p" "$expected")"
    status=1
  fi
done
exit "$status"
