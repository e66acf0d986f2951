#!/usr/bin/env bash
# Compares what surrounds training with other people's programs, measured alternately on this machine:
# the reduction with MPI_Allreduce and Gloo, tokenizers with tiktoken and Hugging Face's, checkpoints
# with safetensors, generation with transformers, start-up with PyTorch's. Installs what is missing,
# and builds.
#
#   Benchmarks/others.sh [reduction|tokenizer|checkpoint|generation|startup]...
#                        [--rounds N] [--json FILE] [--plan]
#
# By default all parts, 5 rounds each. docs/benchmarks.md explains the method, Benchmarks/compare.sh
# its variables.
set -euo pipefail
# shellcheck source=Benchmarks/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

check_arguments others.py "$@"
provide_tools
provided bible-kjv command -v bible
provided bible-kjv-text bible -f gen1:1
install_missing
build_lockstep
provide_packages torch numpy safetensors tiktoken tokenizers transformers
exec "$venv/bin/python" "$benchmarks/others.py" "$@"
