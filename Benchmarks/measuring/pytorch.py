"""PyTorch's side: its variants, and which of them is the peer."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import steps
from .cases import Case, Layout
from .failure import Failure
from .memory import PeakMemory
from .processes import Job
from .processors import pinned, placement, thread_environment

PROGRAM = Path(__file__).parent.parent / "peers" / "train.py"


@dataclass(frozen=True)
class Variant:
    """One way in which a user of PyTorch would train."""

    optimizer: str = "fused"
    bucket_view: bool = False
    static_graph: bool = False
    compiled: bool = False
    distributed: bool = False

    def __str__(self) -> str:
        words = ["DDP"] if self.distributed else []
        words.append("compiled" if self.compiled else "eager")
        words.append(f"{self.optimizer} AdamW")
        if self.bucket_view:
            words.append("gradient_as_bucket_view")
        if self.static_graph:
            words.append("static_graph")
        return ", ".join(words)

    def options(self) -> list[str]:
        flags = {
            "--compile": self.compiled,
            "--bucket-view": self.bucket_view,
            "--static-graph": self.static_graph,
        }
        return ["--optimizer", self.optimizer, *(name for name, given in flags.items() if given)]


@dataclass(frozen=True)
class PyTorch:
    """Runs PyTorch on a case, one process a rank."""

    case: Case
    layout: Layout
    precision: str
    tokens: Path
    directory: Path

    def fastest(self, report: Callable[[str], None]) -> Variant:
        """Tries the variants in short runs, one choice after the other; returns the fastest.

        A variant that fails, as compilation does without a working C++ compiler, is reported and
        passed over. Raises Failure where none works.
        """
        best = Variant(distributed=self.layout.ranks > 1)
        seconds = self._try(best, report)
        choices: list[dict[str, Any]] = [{"optimizer": "foreach"}]
        if self.layout.ranks > 1:
            choices += [{"bucket_view": True}, {"static_graph": True}]
        choices.append({"compiled": True})
        for choice in choices:
            candidate = replace(best, **choice)
            taken = self._try(candidate, report)
            if taken < seconds:
                best, seconds = candidate, taken
        if seconds == float("inf"):
            raise Failure("PyTorch's training fails in every variant")
        return best

    def _try(self, variant: Variant, report: Callable[[str], None]) -> float:
        try:
            speed = self.speed(variant, self.case.trial_steps)
        except Failure as failure:
            report(f"{variant}: fails\n{failure}")
            return float("inf")
        report(f"{variant}: {speed.tokens_per_second:,.0f} tokens/s")
        return speed.seconds_per_step

    def speed(self, variant: Variant, timed_steps: int) -> steps.Speed:
        """Trains; returns the speed after the warm-up."""
        return self._train(variant, timed_steps, None)

    def peak_memory(self, variant: Variant, timed_steps: int) -> int:
        """Trains while memory is sampled; returns the bytes of all ranks at the peak.

        From the first step after the warm-up to the last: what compilation needed and gave back is
        left out, and so are the compiler's own processes.
        """
        peak = PeakMemory()
        self._train(variant, timed_steps, peak)
        return peak.bytes

    def _train(self, variant: Variant, timed_steps: int, peak: PeakMemory | None) -> steps.Speed:
        output = self.directory / "pytorch-run"
        output.mkdir()
        warmup = self.case.warmup_steps
        total = warmup + timed_steps
        metrics = output / "metrics.jsonl"
        commands = [
            pinned(self._command(variant, rank, total, output), processors)
            for rank, processors in enumerate(placement(self.layout))
        ]
        environment = thread_environment(self.layout.threads) | {"GLOO_SOCKET_IFNAME": "lo"}
        try:
            with Job(commands, self.directory, environment) as job:

                def sample() -> None:
                    if peak and warmup <= steps.step_count(metrics) < total:
                        peak.sample(process.pid for process in job.processes)

                job.wait(sample)
            return steps.speed(metrics, warmup)
        finally:
            shutil.rmtree(output, ignore_errors=True)

    def _command(self, variant: Variant, rank: int, step_count: int, output: Path) -> list[str]:
        case = self.case
        shape = {
            "--layers": case.layers,
            "--heads": case.heads,
            "--width": case.width,
            "--context": case.context,
            "--sequences": case.sequences,
            "--vocabulary": case.vocabulary,
            "--tokens": self.tokens,
            "--threads": self.layout.threads,
            "--precision": self.precision,
            "--steps": step_count,
            "--rank": rank,
            "--ranks": self.layout.ranks,
            "--output": output,
        }
        options = [str(word) for option in shape.items() for word in option]
        return [sys.executable, str(PROGRAM), *options, *variant.options()]
