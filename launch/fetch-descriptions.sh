#!/usr/bin/env bash
# Texts to classify and to sum up: Debian's descriptions of its packages. sections/{train,validation}.csv has some 50,000
# texts and the section of each, one of about 50; summaries/{train,validation,test}.jsonl has some 25,000 long
# descriptions and their short ones.
#
#   launch/fetch-descriptions.sh [--output DIR]     default: data/descriptions
#
# They come from where this system's apt gets its packages, by an apt configuration and state of their
# own: nothing of the system's is changed, and no root is needed.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output=$root/data/descriptions
case $# in
  0) ;;
  2)
    [[ $1 == --output ]] || fail "usage: fetch-descriptions.sh [--output DIR]" 2
    output=$2
    ;;
  *) fail "usage: fetch-descriptions.sh [--output DIR]" 2 ;;
esac

# complete: whether all files are there.
complete() {
  local file
  for file in sections/{train,validation}.csv summaries/{train,validation,test}.jsonl; do
    [[ -s $output/$file ]] || return 1
  done
}

if complete; then
  say "$output is there"
  exit
fi
need apt-get "the descriptions come from a Debian mirror, by apt"
need python3 "it joins the descriptions and the sections"
mkdir -p "$output" || fail "$output: can not be made" 2

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
apt_lists "$private" '"en"' true
say "Getting the descriptions"
apt-get -c "$private/apt.conf" update -q || fail "apt-get update failed; are you online?"
shopt -s nullglob
packages=("$private"/lists/*_Packages)
texts=("$private"/lists/*_i18n_Translation-en)
[[ ${#packages[@]} -gt 0 && ${#texts[@]} -gt 0 ]] ||
  fail "no Packages and Translation-en came: are you online, and do apt's sources name a Debian mirror?"

say "Joining them"
python3 "$root/scripts/descriptions.py" "$output" "${packages[@]}" "${texts[@]}"
say "The texts are in $output"
