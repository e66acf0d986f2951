"""The reduction alone, two ranks of one thread, 1 KB to 1 GB.

Lockstep's canonical reduction (each rank ends with its slice of the sum, then the slices are
shared, and the norm is there too) and MPI_Allreduce are measured by `lockstep benchmark reduction`,
alternately in the same processes; Gloo's all_reduce by PyTorch, in turns with that command.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from measuring.bench import PEERS, Bench
from measuring.cases import Layout
from measuring.lockstep import ENVIRONMENT, launched
from measuring.processes import Job
from measuring.processors import pinned, placement, thread_environment
from measuring.sides import Sides, result

LAYOUT = Layout(2, 1)


def run(bench: Bench) -> Iterator[dict[str, Any]]:
    against_mpi: dict[int, Sides] = {}
    against_gloo: dict[int, Sides] = {}
    for _ in range(bench.rounds):
        own = lockstep_sizes(bench)
        gloo = gloo_seconds(bench, [size["bytes"] for size in own])
        for size in own:
            count = size["bytes"]
            mpi = against_mpi.setdefault(count, Sides([], []))
            mpi.lockstep.append(size["canonical_seconds"])
            mpi.peer.append(size["allreduce_seconds"])
            other = against_gloo.setdefault(count, Sides([], []))
            other.lockstep.append(size["canonical_seconds"])
            other.peer.append(gloo[count])
    for count in sorted(against_mpi):
        yield result("reduction", size_text(count), "MPI_Allreduce", against_mpi[count])
        yield result("reduction", size_text(count), "Gloo", against_gloo[count])


def lockstep_sizes(bench: Bench) -> list[dict[str, Any]]:
    """Seconds by size, of the canonical reduction and of MPI_Allreduce."""
    command = launched([str(bench.binary), "benchmark", "reduction", "--json"], LAYOUT)
    with Job([command], bench.directory, ENVIRONMENT) as job:
        job.wait()
        # The launcher may print something before or after the object.
        text = job.outputs[0].read_text()
        return json.loads(text[text.index("{") : text.rindex("}") + 1])["sizes"]


def gloo_seconds(bench: Bench, sizes: list[int]) -> dict[int, float]:
    """Seconds of Gloo's all_reduce by size."""
    store = bench.directory / "rendezvous"
    store.unlink(missing_ok=True)
    commands = [
        pinned(
            [sys.executable, str(PEERS / "allreduce.py"), str(rank), str(LAYOUT.ranks), str(store)]
            + [str(size) for size in sizes],
            processors,
        )
        for rank, processors in enumerate(placement(LAYOUT))
    ]
    environment = thread_environment(1) | {"GLOO_SOCKET_IFNAME": "lo"}
    with Job(commands, bench.directory, environment) as job:
        job.wait()
        last = job.outputs[0].read_text().splitlines()[-1]
        return {int(size): seconds for size, seconds in json.loads(last).items()}


def size_text(count: int) -> str:
    """A number of bytes as people say it."""
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:g} {unit}"
    return f"{count} bytes"
