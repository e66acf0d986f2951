#!/usr/bin/env bash
# About 50,000 pairs of an English text and its French translation: the package descriptions that Debian
# ships in both languages, as {train,validation,test}.{en,fr}, line N being the translation of line N.
#
#   launch/fetch-translations.sh [--output DIR]     default: data/translations
#
# They come from where this system's apt gets its packages, by an apt configuration and state of their
# own: nothing of the system's is changed, and no root is needed.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output=$root/data/translations
case $# in
  0) ;;
  2)
    [[ $1 == --output ]] || fail "usage: fetch-translations.sh [--output DIR]" 2
    output=$2
    ;;
  *) fail "usage: fetch-translations.sh [--output DIR]" 2 ;;
esac

# complete: whether all files are there.
complete() {
  local part
  for part in train validation test; do
    [[ -s $output/$part.en && -s $output/$part.fr ]] || return 1
  done
}

if complete; then
  say "$output is there"
  exit
fi
need apt-get "the descriptions come from a Debian mirror, by apt"
need python3 "it joins the descriptions of both languages"
mkdir -p "$output" || fail "$output: can not be made" 2

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
apt_lists "$private" '"en"; "fr"' false

say "Getting the descriptions"
apt-get -c "$private/apt.conf" update -q || fail "apt-get update failed; are you online?"
shopt -s nullglob
for language in en fr; do
  found=("$private"/lists/*_i18n_Translation-"$language")
  [[ ${#found[@]} -gt 0 ]] ||
    fail "no Translation-$language came: are you online, and do apt's sources name a Debian mirror?"
done

say "Pairing them"
python3 "$root/scripts/translation_pairs.py" "$output" en fr \
  "$private"/lists/*_i18n_Translation-{en,fr}
say "The pairs are in $output"
