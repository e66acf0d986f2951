#!/usr/bin/env python3
"""Checks that training in bfloat16 stays beside PyTorch's autocast, from the same start on the same data.

Needs torch, transformers and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_bfloat16.py

Both train a small GPT-2 on one window of 513 random tokens, the same at each step, so that both see the
same data whatever their order. The start is Lockstep's: the checkpoint after one step at a learning rate
of 1e-30, which moves no parameter. PyTorch trains it in float32, and with autocast. The script
prints how far the losses are apart. It exits with 1 where Lockstep's bfloat16 is more than 2 % of the loss
from autocast at any step, or on average more than twice as far as autocast is from float32. (At a learning
rate of 1e-3 the window is soon known by heart, and what is left of the loss is noise.)
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from transformers import GPT2LMHeadModel

CONTEXT, VOCABULARY = 512, 256
LEARNING_RATE, BETAS, DECAY = 2e-4, (0.9, 0.95), 0.1


def write_tokens(path):
    """A token file in llm.c's format: a Markov chain, so that there is something to learn."""
    generator = np.random.default_rng(1)
    successors = generator.integers(VOCABULARY, size=(VOCABULARY, 4))
    tokens = [0]
    for choice in generator.integers(4, size=CONTEXT):
        tokens.append(successors[tokens[-1], choice])
    header = np.zeros(256, dtype=np.int32)
    header[:3] = 20240520, 1, len(tokens)
    path.write_bytes(header.tobytes() + np.array(tokens, dtype=np.uint16).tobytes())
    return torch.tensor(tokens)


def lockstep_losses(command, directory, name, steps, learning_rate, precision):
    configuration = {
        "seed": 1,
        "precision": precision,
        "data": {"train": str(directory / "tokens.bin"), "validation": None, "tokenizer": None},
        "model": {
            "architecture": "gpt", "layers": 4, "heads": 4, "width": 128, "context": CONTEXT,
            "vocabulary": VOCABULARY, "dropout": 0.0,
        },
        "batch": {"sequences": 1, "microbatches": 1},
        "optimizer": {
            "name": "adamw", "learning_rate": learning_rate, "betas": BETAS,
            "weight_decay": DECAY, "clip_norm": 1.0,
        },
        "schedule": {"name": "constant"},
        "steps": steps,
        "threads": 1,
        "evaluate": {"every": 0},
    }  # fmt: skip
    file = directory / f"{name}.yaml"
    file.write_text(json.dumps(configuration))
    run = directory / name
    subprocess.run([command, "train", file, "--output", run, "--quiet"], check=True)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return run, [json.loads(line)["loss"] for line in lines if '"loss"' in line]


def torch_losses(checkpoint, tokens, steps, enabled):
    torch.set_num_threads(1)
    model = GPT2LMHeadModel.from_pretrained(checkpoint, attn_implementation="sdpa")
    model.train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=LEARNING_RATE, betas=BETAS,
    )  # fmt: skip
    losses = []
    for _ in range(steps):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            logits = model(tokens[None, :-1]).logits[0]
        loss = F.cross_entropy(logits.float(), tokens[1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    parser = argparse.ArgumentParser(description="Compares bfloat16 with PyTorch's autocast.")
    parser.add_argument("--lockstep", default=".build/release/lockstep", help="the command")
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        tokens = write_tokens(directory / "tokens.bin")

        def own(name, steps, rate, precision):
            return lockstep_losses(arguments.lockstep, directory, name, steps, rate, precision)

        start, _ = own("start", 1, 1e-30, "float32")
        checkpoint = start / "checkpoints" / "step-00000001"
        _, rounded = own("bfloat16", arguments.steps, LEARNING_RATE, "bfloat16")
        _, exact = own("float32", arguments.steps, LEARNING_RATE, "float32")
        autocast = torch_losses(checkpoint, tokens, arguments.steps, enabled=True)
        single = torch_losses(checkpoint, tokens, arguments.steps, enabled=False)

    def apart(one, other):
        return [abs(a - b) / b for a, b in zip(one, other, strict=True)]

    def show(name, distances):
        mean, most = sum(distances) / len(distances), max(distances)
        print(f"{name}: {mean:.4%} apart on average, {most:.4%} at most")
        return mean, most

    last = arguments.steps - 1
    print(
        f"loss at step 1 and {last + 1}: lockstep bfloat16 {rounded[0]:.5f} {rounded[last]:.5f}, "
        f"autocast {autocast[0]:.5f} {autocast[last]:.5f}, "
        f"lockstep float32 {exact[0]:.5f} {exact[last]:.5f}, torch {single[0]:.5f} {single[last]:.5f}"
    )
    show("lockstep float32 and torch float32", apart(exact, single))
    noise, _ = show("torch autocast and torch float32", apart(autocast, single))
    show("lockstep bfloat16 and lockstep float32", apart(rounded, exact))
    mean, most = show("lockstep bfloat16 and torch autocast", apart(rounded, autocast))
    sys.exit(0 if mean <= 2 * noise and most <= 0.02 else 1)


if __name__ == "__main__":
    main()
