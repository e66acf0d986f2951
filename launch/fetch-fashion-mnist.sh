#!/usr/bin/env bash
# Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) from the Debian package dataset-fashion-mnist: 60,000
# images of clothes to learn from and 10,000 to test on, 28 × 28 pixels of ten classes, in
# data/fashion-mnist.
#
#   launch/fetch-fashion-mnist.sh
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -eq 0 ]] || fail "usage: fetch-fashion-mnist.sh" 2
cd "$root"

source=/usr/share/datasets/fashion-mnist
target=data/fashion-mnist
files=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)

# complete: whether all files are there.
complete() {
  local file
  for file in "${files[@]}"; do [[ -e $target/$file ]] || return 1; done
}

if complete; then
  say "$target is there"
  exit
fi
provided dataset-fashion-mnist test -e "$source/${files[0]}.gz"
install_missing
mkdir -p "$target"
for file in "${files[@]}"; do
  gzip -dc "$source/$file.gz" >"$target/$file.part"
  mv "$target/$file.part" "$target/$file"
done
say "Fashion-MNIST is in $target"
