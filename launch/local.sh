#!/usr/bin/env bash
# Trains with several ranks on this machine, or searches.
#
#   launch/local.sh RANKS CONFIG.yaml [further arguments of lockstep train]
#   launch/local.sh RANKS sweep SWEEP.yaml [further arguments of lockstep sweep]
#   launch/local.sh 2 configs/kjv.yaml --output runs/kjv
#   launch/local.sh 2 sweep configs/sweep-fashion.yaml --groups 2
#
# Each rank gets its share of the cores as threads, and is bound to them where that is safe. More
# ranks than cores work too, slowly. The results are the same bits for any number of ranks.
# Ctrl-C, SIGTERM, SIGHUP or SIGUSR1: all ranks save and stop, with exit code 75; --resume goes on.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: local.sh RANKS [sweep] FILE.yaml [further arguments of lockstep train, or sweep]"
[[ $# -ge 2 && $1 =~ ^[1-9][0-9]*$ ]] || fail "$usage" 2
ranks=$1
shift
command=train
if [[ $1 == sweep ]]; then
  command=sweep
  shift
  [[ $# -ge 1 ]] || fail "$usage" 2
fi
config=$1
shift
need mpirun "install openmpi-bin, or run launch/quickstart.sh"
lockstep=$(lockstep_binary)

threads=$(($(processors) / ranks))
if [[ $threads -lt 1 ]]; then threads=1; fi
mapfile -t options < <(placement "$ranks" "$threads")

# In a job of Slurm or another system mpirun would take the job's hosts and slots.
here=(--mca ras "^slurm,tm,lsf,gridengine" --host "localhost:$ranks")
launch mpirun -np "$ranks" "${here[@]}" "${options[@]}" \
  "$lockstep" "$command" "$config" --set "threads=$threads" "$@"
