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


def description() -> str:
    """The machine in a few words: its processor and how many cores may be used."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{model}, {len(cores())} cores, {memory / 1e9:.0f} GB of memory"
