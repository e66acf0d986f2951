"""Trains the GPT of `gpt.py` on random windows of a token file: one rank of the peer's side.

Writes `metrics.jsonl` like Lockstep's into the output directory: steps, tokens and seconds from the
start, where seconds are spent in steps, from the choice of a batch to the loss as a number.
"""

import argparse
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy
import torch
from torch import Tensor, distributed, nn

from gpt import GPT


class Windows:
    """Random windows of a token file in llm.c's form."""

    def __init__(self, path: Path, sequences: int, context: int, seed: int) -> None:
        self.tokens = numpy.memmap(path, dtype=numpy.uint16, mode="r", offset=1024)
        self.sequences, self.context = sequences, context
        self.random = numpy.random.default_rng(seed)

    def next(self) -> tuple[Tensor, Tensor]:
        """Tokens and those that follow them, both [B, T]."""
        starts = self.random.integers(len(self.tokens) - self.context, size=self.sequences)
        rows = numpy.stack([self.tokens[start : start + self.context + 1] for start in starts])
        windows = torch.from_numpy(rows.astype(numpy.int64))
        return windows[:, :-1].contiguous(), windows[:, 1:].contiguous()


def optimizer_for(model: nn.Module, kind: str) -> torch.optim.Optimizer:
    """AdamW with decay on matrices only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), **{kind: True})


def train(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.ranks > 1:
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{options.output.resolve()}/rendezvous",
            rank=options.rank,
            world_size=options.ranks,
        )
    model: nn.Module = GPT(
        options.layers, options.heads, options.width, options.context, options.vocabulary
    )
    parameters = list(model.parameters())
    optimizer = optimizer_for(model, options.optimizer)
    if options.compile:
        model = torch.compile(model)
    if options.ranks > 1:
        model = nn.parallel.DistributedDataParallel(
            model,
            gradient_as_bucket_view=options.bucket_view,
            static_graph=options.static_graph,
        )
    bfloat16 = options.precision == "bfloat16"
    autocast = partial(torch.autocast, "cpu", dtype=torch.bfloat16, enabled=bfloat16)
    windows = Windows(options.tokens, options.sequences, options.context, seed=options.rank)
    tokens_per_step = options.ranks * options.sequences * options.context
    seconds = 0.0
    # Only rank 0's is kept.
    name = "metrics.jsonl" if options.rank == 0 else f"metrics-{options.rank}.jsonl"
    with (options.output / name).open("w", buffering=1) as metrics:
        for step in range(1, options.steps + 1):
            start = time.perf_counter()
            tokens, targets = windows.next()
            with autocast():
                loss = model(tokens, targets)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            value = loss.item()
            seconds += time.perf_counter() - start
            record = {
                "step": step,
                "loss": value,
                "tokens": step * tokens_per_step,
                "seconds": seconds,
            }
            metrics.write(json.dumps(record) + "\n")
            if options.announce:
                print(json.dumps(record), flush=True)
    if options.ranks > 1:
        leave()


def leave() -> NoReturn:
    """Ends a rank without the interpreter's finalisation.

    Gloo's threads may still hold the last tensors then, and abort the process now and then
    (terminate called without an active exception), with destroy_process_group or without.
    """
    distributed.barrier()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains a GPT with PyTorch.")
    for name in ("layers", "heads", "width", "context", "sequences", "vocabulary"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("threads", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--optimizer", choices=["fused", "foreach"], default="fused")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bucket-view", action="store_true")
    parser.add_argument("--static-graph", action="store_true")
    parser.add_argument("--announce", action="store_true", help="print the steps too")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
