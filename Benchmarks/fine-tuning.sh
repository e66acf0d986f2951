#!/usr/bin/env bash
# Compares fine-tuning by LoRA with Hugging Face's peft: speed, spread and peak memory, measured
# alternately on this machine, on a model of SmolLM2-135M's shape. Installs what is missing, and builds.
#
#   Benchmarks/fine-tuning.sh [--precision float32|bfloat16] [--weights float32|bfloat16|q8_0]
#                             [--threads N] [--pairs N] [--json FILE] [--plan]
#
# By default float32, one thread and 5 pairs: about 20 minutes. docs/benchmarks.md explains the method,
# Benchmarks/compare.sh its variables.
set -euo pipefail
# shellcheck source=Benchmarks/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

check_arguments fine_tuning.py "$@"
provide_tools
install_missing
build_lockstep
provide_packages torch numpy transformers peft
exec "$venv/bin/python" "$benchmarks/fine_tuning.py" "$@"
