# shellcheck shell=bash
# What the scripts of this folder share. They source it; it does nothing by itself.

# With an exported CDPATH, cd would print where it went, and might go elsewhere.
unset CDPATH

# The repository, wherever the script was called from.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Scripts change directories: a relative path is one of where they were called from.
if [[ -n ${LOCKSTEP:-} && $LOCKSTEP != /* ]]; then LOCKSTEP=$PWD/$LOCKSTEP; fi

# OpenBLAS, which only the measurements use, must not start threads of its own.
export OPENBLAS_NUM_THREADS=1

# Open MPI refuses root unless told twice; in a container there is nobody else.
if [[ $(id -u) -eq 0 ]]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# in_container ROOT: whether this is a container. Docker and Podman leave a file at its root, Kubernetes and
# Apptainer set variables.
in_container() {
  [[ -e $1/.dockerenv || -e $1/run/.containerenv ||
    -n ${KUBERNETES_SERVICE_HOST:-}${APPTAINER_CONTAINER:-}${SINGULARITY_CONTAINER:-} ]]
}

# Containers usually forbid what Open MPI copies messages between processes with (process_vm_readv),
# and Open MPI finds out by failing.
if in_container /; then
  export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}
fi

# fail MESSAGE [STATUS]: one line, and the end.
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-1}"
}

# say MESSAGE: a heading between the steps of a longer script.
say() {
  printf '\n==> %s\n' "$1"
}

# need TOOL HINT: fails with the hint unless there is such a tool.
need() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"
}

# Debian packages that were found missing.
missing=()

# provided PACKAGE TEST...: notes the package as missing unless the test succeeds. What is tested is
# the thing itself, so that other distributions and installations by hand are as good.
provided() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

# apt_lists FOLDER LANGUAGES PACKAGES: makes FOLDER/apt.conf, with which apt-get fetches descriptions of packages in the
# given languages, as '"en"; "fr"', to FOLDER/lists, and indices of packages if PACKAGES is true.
apt_lists() {
  mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
  # Containers turn translations off, and clean up after updates: neither applies here.
  cat >"$1/apt.conf" <<CONFIGURATION
#clear Acquire::Languages;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages { $2; };
Acquire::GzipIndexes "false";
Acquire::IndexTargets::deb::Packages::DefaultEnabled "$3";
Acquire::IndexTargets::deb-src::Sources::DefaultEnabled "false";
APT::Sandbox::User "";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::Cache "$1/cache";
CONFIGURATION
}

# Notes what building Lockstep needs beyond Swift.
provide_libraries() {
  need swift "install Swift 6.2 or newer from https://swift.org/install"
  need git "install it: swift build fetches packages with it"
  provided pkg-config command -v pkg-config
  provided libopenmpi-dev pkg-config --exists ompi-c
  provided openmpi-bin command -v mpirun
  provided libopenblas-dev pkg-config --exists openblas
  provided zlib1g-dev pkg-config --exists zlib
}

# Notes a browser for the tests of pages (64 MB to fetch, 220 MB on disk), where Debian's package of it
# can be had; Ubuntu has none. The tests are skipped without.
provide_browser() {
  local program
  for program in chromium-headless-shell chromium chromium-browser google-chrome; do
    if command -v "$program" >/dev/null 2>&1; then return; fi
  done
  if grep -qs '^ID=debian' /etc/os-release; then missing+=(chromium-headless-shell); fi
}

# Notes the emulator with which a test runs Lockstep as an older processor would; x86-64 only. The test is
# skipped without.
provide_emulator() {
  [[ $(uname -m) != x86_64 ]] || provided qemu-user command -v qemu-x86_64
}

# Installs the packages noted as missing; without any, nothing is run and no network is needed.
install_missing() {
  [[ ${#missing[@]} -gt 0 ]] || return 0
  local as_root=()
  command -v apt-get >/dev/null 2>&1 ||
    fail "missing: ${missing[*]} (Debian's names); install them with this system's package manager"
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null 2>&1 ||
      fail "missing: ${missing[*]}; as root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q ||
    fail "apt-get update failed; are you online? missing: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install: ${missing[*]}"
  missing=()
}

# Where `build` puts the lockstep command.
built=$root/.build/release/lockstep

# Builds the lockstep command in release mode.
build() {
  say "Building"
  (cd "$root" && swift build -c release --product lockstep)
}

# Prints the path of the lockstep command: $LOCKSTEP, or what was built.
lockstep_binary() {
  local binary=${LOCKSTEP:-$built}
  [[ -x $binary ]] || fail "$binary is missing: build it with: swift build -c release"
  printf '%s\n' "$binary"
}

# Prints how many processors the affinity mask has. nproc would also heed OpenMP's variables.
mask_processors() {
  env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc
}

# Prints how many processors' worth of time a quota allows; nothing without a quota. It may be that of
# this process's control group (version 1 or 2) or of any above it, as Lockstep itself sees it.
quota_processors() {
  least_quota /proc /sys/fs/cgroup
}

# least_quota PROCESSES GROUPS: the same, by the files that the kernel shows in these places.
least_quota() {
  local processes=$1 groups=$2 controllers group mount
  [[ -r $processes/self/cgroup ]] || return 0
  # "0::/group" of version 2, "4:cpu,cpuacct:/group" of version 1.
  while IFS=: read -r _ controllers group; do
    case ,$controllers, in
      ,,) mount=$groups ;;
      *,cpu,*) mount=$groups/cpu ;;
      *) continue ;;
    esac
    while true; do
      group_quota "$mount$group"
      [[ $group == */* ]] || break
      group=${group%/*}
    done
  done <"$processes/self/cgroup" | sort -n | head -n 1
}

# group_quota FOLDER: prints what one control group allows; nothing without a quota.
group_quota() {
  local quota=max period=1
  if [[ -r $1/cpu.max ]]; then
    read -r quota period <"$1/cpu.max"
  elif [[ -r $1/cpu.cfs_quota_us && -r $1/cpu.cfs_period_us ]]; then
    quota=$(<"$1/cpu.cfs_quota_us")
    period=$(<"$1/cpu.cfs_period_us")
  fi
  if [[ $quota =~ ^[1-9] ]]; then printf '%s\n' $(((quota + period - 1) / period)); fi
}

# Prints how many cores the machine has: hardware threads of one core share its vector unit.
cores() {
  local count
  count=$(lscpu -p=SOCKET,CORE 2>/dev/null | grep -v '^#' | sort -u | wc -l) || count=0
  if [[ $count -eq 0 ]]; then count=$(getconf _NPROCESSORS_ONLN); fi
  printf '%s\n' "$count"
}

# Prints how many processors to use: the cores, no more than the mask has, nor than a quota allows.
processors() {
  printf '%s\n' "$(cores)" "$(mask_processors)" "$(quota_processors)" | grep . | sort -n | head -n 1
}

# placement RANKS THREADS: prints mpirun's options for that many ranks on this machine.
#
# Bound to cores where all of the machine is ours and it has enough of them. Otherwise unbound: Open
# MPI knows neither the affinity mask it was started with nor a container's quota, and would bind
# every job to the same first cores. Unbound, ranks inherit the mask, and may outnumber the cores.
placement() {
  local ranks=$1 threads=$2
  if [[ $(mask_processors) -eq $(getconf _NPROCESSORS_ONLN) && -z $(quota_processors) &&
    $((ranks * threads)) -le $(cores) ]]; then
    printf '%s\n' --map-by "slot:PE=$threads" --bind-to core
  else
    printf '%s\n' --oversubscribe --bind-to none
  fi
}

# launch COMMAND...: runs a launcher such that Ctrl-C and SIGTERM let the ranks save and stop.
#
# At a SIGINT or SIGTERM of its own, mpirun gives its ranks about two seconds to live, at a SIGHUP none.
# But a SIGUSR1 it passes on, and waits: Lockstep saves, and exits with 75. So that is what it gets here,
# in a process group of its own which the terminal's Ctrl-C does not reach. A SIGHUP that nohup had ignored
# stays ignored: then no trap can be set.
#
# mpirun also ends its ranks when nobody reads its output any more. So a pipe is written by tee, which
# goes on without it. To a terminal mpirun writes itself, and ignores SIGTTOU, by which `stty tostop` would
# stop it: it is not in the terminal's foreground.
launch() {
  local status=0 seen
  signals=0
  terminated=
  set -m
  if [[ -p /dev/stdout ]]; then
    "$@" </dev/null > >(exec tee -p /dev/null) &
  else
    (trap '' TTOU && exec "$@") </dev/null &
  fi
  launcher=$!
  set +m
  trap 'forward TERM' TERM
  trap 'forward INT' INT
  trap 'forward HUP' HUP
  trap 'forward USR1' USR1
  while true; do
    seen=$signals
    status=0
    wait "$launcher" 2>/dev/null || status=$?
    # A signal ends `wait` too, with the launcher still running.
    [[ $seen -ne $signals ]] || break
  done
  trap - TERM INT HUP USR1
  return "$status"
}

# forward SIGNAL: what `launch` does with a signal. As `lockstep supervise` does, it ends the run without saving only
# for someone who insists: by Ctrl-C after any signal, or by a second SIGTERM at least 5 seconds after the first. A
# terminal that is closed sends SIGHUP twice, by its shell and by the kernel, and a scheduler warns by SIGUSR1 before
# it sends SIGTERM. Every SIGUSR1 is passed on: mpirun drops one that comes before its ranks are there.
forward() {
  signals=$((signals + 1))
  if [[ $signals -eq 1 || $1 == USR1 ]]; then
    # Behind a SIGHUP there may be no terminal left to write to.
    [[ $1 == USR1 || $1 == HUP ]] ||
      printf '\n%s: saving and stopping; Ctrl-C once more to stop at once\n' "$(basename "$0")" >&2 || true
    kill -USR1 "$launcher" 2>/dev/null || true
  elif [[ $1 == INT || ($1 == TERM && -n $terminated && $((SECONDS - ${terminated:-0})) -ge 5) ]]; then
    # Not SIGTERM: where the launcher is a script of this folder, it would be its first one.
    kill -INT "$launcher" 2>/dev/null || true
  fi
  if [[ $1 == TERM ]]; then terminated=${terminated:-$SECONDS}; fi
}
