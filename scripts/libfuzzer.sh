#!/usr/bin/env bash
# Attacks the readers with inputs that are guided by the code they reach: libFuzzer, with everything
# instrumented for it and for the address sanitizer. Beside scripts/fuzz, which knows the formats.
#
#   scripts/libfuzzer.sh [--minutes M] [--reader NAME]...
#
#   --minutes M      for each reader; default: 1
#   --reader NAME    only this one; a wrong name lists all
#
# Built, without MPI, in .build-fuzzer, which takes as long as a first build. What was found to reach new
# code stays there, and the next run begins with it. Status 1 where a reader crashed, took over 10 s or
# 4 GiB, or accepted what can not be right; then the line names a file, and how to read it again.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
cd "$root"

usage="usage: libfuzzer.sh [--minutes M] [--reader NAME]..."
minutes=1
readers=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --minutes)
      [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || fail "$usage" 2
      minutes=$2
      shift 2
      ;;
    --reader)
      [[ -n ${2:-} ]] || fail "$usage" 2
      readers+=("$2")
      shift 2
      ;;
    *) fail "$usage" 2 ;;
  esac
done

folder=.build-fuzzer
runtime=$(find "$(dirname "$(readlink -f "$(command -v swiftc)")")/../lib/clang" \
  -name "libclang_rt.fuzzer_no_main-$(uname -m).a" 2>/dev/null | head -n 1)
[[ -n $runtime ]] || fail "this installation of Swift has no libFuzzer; take one of https://swift.org/install"
say "Building with libFuzzer and the address sanitizer, without MPI"
# All C is instrumented, that of packages included: libyaml is one.
LOCKSTEP_LIBFUZZER=1 swift build --scratch-path "$folder" -c release --sanitize=address \
  --disable-default-traits --product coverage-fuzz -Xcc -fsanitize=fuzzer-no-link \
  -Xlinker "$runtime" -Xlinker -lstdc++
program=$folder/release/coverage-fuzz

mapfile -t known < <("$program" --list)
for reader in ${readers[@]+"${readers[@]}"}; do
  [[ " ${known[*]} " == *" $reader "* ]] || fail "no reader $reader; there are: ${known[*]}" 2
done
[[ ${#readers[@]} -gt 0 ]] || readers=("${known[@]}")

# seed READER NAME [FILE]: the file, or standard input, becomes one of the reader's first inputs.
seed() {
  mkdir -p "$folder/seeds/$1"
  cat "${3:--}" >"$folder/seeds/$1/$2"
}

# words NUMBER...: 32-bit words, little-endian.
words() {
  local word
  for word in "$@"; do
    # shellcheck disable=SC2059  # The format is made of the bytes.
    printf "$(printf '\\x%02x' $((word & 255)) $((word >> 8 & 255)) $((word >> 16 & 255)) $((word >> 24 & 255)))"
  done
}

# make_seeds: whole files of every format, as small as they can be.
make_seeds() {
  local file name fixtures=Tests/DatasetsTests/Fixtures vectors
  rm -rf "$folder/seeds"
  for file in configs/*.yaml; do
    name=$(basename "$file")
    # Comments only make inputs longer.
    sed '/^ *#/d' "$file" | seed yaml "$name"
    case $name in
      sweep-*) sed '/^ *#/d' "$file" | seed sweep "$name" ;;
      *) sed '/^ *#/d' "$file" | seed configuration "$name" ;;
    esac
  done
  printf 'a: &x [1, "b\\n", ~]\n? {c: *x}\n: |\n  text\n--- !t\n%%TAG ! x\n' | seed yaml marks
  for file in Tests/Fixtures/{ForeignModels,PretrainedModels}/*/config.json; do
    seed model "$(basename "$(dirname "$file")").json" "$file"
  done
  for file in Tests/Fixtures/Weights/*.safetensors; do seed safetensors "$(basename "$file")" "$file"; done
  for file in Tests/Fixtures/Weights/*.gguf Tests/Fixtures/PretrainedModels/{qwen3,llama-llama3}.gguf; do
    seed gguf "$(basename "$file")" "$file"
  done
  for file in "$fixtures"/{saved-bpe,saved-bytes,saved-characters,gpt2-form,added-tokens}.json \
    "$fixtures"/Families/{llama3,qwen2,smollm,roberta,llama2,mistral,bert}.json; do
    seed tokenizer "$(basename "$file")" "$file"
  done
  for name in 0 1 2 3 4 5 6 7 8 9; do
    { printf '%s' "$name"; head -c 300 "$fixtures/prose.txt"; printf '<|endoftext|>[MASK] é 12'; } | seed text "$name"
  done
  printf '[{"a": -1.5e+3, "b": [true, false, null], "é": "\\u00e9\\ud83d\\ude00\\n"}]' | seed json json
  seed state state.json <<JSON
{"step": 3, "tokens": 96, "seconds": 0.5, "seed": 1, "best_step": 2, "best_validation_loss": 2.5,
 "notes": {"early_stopping": "{}"}, "configuration_sha256": "$(printf '%064d' 7)"}
JSON
  seed samples table.json <<'JSON'
{"sample_shape": [2], "columns": ["a", "b"], "target": "c", "classes": ["x", "y"], "means": [0, 1],
 "deviations": [1, 2], "target_mean": 0}
JSON
  seed samples images.json <<'JSON'
{"sample_shape": [4, 4], "classes": ["0", "1"], "means": [0], "deviations": [255], "target_mean": 0}
JSON
  for file in Tests/ChatTemplatesTests/Fixtures/*.json; do
    # Each template of the fixture by itself.
    python3 -c 'import json, sys
for number, one in enumerate(json.load(open(sys.argv[1]))):
    open(f"{sys.argv[2]}/{number}.jinja", "w").write(one["template"])' \
      "$file" "$(mkdir -p "$folder/seeds/template" && echo "$folder/seeds/template")"
  done
  { words 20240520 1 4 300; head -c 1008 /dev/zero; words 65537 131075; } | seed tokens short
  { words 20240801 7 2 300; head -c 1008 /dev/zero; words 1 299; } | seed tokens long
  printf 'speed,"a, b",kind\n1,0.5,car\r\n2,"1e3",bus\n' | seed table table.csv
  { printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2'; printf 12345678; } | seed images images.idx
  gzip -nc "$folder/seeds/images/images.idx" | seed gzip images.gz
  gzip -nc "$fixtures/prose.txt" | seed gzip prose.gz
  # One-letter words are those of a vocabulary of bytes.
  vectors=$'a 0.5 -1 2e-3\nb 1 2 3\n'
  printf '%s' "$vectors" | seed vectors glove.txt
  printf '2 3\n%s' "$vectors" | seed vectors word2vec.txt
  { printf '2 3\na '; words 1 2 3; printf '\nb '; words 1065353216 0 1073741824; } | seed vectors word2vec.bin
  printf '%s\0' $'0::/a/b\n4:cpu,memory:/a\n' $'MemAvailable: 1000 kB\n' 5000 300 \
    $'active_file 10\ninactive_file 20\n' '150000 100000' 4096 128 $'total_active_file 1\n' 200000 100000 |
    seed groups both
}

# figure NAME LOG: what libFuzzer says last of "cov", "corp" and so on.
figure() {
  grep -o "$1: *[0-9]*" "$2" | tail -n 1 | grep -o '[0-9]*$' || printf '?\n'
}

make_seeds
# Neither Swift nor the sanitizer looks for what can not be seen in containers, or writes pages of a crash.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0
found=0
# In memory where that can be: one reader is of files.
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
printf '\n%-14s %12s %10s %10s  %s\n' reader executions coverage corpus finding
for reader in "${readers[@]}"; do
  corpus=$folder/corpus/$reader
  findings=$folder/findings/$reader
  log=$folder/findings/$reader.log
  mkdir -p "$corpus" "$findings"
  status=0
  "$program" "$reader" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=4096 \
    -print_final_stats=1 "-artifact_prefix=$findings/" "$corpus" "$folder/seeds/$reader" \
    >"$log" 2>&1 </dev/null || status=$?
  finding=none
  if [[ $status -ne 0 ]]; then
    found=1
    finding="$(grep -o "Test unit written to .*" "$log" | sed 's/.* to //' || true)"
    finding="${finding:-status $status}; see $log; repeat: ASAN_OPTIONS=detect_leaks=0 $program $reader FILE"
  fi
  printf '%-14s %12s %10s %10s  %s\n' "$reader" "$(figure 'stat::number_of_executed_units' "$log")" \
    "$(figure cov "$log")" "$(figure corp "$log")" "$finding"
done
[[ $found -eq 0 ]]
