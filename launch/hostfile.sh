#!/usr/bin/env bash
# Trains on several machines.
#
#   launch/hostfile.sh HOSTFILE CONFIG.yaml [further arguments of lockstep train]
#
# HOSTFILE has a line for each machine: its name, and how many ranks it gets.
#
#   node1 slots=2
#   node2 slots=2
#
# Needed: ssh from here to each machine without a password; Open MPI and lockstep at the same path
# on all of them. Not needed: a shared filesystem. Rank zero, on the first machine, reads and writes
# everything.
#
# THREADS=8 launch/hostfile.sh … binds each rank to eight cores of its own. Without it ranks are not
# bound, and each takes its share of its machine's cores.
# Ctrl-C, SIGTERM, SIGHUP or SIGUSR1: all ranks save and stop, with exit code 75; --resume goes on.
set -euo pipefail
# shellcheck source=launch/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -ge 2 ]] || fail "usage: hostfile.sh HOSTFILE CONFIG.yaml [further arguments of lockstep train]" 2
hosts=$1
config=$2
shift 2
[[ -r $hosts ]] || fail "$hosts: no such file; expected lines such as: node1 slots=2" 2
need mpirun "install openmpi-bin"
lockstep=$(lockstep_binary)

options=(--bind-to none)
arguments=()
if [[ -n ${THREADS:-} ]]; then
  [[ $THREADS =~ ^[1-9][0-9]*$ ]] || fail "THREADS is $THREADS; expected a number of cores" 2
  options=(--map-by "slot:PE=$THREADS" --bind-to core)
  arguments=(--set "threads=$THREADS")
fi

launch mpirun --hostfile "$hosts" "${options[@]}" -x OPENBLAS_NUM_THREADS \
  "$lockstep" train "$config" ${arguments[@]+"${arguments[@]}"} "$@"
