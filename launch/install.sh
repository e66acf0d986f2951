#!/usr/bin/env bash
# Installs the lockstep command with its manual pages and completions for bash, zsh and fish.
#
#   launch/install.sh [--prefix DIRECTORY] [--remove]
#
# DIRECTORY: default ~/.local, as root /usr/local. Installs what building needs, builds, and writes below it
#
#   bin/lockstep                                      the program; it needs the Swift toolchain that built it
#   share/man/man1/lockstep.1, lockstep.train.1, …    man lockstep, man lockstep.train
#   share/bash-completion/completions/lockstep, share/zsh/site-functions/_lockstep,
#   share/fish/vendor_completions.d/lockstep.fish     completions
#
# --remove removes these files.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: install.sh [--prefix DIRECTORY] [--remove]"
prefix=${HOME:+$HOME/.local}
if [[ $(id -u) -eq 0 ]]; then prefix=/usr/local; fi
removes=false
while [[ $# -gt 0 ]]; do
  case $1 in
    --prefix)
      [[ -n ${2:-} ]] || fail "$usage" 2
      prefix=$2
      shift 2
      ;;
    --remove)
      removes=true
      shift
      ;;
    *) fail "$usage" 2 ;;
  esac
done

[[ -n $prefix ]] || fail "HOME is not set: give --prefix" 2

# Where it was given, not where it is built.
[[ $prefix == /* ]] || prefix=$PWD/$prefix
manuals=$prefix/share/man/man1
bash_completions=$prefix/share/bash-completion/completions/lockstep
zsh_completions=$prefix/share/zsh/site-functions/_lockstep
fish_completions=$prefix/share/fish/vendor_completions.d/lockstep.fish

if $removes; then
  rm -f "$prefix/bin/lockstep" "$manuals"/lockstep.1 "$manuals"/lockstep.*.1 \
    "$bash_completions" "$zsh_completions" "$fish_completions"
  exit
fi

cd "$root"
provide_libraries
install_missing
build

say "Installing to $prefix"
mkdir -p "$prefix/bin" "$manuals" "$(dirname "$bash_completions")" "$(dirname "$zsh_completions")" \
  "$(dirname "$fish_completions")" || fail "cannot write to $prefix: give another --prefix"
install -m 755 "$built" "$prefix/bin/lockstep"
"$built" --generate-completion-script bash >"$bash_completions"
"$built" --generate-completion-script zsh >"$zsh_completions"
"$built" --generate-completion-script fish >"$fish_completions"
swift package generate-manual --multi-page >/dev/null
find .build/plugins/GenerateManual -name 'lockstep*.1' -exec install -m 644 {} "$manuals" \;

say "Installed"
printf '%s\n' "program      $prefix/bin/lockstep" "manual       man lockstep, man lockstep.train, …" \
  "completions  for bash, zsh and fish; a new shell has them"
case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) printf '%s\n' "$prefix/bin is not on the PATH: add  export PATH=\"$prefix/bin:\$PATH\"  to your shell's profile" ;;
esac
