#!/usr/bin/env bash
# Makes the reference of all that is public with DocC, from the modules of the release build; status 1
# where DocC warns, as of a link in a comment that leads nowhere.
#
#   scripts/documentation.sh [DIR]
#
#   DIR               gets an archive for each module in place of those that are there; default:
#                     .build/documentation of the repository
#
# A web server shows an archive: python3 -m http.server --directory DIR/Lockstep.doccarchive
#
# DocC comes with Swift, and so Lockstep needs no plugin that its users would have to fetch. Which modules
# there are is in .spi.yml, by which the Swift Package Index makes the same pages.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"

[[ $# -le 1 ]] || fail "usage: documentation.sh [DIR]" 2
output=${1:-$root/.build/documentation}
[[ $output == /* ]] || output=$PWD/$output
cd "$root"
build=.build/release
[[ -d $build/Modules ]] || fail "build first: swift build -c release"
need docc "it is a part of Swift's toolchain"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Modules in C, which Swift's import: Lockstep's own, system libraries, and those of fetched packages.
options=(-I "$build/Modules" -minimum-access-level public -skip-inherited-docs)
for map in "$build"/CLockstep*.build/module.modulemap Sources/C*/module.modulemap \
  .build/checkouts/*/Sources/*/include/module.modulemap; do
  if [[ -e $map ]]; then options+=(-Xcc "-fmodule-map-file=$map"); fi
done
for folder in Sources/C*/include; do options+=(-Xcc "-I$folder"); done
# What pkg-config knows of the system libraries.
read -r -a flags < <(pkg-config --cflags-only-I ompi-c openblas zlib 2>/dev/null || echo)
for flag in ${flags[@]+"${flags[@]}"}; do options+=(-Xcc "$flag"); done
target=$(swift -print-target-info | sed -n 's/.*"triple": "\([^"]*\)".*/\1/p' | head -n 1)

mkdir -p "$output"
rm -rf "$output"/*.doccarchive
modules=0
while IFS= read -r module; do
  [[ -d $build/$module.build ]] || fail "$module is not built: swift build -c release"
  graphs=$work/$module
  mkdir "$graphs"
  swift symbolgraph-extract -module-name "$module" -target "$target" "${options[@]}" \
    -output-dir "$graphs" </dev/null
  catalogue=()
  if [[ -d Sources/$module/$module.docc ]]; then catalogue=("Sources/$module/$module.docc"); fi
  docc convert ${catalogue[@]+"${catalogue[@]}"} --additional-symbol-graph-dir "$graphs" \
    --fallback-display-name "$module" --fallback-bundle-identifier "$module" \
    --output-dir "$output/$module.doccarchive" --ide-console-output </dev/null >>"$work/log" 2>&1 ||
    fail "docc failed: $(tail -n 3 "$work/log")"
  modules=$((modules + 1))
done < <(sed -n 's/^ *- \(Lockstep.*\)$/\1/p' .spi.yml)

# A parameter whose name says it all needs no line of its own.
warnings=$(grep -E '(warning|error): ' "$work/log" | grep -v 'is missing documentation' | sort -u) || true
if [[ -n $warnings ]]; then
  printf '%s\n' "$warnings" >&2
  fail "DocC warns $(wc -l <<<"$warnings") times"
fi
say "$modules modules, without a warning: $output"
