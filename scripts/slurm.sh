#!/usr/bin/env bash
# Slurm with several nodes on this machine, to try launch/slurm.sbatch. As root; Debian's slurm-wlm, munge
# and iproute2.
#
#   scripts/slurm.sh up NODES [CPUS]    nodes s1 … sN that claim CPUS processors each; default: 2
#   scripts/slurm.sh exec COMMAND…      runs sbatch, squeue, scontrol … on the first node
#   scripts/slurm.sh node NODE COMMAND… runs a command on a node
#   scripts/slurm.sh down
#
# Partitions: main; urgent, whose jobs take the nodes of main's after 5 seconds; strict, whose jobs are
# preempted at once. Everything is below SLURM_TRIAL (default: /tmp/lockstep-slurm).
#
# A node is a network namespace with a name, a /dev/shm and a directory for PMIx of its own: two slurmd
# with one of them clash.
set -euo pipefail
unset CDPATH
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${SLURM_TRIAL:-/tmp/lockstep-slurm}
export SLURM_CONF=$state/slurm.conf HOSTS_PREFIX=s HOSTS_NET=10.78.0

node_line() {
  printf 'NodeName=s%d NodeAddr=10.78.0.%d CPUs=%d RealMemory=2000 State=UNKNOWN\n' "$1" "$1" "$2"
}

configuration() {
  local nodes=$1 cpus=$2 i
  cat <<CONF
ClusterName=lockstep
SlurmctldHost=s1(10.78.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$state/munge/socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmctldParameters=preempt_send_user_signal
SlurmctldPort=16817
SlurmdSpoolDir=$state/%n
StateSaveLocation=$state/ctld
SlurmctldPidFile=$state/ctld.pid
SlurmdPidFile=$state/%n.pid
SlurmctldLogFile=$state/ctld.log
SlurmdLogFile=$state/%n.log
KillWait=5
SlurmdTimeout=20
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000,batch_sched_delay=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
CONF
  for ((i = 1; i <= nodes; i++)); do node_line "$i" "$cpus"; done
  local all="Nodes=s[1-$nodes] MaxTime=INFINITE State=UP OverSubscribe=NO"
  echo "PartitionName=main $all Default=YES PriorityTier=1 GraceTime=20"
  echo "PartitionName=strict $all PriorityTier=1 GraceTime=0"
  echo "PartitionName=urgent $all PriorityTier=10 PreemptMode=OFF"
}

up() {
  local nodes=$1 cpus=${2:-2} i
  # Nobody else has made it, and nobody else writes there.
  mkdir -m 711 "$state" || { echo "slurm.sh: remove it first: scripts/slurm.sh down" >&2; exit 1; }
  mkdir -p "$state/munge" "$state/ctld" "$state/pmix" /run/munge
  configuration "$nodes" "$cpus" >"$SLURM_CONF"
  # Directories of PMIx have the same names on each node.
  echo "PMIxCliTmpDirBase=$state/pmix" >"$state/mpi.conf"
  head -c 128 /dev/urandom >"$state/munge/key"
  chmod 400 "$state/munge/key"
  chmod 711 "$state/munge"
  munged --force --socket="$state/munge/socket" --key-file="$state/munge/key" \
    --pid-file="$state/munge/pid" --log-file="$state/munge/log" --seed-file="$state/munge/seed"
  "$here/hosts.sh" up "$nodes"
  "$here/hosts.sh" exec s1 slurmctld
  for ((i = 1; i <= nodes; i++)); do
    mkdir -p "$state/s$i"
    # `ip netns exec` would mount a /sys without the control groups that slurmd looks for.
    # shellcheck disable=SC2016
    nsenter --net="/run/netns/s$i" unshare --uts --mount sh -c '
      hostname "$1"
      mount --bind "/etc/netns/$1/hosts" /etc/hosts
      mount -t tmpfs none /dev/shm
      mount -t tmpfs none "$2"
      exec slurmd -N "$1"' sh "s$i" "$state/pmix"
  done
  for ((i = 0; i < 100; i++)); do
    [[ $("$here/hosts.sh" exec s1 sinfo -h -t idle -o %D -p main 2>/dev/null) != "$nodes" ]] || return 0
    sleep 0.2
  done
  echo "slurm.sh: the nodes did not come up; see $state/*.log" >&2
  exit 1
}

down() {
  local file
  if [[ -e $SLURM_CONF ]]; then "$here/hosts.sh" exec s1 scontrol shutdown 2>/dev/null || true; fi
  for file in "$state"/*.pid "$state/munge/pid"; do
    if [[ -e $file ]]; then kill "$(<"$file")" 2>/dev/null || true; fi
  done
  "$here/hosts.sh" down
  rm -rf "$state"
}

case ${1:-} in
  up) up "${@:2}" ;;
  exec) exec "$here/hosts.sh" exec s1 "${@:2}" ;;
  node) exec "$here/hosts.sh" exec "${@:2}" ;;
  down) down ;;
  *)
    sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
