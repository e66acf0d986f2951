# shellcheck shell=bash
# What the benchmarks' scripts share: installs what is missing, builds Lockstep, and makes a virtual
# environment with the Python packages to compare with. Sourced; does nothing by itself.

unset CDPATH
benchmarks=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$benchmarks/../launch/common.sh"

# The virtual environment: $LOCKSTEP_BENCHMARK_VENV if it names one, else one in this folder.
venv=${LOCKSTEP_BENCHMARK_VENV:-$benchmarks/.venv}
if [[ $venv != /* ]]; then venv=$PWD/$venv; fi

# check_arguments PROGRAM ARGUMENT...: says what will be measured. Before anything else, so that
# nothing is installed or built for wrong arguments, nor for --help and --plan, which end here.
check_arguments() {
  local program=$benchmarks/$1 argument plan
  shift
  provided python3 command -v python3
  install_missing
  for argument in "$@"; do
    case $argument in
      -h | --help | --plan) exec python3 "$program" "$@" ;;
    esac
  done
  plan=$(python3 "$program" --plan "$@")
  say "$plan"
}

# provide_packages NAME...: makes the virtual environment and installs the packages it lacks. With
# all of them there, no network is needed. PyTorch for processors only is preferred, which is much
# smaller; pip finds it where its index or its find-links have it.
provide_packages() {
  local name absent=()
  if [[ -n ${LOCKSTEP_BENCHMARK_VENV:-} && ! -x $venv/bin/python ]]; then
    fail "LOCKSTEP_BENCHMARK_VENV is $venv, which has no bin/python: name a virtual environment" 2
  fi
  if [[ ! -x $venv/bin/python ]]; then
    say "Making $venv"
    python3 -m venv "$venv"
  fi
  for name in "$@"; do
    "$venv/bin/python" -c "import importlib.util as u, sys; sys.exit(not u.find_spec('$name'))" ||
      absent+=("$name")
  done
  [[ ${#absent[@]} -gt 0 ]] || return 0
  say "Installing ${absent[*]} into $venv"
  for name in "${absent[@]}"; do
    if [[ $name == torch ]] && pip_install "torch==2.13.0+cpu" 2>/dev/null; then continue; fi
    pip_install "$name" || fail "pip could not install $name; are you online?"
  done
}

# pip_install PACKAGE: into the virtual environment.
pip_install() {
  "$venv/bin/python" -m pip install --quiet "$1"
}

# Notes the tools that measuring needs beside Lockstep's own: the compiler of torch.compile, and
# taskset, which pins.
provide_tools() {
  provide_libraries
  provided python3-venv python3 -c "import venv, ensurepip"
  provided g++ command -v g++
  provided util-linux command -v taskset
}

# Builds Lockstep and names its command to the Python programs; $LOCKSTEP takes another one.
build_lockstep() {
  if [[ -z ${LOCKSTEP:-} ]]; then build; fi
  LOCKSTEP=$(lockstep_binary)
  export LOCKSTEP
}
