#!/usr/bin/env bash
# Some 15,000 short texts, the fortune cookies of the Debian packages fortunes-min and fortunes, in
# data/fortunes/fortunes.txt: in an order drawn once and for all, with end-of-text tokens between them.
#
#   launch/fetch-fortunes.sh
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -eq 0 ]] || fail "usage: fetch-fortunes.sh" 2
cd "$root"

source=/usr/share/games/fortunes
target=data/fortunes/fortunes.txt

if [[ -e $target ]]; then
  say "$target is there"
  exit
fi
provided fortunes-min test -e "$source/fortunes"
provided fortunes test -e "$source/zippy"
install_missing
mkdir -p "${target%/*}"
# Texts end with a line of "%". For shuf each is one record: its lines are put together and taken
# apart again.
find "$source" -maxdepth 1 -type f ! -name '*.dat' | LC_ALL=C sort | xargs cat |
  LC_ALL=C awk '/^%$/ { if (text != "") print text; text = ""; next } { text = text $0 "\001" }' |
  LC_ALL=C shuf --random-source=<(yes) |
  LC_ALL=C sed 's/\x01$//; s/\x01/\n/g; $!s/$/<|endoftext|>/' >"$target.part"
mv "$target.part" "$target"
say "The fortunes are in $target"
