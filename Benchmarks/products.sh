#!/usr/bin/env bash
# Compares Lockstep's matrix products with torch.mm, in float32 and in bfloat16, on every shape that
# training a model has, forward and for both gradients; measured alternately on this machine. Installs
# what is missing, and builds.
#
#   Benchmarks/products.sh [tiny|small|gpt2|gpt2-long]... [--threads N] [--rounds N] [--json FILE] [--plan]
#
# By default gpt2's shapes, one thread and 5 rounds: about ten minutes. docs/benchmarks.md explains the
# method, Benchmarks/compare.sh its variables.
set -euo pipefail
# shellcheck source=Benchmarks/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

check_arguments products.py "$@"
provide_tools
install_missing
build_lockstep
provide_packages torch numpy
exec "$venv/bin/python" "$benchmarks/products.py" "$@"
