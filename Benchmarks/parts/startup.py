"""From starting a process to the end of its first step, case `tiny`, one thread.

Against a Python process that imports torch, builds the same model, and trains eagerly. What the
process does after its first step does not count.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

from measuring.bench import Bench
from measuring.failure import Failure
from measuring.lockstep import ENVIRONMENT
from measuring.processors import cores, pinned, thread_environment
from measuring.sides import alternate, result


def run(bench: Bench) -> Iterator[dict[str, Any]]:
    case, configuration = bench.training("tiny")
    output = bench.directory / "startup-run"
    lockstep = [str(bench.binary), "train", str(configuration), "--output", str(output), "--json"]
    peer = bench.peer_command(
        "train.py",
        {
            "--layers": case.layers,
            "--heads": case.heads,
            "--width": case.width,
            "--context": case.context,
            "--sequences": case.sequences,
            "--vocabulary": case.vocabulary,
            "--tokens": bench.directory / f"tokens-{case.vocabulary}.bin",
            "--threads": 1,
            "--steps": 1,
            "--output": bench.directory,
            "--announce": None,
        },
    )

    def own_seconds() -> float:
        shutil.rmtree(output, ignore_errors=True)
        return seconds_until(b'"event":"step"', lockstep, ENVIRONMENT)

    def peer_seconds() -> float:
        return seconds_until(b'"step"', peer, thread_environment(1))

    # Once each, so that files are in the page cache for both.
    alternate(own_seconds, peer_seconds, 1)
    sides = alternate(own_seconds, peer_seconds, max(10, bench.rounds))
    yield result("startup", "tiny, to the first step", "PyTorch, eager", sides)


def seconds_until(
    mark: bytes,
    command: Sequence[str],
    environment: dict[str, str],
    processors: Sequence[int] | None = None,
) -> float:
    """How long a command takes, by default on one core, to print a line that holds the mark."""
    start = time.perf_counter()
    with subprocess.Popen(
        pinned(command, processors or cores()[:1]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or []:
                if mark in line:
                    return time.perf_counter() - start
        finally:
            process.kill()
    raise Failure(f"{' '.join(command)} ended without its first step")
