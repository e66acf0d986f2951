#!/usr/bin/env bash
# Hosts as network namespaces on this machine, to try Lockstep between hosts. As root, with iproute2.
#
#   scripts/hosts.sh up N              makes hosts h1 … hN, 10.77.0.1 and on, joined by a bridge
#   scripts/hosts.sh rate RATE         each host's link sends at RATE, as 1gbit or 100mbit; none: unlimited
#   scripts/hosts.sh cut HOST          takes a host's link away; mend HOST gives it back
#   scripts/hosts.sh exec HOST COMMAND… runs a command on a host, by its name
#   scripts/hosts.sh processes HOST    prints the processes on a host
#   scripts/hosts.sh down              ends what runs on them, and removes them
#
# As Open MPI's way to other hosts: OMPI_MCA_plm_rsh_agent="scripts/hosts.sh agent".
# HOSTS_PREFIX=x HOSTS_NET=10.78.0: other names and addresses, for a second set beside the first.
set -euo pipefail

prefix=${HOSTS_PREFIX:-h}
net=${HOSTS_NET:-10.77.0}
switch=${prefix}-switch

hosts() {
  ip netns list | awk -v pattern="^${prefix}[0-9]+\$" '$1 ~ pattern {print $1}' | sort -V
}

# run_on HOST COMMAND…: in its network and with its name. `ip netns exec` puts its /etc/hosts in place.
run_on() {
  # shellcheck disable=SC2016
  exec ip netns exec "$1" unshare --uts sh -c 'hostname "$1"; shift; exec "$@"' sh "$@"
}

up() {
  local count=$1 i j
  ip netns add "$switch"
  ip -n "$switch" link add bridge type bridge
  ip -n "$switch" link set bridge up
  for ((i = 1; i <= count; i++)); do
    mkdir -p "/etc/netns/$prefix$i"
    {
      echo "127.0.0.1 localhost"
      for ((j = 1; j <= count; j++)); do echo "$net.$j $prefix$j"; done
    } >"/etc/netns/$prefix$i/hosts"
    # Nobody is asked for names.
    : >"/etc/netns/$prefix$i/resolv.conf"
    ip netns add "$prefix$i"
    ip -n "$prefix$i" link set lo up
    ip -n "$prefix$i" link add eth0 type veth peer name "port$i" netns "$switch"
    ip -n "$switch" link set "port$i" master bridge up
    ip -n "$prefix$i" addr add "$net.$i/24" dev eth0
    ip -n "$prefix$i" link set eth0 up
  done
}

down() {
  local host process
  for host in $(hosts); do
    for process in $(ip netns pids "$host"); do kill -9 "$process" 2>/dev/null || true; done
    ip netns del "$host"
    rm -rf "/etc/netns/$host"
  done
  ip netns del "$switch" 2>/dev/null || true
  rmdir /etc/netns 2>/dev/null || true
}

case ${1:-} in
  up) up "$2" ;;
  down) down ;;
  rate)
    for host in $(hosts); do
      ip netns exec "$host" tc qdisc del dev eth0 root 2>/dev/null || true
      [[ $2 == none ]] ||
        ip netns exec "$host" tc qdisc add dev eth0 root tbf rate "$2" burst 256kb latency 100ms
    done
    ;;
  cut) ip -n "$2" link set eth0 down ;;
  mend) ip -n "$2" link set eth0 up ;;
  processes) ip netns pids "$2" ;;
  exec)
    shift
    run_on "$@"
    ;;
  agent)
    # What follows the host is a command for a shell, as with ssh.
    shift
    host=$1
    shift
    run_on "$host" sh -c "$*"
    ;;
  *)
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
