#!/usr/bin/env bash
# Compares training with Lockstep and with PyTorch: speed, spread, the share of the speed of OpenBLAS's
# products, and peak memory, measured alternately on this machine. Installs what is missing, and builds.
#
#   Benchmarks/compare.sh [--case tiny|small|gpt2|gpt2-long]... [--layout RANKSxTHREADS]...
#                         [--precision float32|bfloat16] [--pairs N] [--json FILE] [--plan]
#
# By default all cases, layouts 1x1, 1x2 and 2x1, and 5 pairs of runs, which takes one to two hours;
# --plan says what would be measured. docs/benchmarks.md explains the method.
# LOCKSTEP=PATH measures another lockstep command; LOCKSTEP_BENCHMARK_VENV=DIR uses an existing virtual
# environment.
set -euo pipefail
# shellcheck source=Benchmarks/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

check_arguments compare.py "$@"
provide_tools
install_missing
build_lockstep
provide_packages torch numpy
exec "$venv/bin/python" "$benchmarks/compare.py" "$@"
