#!/usr/bin/env bash
# Trains English to French with Lockstep and, for the same time, the same model on the same data with
# PyTorch; translates the test set with both and scores it with sacrebleu. Installs what is missing,
# builds, and gets the data.
#
#   Benchmarks/translation.sh [--steps N] [--threads N] [--beams B] [--lines N] [--output DIR]
#                             [--json FILE] [--plan]
#
# By default configs/translate-en-fr.yaml whole, on as many ranks as there are cores, 4 beams, the whole
# test set. What is there in DIR (default: runs/translation) is not made again. docs/benchmarks.md
# explains the variables.
set -euo pipefail
# shellcheck source=Benchmarks/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

check_arguments translation.py "$@"
provide_tools
install_missing
build_lockstep
provide_packages torch numpy tokenizers sacrebleu
data=$root/data/translations
"$root/launch/fetch-translations.sh"
"$LOCKSTEP" prepare "$data/train.en" "$data/train.fr" --pairs --vocabulary-size 10000 \
  --validation "$data/validation.en" "$data/validation.fr" --output "$data"
exec "$venv/bin/python" "$benchmarks/translation.py" "$@"
