"""Lockstep's side: configurations, token files and runs of the `lockstep` command."""

import json
import os
import random
import shutil
import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

from . import steps
from .cases import Case, Layout
from .memory import PeakMemory, descendants, runs
from .processes import Job
from .processors import pinned, placement

#: OpenBLAS must start no threads beside Lockstep's own.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


def write_tokens(path: Path, vocabulary: int, count: int = 1_000_000) -> None:
    """Writes random tokens as a token file of llm.c's form: 256 int32 of header, then uint16."""
    header = struct.pack("<256i", 20240520, 1, count, *[0] * 253)
    tokens = array("H", random.Random(1).choices(range(vocabulary), k=count))
    path.write_bytes(header + tokens.tobytes())


@dataclass(frozen=True)
class Lockstep:
    """Runs the `lockstep` command on a case."""

    binary: Path
    case: Case
    layout: Layout
    precision: str
    tokens: Path
    #: Scratch space, emptied after each run.
    directory: Path

    def configuration(self, step_count: int) -> dict[str, object]:
        """The keys of a run; JSON is YAML too."""
        case = self.case
        return {
            "seed": 1,
            "precision": self.precision,
            "threads": self.layout.threads,
            "data": {"train": str(self.tokens), "validation": None, "tokenizer": None},
            "model": {
                "layers": case.layers,
                "heads": case.heads,
                "width": case.width,
                "context": case.context,
                "vocabulary": case.vocabulary,
                "dropout": 0.0,
            },
            "batch": {"sequences": case.sequences, "microbatches": self.layout.ranks},
            "optimizer": {
                "learning_rate": 1e-3,
                "betas": [0.9, 0.95],
                "weight_decay": 0.1,
                "clip_norm": 1.0,
            },
            "schedule": {"name": "constant"},
            "steps": step_count,
            "evaluate": {"every": 0},
            "checkpoint": {"every": 0},
        }

    def command(self, step_count: int, output: Path) -> list[str]:
        """Starts the ranks, each pinned to its cores; one rank is a plain process."""
        configuration = self.directory / "lockstep.yaml"
        configuration.write_text(json.dumps(self.configuration(step_count)))
        train = [str(self.binary), "train", str(configuration), "--output", str(output), "--quiet"]
        return launched(train, self.layout)

    def speed(self, timed_steps: int) -> steps.Speed:
        """Trains; returns the speed after the warm-up."""
        return self._train(timed_steps, None)

    def peak_memory(self, timed_steps: int) -> int:
        """Trains while memory is sampled; returns the bytes of all ranks at the peak.

        From the first step after the warm-up to the last: the checkpoint that a run ends with is
        left out, as PyTorch writes none.
        """
        peak = PeakMemory()
        self._train(timed_steps, peak)
        return peak.bytes

    def _train(self, timed_steps: int, peak: PeakMemory | None) -> steps.Speed:
        output = self.directory / "lockstep-run"
        warmup = self.case.warmup_steps
        total = warmup + timed_steps
        metrics = output / "metrics.jsonl"
        try:
            with Job([self.command(total, output)], self.directory, ENVIRONMENT) as job:

                def sample() -> None:
                    if peak and warmup <= steps.step_count(metrics) < total:
                        ranks = descendants(process.pid for process in job.processes)
                        peak.sample(rank for rank in ranks if runs(rank, self.binary))

                job.wait(sample)
            return steps.speed(metrics, warmup)
        finally:
            shutil.rmtree(output, ignore_errors=True)


def launched(command: list[str], layout: Layout) -> list[str]:
    """The command as ranks of a layout, each confined to its own cores.

    mpirun does not bind, since its own binding ignores the affinity mask that it was started in.
    """
    places = placement(layout)
    if layout.ranks == 1:
        return pinned(command, places[0])
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none"]
    if os.geteuid() == 0:
        launcher.append("--allow-run-as-root")
    for index, processors in enumerate(places):
        launcher += [":"] if index else []
        launcher += ["-np", "1", *pinned(command, processors)]
    return launcher
