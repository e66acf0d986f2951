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

import json
import pathlib
import sys
import tempfile

import torch
import torch.nn.functional as F
import training_checks as checks
from transformers import GPT2LMHeadModel

CONTEXT, VOCABULARY, STEPS, LEARNING_RATE = 512, 256, 200, 2e-4


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
        "optimizer": checks.optimizer(learning_rate=learning_rate),
        "schedule": {"name": "constant"},
        "steps": steps,
        "threads": 1,
        "evaluate": {"every": 0},
    }  # fmt: skip
    file = directory / f"{name}.yaml"
    file.write_text(json.dumps(configuration))
    run = directory / name
    checks.run(command, "train", file, "--output", run, "--quiet")
    return run, [step["loss"] for step in checks.steps(run)]


def torch_losses(checkpoint, tokens, enabled):
    model = GPT2LMHeadModel.from_pretrained(checkpoint, attn_implementation="sdpa")
    model.train()

    def loss():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            logits = model(tokens[None, :-1]).logits[0]
        return F.cross_entropy(logits.float(), tokens[1:])

    return checks.minimize(loss, list(model.parameters()), LEARNING_RATE, STEPS)[0]


def main():
    command = checks.command("Compares bfloat16 with PyTorch's autocast.")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        tokens = checks.chain(CONTEXT + 1, VOCABULARY)
        checks.write_tokens(directory / "tokens.bin", tokens)

        def own(name, steps, rate, precision):
            return lockstep_losses(command, directory, name, steps, rate, precision)

        start, _ = own("start", 1, 1e-30, "float32")
        checkpoint = start / "checkpoints" / "step-00000001"
        _, rounded = own("bfloat16", STEPS, LEARNING_RATE, "bfloat16")
        _, exact = own("float32", STEPS, LEARNING_RATE, "float32")
        autocast = torch_losses(checkpoint, tokens, enabled=True)
        single = torch_losses(checkpoint, tokens, enabled=False)

    def apart(one, other):
        return [abs(a - b) / b for a, b in zip(one, other, strict=True)]

    def show(name, distances):
        mean, most = sum(distances) / len(distances), max(distances)
        print(f"{name}: {mean:.4%} apart on average, {most:.4%} at most")
        return mean, most

    print(
        f"loss at step 1 and {STEPS}: lockstep bfloat16 {rounded[0]:.5f} {rounded[-1]:.5f}, "
        f"autocast {autocast[0]:.5f} {autocast[-1]:.5f}, "
        f"lockstep float32 {exact[0]:.5f} {exact[-1]:.5f}, torch {single[0]:.5f} {single[-1]:.5f}"
    )
    show("lockstep float32 and torch float32", apart(exact, single))
    noise, _ = show("torch autocast and torch float32", apart(autocast, single))
    show("lockstep bfloat16 and lockstep float32", apart(rounded, exact))
    mean, most = show("lockstep bfloat16 and torch autocast", apart(rounded, autocast))
    sys.exit(0 if mean <= 2 * noise and most <= 0.02 else 1)


if __name__ == "__main__":
    main()
