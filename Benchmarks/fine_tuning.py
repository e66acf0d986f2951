#!/usr/bin/env python3
"""Compares fine-tuning by LoRA with Lockstep and with peft. See fine-tuning.sh."""

import json
import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measuring import lockstep, processes, processors, steps
from measuring.arguments import Parser, count
from measuring.cases import Case, Layout
from measuring.failure import Failure
from measuring.memory import PeakMemory
from measuring.processors import pinned, placement, thread_environment
from measuring.results import ResultsFile

PEER = Path(__file__).parent / "peers" / "adapter.py"
#: SmolLM2-135M's shape, of random weights; 4 sequences of 512 tokens a step.
CASE = Case("SmolLM2-135M", 30, 9, 576, 512, 4, 49152, 1, 4, 2, 16)
#: Of the adapter, on both sides.
ADAPTER = {"rank": 8, "alpha": 16, "targets": ["q_proj", "v_proj"]}


@dataclass(frozen=True)
class Adapted(lockstep.Lockstep):
    """Lockstep's side: an adapter on a model that others have made."""

    model: Path
    weights: str

    def configuration(self, step_count: int) -> dict[str, object]:
        return super().configuration(step_count) | {
            "model": {
                "from": str(self.model),
                "weights": self.weights,
                "context": self.case.context,
            },
            "adapter": {"name": "lora", **ADAPTER},
        }


@dataclass(frozen=True)
class Peft:
    """peft's side."""

    model: Path
    layout: Layout
    precision: str
    tokens: Path
    directory: Path
    compiled: bool = False

    def __str__(self) -> str:
        return f"peft, {'compiled' if self.compiled else 'eager'}"

    def speed(self, timed_steps: int, peak: PeakMemory | None = None) -> steps.Speed:
        """Trains; returns the speed after the warm-up, and samples the memory where asked to."""
        output = self.directory / "peft-run"
        output.mkdir()
        metrics, warmup = output / "metrics.jsonl", CASE.warmup_steps
        total = warmup + timed_steps
        options = {
            "--model": self.model,
            "--tokens": self.tokens,
            "--adapter": json.dumps(ADAPTER),
            "--sequences": CASE.sequences,
            "--context": CASE.context,
            "--threads": self.layout.threads,
            "--precision": self.precision,
            "--steps": total,
            "--output": output,
        }
        words = [str(word) for option in options.items() for word in option]
        command = [sys.executable, str(PEER), *words, *(["--compile"] if self.compiled else [])]
        environment = thread_environment(self.layout.threads)
        try:
            with processes.Job(
                [pinned(command, placement(self.layout)[0])], self.directory, environment
            ) as job:

                def sample() -> None:
                    if peak and warmup <= steps.step_count(metrics) < total:
                        peak.sample(process.pid for process in job.processes)

                job.wait(sample)
            return steps.speed(metrics, warmup)
        finally:
            shutil.rmtree(output, ignore_errors=True)


def fastest(eager: Peft, compiled: Peft) -> Peft:
    """The faster of two short runs; one that fails is passed over, as compilation may."""
    best, seconds = eager, float("inf")
    for each in (eager, compiled):
        try:
            speed = each.speed(CASE.trial_steps)
        except Failure as failure:
            print(f"  {each}: fails\n{failure}", flush=True)
            continue
        print(f"  {each}: {speed.tokens_per_second:,.0f} tokens/s", flush=True)
        if speed.seconds_per_step < seconds:
            best, seconds = each, speed.seconds_per_step
    if seconds == float("inf"):
        raise Failure("peft's training fails in every variant")
    return best


def compare(own: Adapted, peer: Peft, options: Namespace) -> dict[str, Any]:
    """Measures the pairs and the memory; returns the object of the JSON."""
    pairs: list[tuple[float, float]] = []
    for number in range(1, options.pairs + 1):
        ours = own.speed(CASE.timed_steps)
        theirs = peer.speed(CASE.timed_steps)
        if ours.tokens_per_step != theirs.tokens_per_step:
            raise Failure(
                f"the sides differ: {ours.tokens_per_step} and {theirs.tokens_per_step} tokens a step"
            )
        pairs.append((ours.tokens_per_second, theirs.tokens_per_second))
        print(
            f"  pair {number}: {pairs[-1][0]:,.0f} tokens/s, peft {pairs[-1][1]:,.0f}, ratio "
            f"{pairs[-1][0] / pairs[-1][1]:.2f}",
            flush=True,
        )
    peak = PeakMemory()
    peer.speed(CASE.trial_steps, peak)
    ratios = [ours / theirs for ours, theirs in pairs]
    return {
        "benchmark": "fine-tuning",
        "model": CASE.name,
        "precision": options.precision,
        "weights": options.weights,
        "threads": options.threads,
        "lockstep_tokens_per_second": median(ours for ours, _ in pairs),
        "peer_tokens_per_second": median(theirs for _, theirs in pairs),
        "peer": str(peer),
        "ratio_median": median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "lockstep_peak_bytes": own.peak_memory(CASE.trial_steps),
        "peer_peak_bytes": peak.bytes,
    }


def parse(arguments: Sequence[str]) -> Namespace:
    parser = Parser(
        prog="fine-tuning.sh",
        description="Compares fine-tuning by LoRA with Lockstep and with peft on this machine.",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="of both sides; PyTorch's bfloat16 is autocast. Default: float32",
    )
    parser.add_argument(
        "--weights",
        choices=["float32", "bfloat16", "q8_0"],
        default="float32",
        help="how Lockstep keeps the model; peft's is in float32. Default: float32",
    )
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="default: 1")
    parser.add_argument("--pairs", type=count, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--json",
        type=ResultsFile.argument("benchmark", "model", "precision", "weights", "threads"),
        metavar="FILE",
        help="where results are stored; others that it holds are kept",
    )
    parser.add_argument("--plan", action="store_true", help="say what would be measured, and end")
    options = parser.parse_args(arguments)
    if options.threads > len(processors.cores()):
        parser.error(f"--threads {options.threads}: there are {len(processors.cores())} cores")
    return options


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    if options.plan:
        timed = CASE.warmup_steps + CASE.timed_steps
        minutes = (2 * options.pairs * timed + 20) * CASE.seconds_per_step / 60 / options.threads
        print(
            f"{CASE.name} by LoRA in {options.precision}, kept in {options.weights}; "
            f"{options.pairs} pairs: about {max(1, round(minutes))} min"
        )
        return
    processes.end_on_terminate()
    print(processors.description(), flush=True)
    layout = Layout(1, options.threads)
    with tempfile.TemporaryDirectory(prefix="lockstep-benchmark-") as name:
        directory = Path(name)
        tokens, model = directory / "tokens.bin", directory / "model"
        lockstep.write_tokens(tokens, CASE.vocabulary)
        processes.run([sys.executable, str(PEER), "--make", str(model)], directory)
        own = Adapted(
            Path(os.environ["LOCKSTEP"]), CASE, layout, options.precision, tokens, directory,
            model, options.weights,
        )  # fmt: skip
        peft = Peft(model, layout, options.precision, tokens, directory)
        print("which peft is the fastest?", flush=True)
        peer = fastest(
            peft, Peft(model, layout, options.precision, tokens, directory, compiled=True)
        )
        print(f"{options.pairs} pairs against {peer}", flush=True)
        result = compare(own, peer, options)
    if options.json:
        options.json.store(result)
    print(
        f"\nratio {result['ratio_median']:.2f} ({result['ratio_min']:.2f} to "
        f"{result['ratio_max']:.2f}), memory {result['lockstep_peak_bytes'] / 1e6:,.0f} MB and "
        f"{result['peer_peak_bytes'] / 1e6:,.0f} MB"
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"fine-tuning.sh: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
