"""Saving and loading a checkpoint of GPT-2 124M with its optimiser's state: 1.5 GB.

Against `save_file` and `load_file` of `safetensors.torch` with the same tensors. Lockstep's saving
is what it reports for the checkpoint: copying, hashing, writing, syncing to the disk, renaming. Its
loading is from the start of the process to the first event of the resumed run: reading, checking
the hashes, and dealing out, with start-up and allocation. The peer syncs too, since what is not on
the disk is not saved, but neither hashes nor starts a process; it loads into existing tensors.
On one core with one thread, and on two with two.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring.bench import Bench
from measuring.cases import Layout
from measuring.lockstep import ENVIRONMENT
from measuring.processors import cores
from measuring.sides import Sides, result

from .startup import seconds_until


def run(bench: Bench) -> Iterator[dict[str, Any]]:
    _, configuration = bench.training("gpt2")
    for count in (1, 2):
        if count <= len(cores()):
            yield from compare(bench, configuration, Layout(1, count))


def compare(bench: Bench, configuration: Path, layout: Layout) -> Iterator[dict[str, Any]]:
    """Both sides on as many cores as the layout has threads."""
    # The batch plays no part: one short sequence saves time.
    changes = ["--set", "batch.sequences=1", "--set", f"threads={layout.threads}"]
    output = bench.directory / "checkpoint-run"
    arguments = ["train", configuration, "--output", output, "--json", *changes]
    copies = bench.directory / "checkpoint-copies"
    processors = cores()[: layout.threads]
    saving, loading = Sides([], []), Sides([], [])
    try:
        for _ in range(bench.rounds):
            shutil.rmtree(output, ignore_errors=True)
            printed = bench.lockstep(arguments, layout)
            events = [json.loads(line) for line in printed.splitlines()]
            saved = next(event for event in events if event["event"] == "checkpoint")
            saving.lockstep.append(saved["seconds"])
            resume = [str(bench.binary), *map(str, arguments), "--resume"]
            loading.lockstep.append(
                seconds_until(b'"event":"started"', resume, ENVIRONMENT, processors)
            )
            peer = bench.peer(
                "checkpoint.py", {"--checkpoint": saved["path"], "--output": copies}, processors
            )
            saving.peer.append(peer["save_seconds"])
            loading.peer.append(peer["load_seconds"])
    finally:
        shutil.rmtree(output, ignore_errors=True)
        shutil.rmtree(copies, ignore_errors=True)
    threads = f"{layout.threads} thread" + ("s" if layout.threads > 1 else "")
    yield result("checkpoint", f"gpt2, save, {threads}", "safetensors, synced", saving)
    yield result("checkpoint", f"gpt2, load, {threads}", "safetensors", loading)
