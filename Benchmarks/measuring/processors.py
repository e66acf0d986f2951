"""Which processors a benchmark may use, and how commands are pinned to them."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from .cases import Layout


def cores() -> list[int]:
    """One processor of each core in this process's affinity mask.

    Hardware threads of one core share its vector unit, so that only one of them is used.
    """
    seen: set[str] = set()
    chosen = []
    for processor in sorted(os.sched_getaffinity(0)):
        topology = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        siblings = topology.read_text().strip() if topology.exists() else str(processor)
        if siblings not in seen:
            seen.add(siblings)
            chosen.append(processor)
    return chosen


def placement(layout: Layout) -> list[list[int]]:
    """The processors of each rank, of which there are enough."""
    available = cores()
    return [
        available[rank * layout.threads : (rank + 1) * layout.threads]
        for rank in range(layout.ranks)
    ]


def pinned(command: Sequence[str], processors: Sequence[int]) -> list[str]:
    """The command, confined to the processors."""
    return ["taskset", "--cpu-list", ",".join(map(str, processors)), *command]


def thread_environment(threads: int) -> dict[str, str]:
    """The environment in which PyTorch and its libraries use that many threads."""
    count = str(threads)
    return {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "RAYON_NUM_THREADS": count,
        "TOKENIZERS_PARALLELISM": "false" if threads == 1 else "true",
    }


def _first(key: str) -> str:
    """The first value of a key in /proc/cpuinfo; empty where it has none."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def kind() -> str:
    """The processor's maker, and the best of its instructions that matrix products use: "Intel with AMX".

    A processor whose host does not let its guests use AMX counts as one without.
    """
    makers = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}
    best = {"amx_bf16": "AMX", "avx512_bf16": "AVX512_BF16", "avx512f": "AVX-512", "avx2": "AVX2"}
    flags = set(_first("flags").split())
    names = [name for flag, name in best.items() if flag in flags]
    maker = makers.get(_first("vendor_id"), platform.machine())
    return f"{maker} with {names[0]}" if names else maker


def description() -> str:
    """The machine in a few words: its processor and how many cores may be used."""
    model = _first("model name") or platform.processor() or platform.machine()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{model} ({kind()}), {len(cores())} cores, {memory / 1e9:.0f} GB of memory"
