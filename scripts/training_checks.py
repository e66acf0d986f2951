"""What the scripts share that compare training with PyTorch's: tokens, small models, torch's AdamW and runs.

Needs torch, transformers and numpy. Scripts that use it run from the repository's root.
"""

import argparse
import json
import os
import shutil
import subprocess

import numpy as np
import torch
from transformers import GPT2Config, LlamaConfig

BETAS, DECAY, CLIP_NORM = (0.9, 0.95), 0.1, 1.0


def command(description):
    """The `lockstep` that the script's arguments name."""
    parser = argparse.ArgumentParser(description=description)
    default = os.environ.get("LOCKSTEP", ".build/release/lockstep")
    parser.add_argument("--lockstep", default=default, help="the command. Default: $LOCKSTEP, or the release build")
    found = parser.parse_args().lockstep
    if shutil.which(found) is None:
        parser.error(f"there is no {found}: build it by swift build -c release, or name another")
    return found


def run(*arguments, ranks=1, **options):
    """Runs a command to its end, on several ranks by mpirun. Raises CalledProcessError where it fails."""
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    launcher = ["mpirun", "--oversubscribe", "-np", ranks] if ranks > 1 else []
    return subprocess.run([*map(str, launcher), *map(str, arguments)], check=True, env=environment, **options)


def summary(output):
    """What a run's directory says of the whole run."""
    return json.loads((output / "summary.json").read_text())


def steps(output):
    """The lines of a run's optimiser steps, in their order."""
    with (output / "metrics.jsonl").open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [line for line in lines if "gradient_norm" in line]


def newest(output):
    """The directory of a run's last checkpoint."""
    return sorted((output / "checkpoints").iterdir())[-1]


def chain(count, vocabulary):
    """Tokens of a Markov chain, so that there is something to learn."""
    generator = np.random.default_rng(1)
    successors = generator.integers(vocabulary, size=(vocabulary, 4))
    tokens = [0]
    for choice in generator.integers(4, size=count - 1):
        tokens.append(successors[tokens[-1], choice])
    return torch.tensor(np.array(tokens))


def write_tokens(path, tokens):
    """A token file in llm.c's format."""
    header = np.zeros(256, dtype=np.int32)
    header[:3] = 20240520, 1, len(tokens)
    path.write_bytes(header.tobytes() + tokens.numpy().astype(np.uint16).tobytes())


def llama(vocabulary, **changes):
    """A small Llama's configuration."""
    return LlamaConfig(**{
        "vocab_size": vocabulary, "hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    } | changes)  # fmt: skip


def gpt2(vocabulary, context, **changes):
    """A small GPT-2's configuration, without dropout."""
    return GPT2Config(**{
        "vocab_size": vocabulary, "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": context,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
    } | changes)  # fmt: skip


def adamw(parameters, learning_rate):
    """torch's AdamW, which decays matrices and embeddings only, as Lockstep does."""
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=learning_rate, betas=BETAS,
    )  # fmt: skip


def optimizer(**changes):
    """The same as a configuration's `optimizer`."""
    return {"name": "adamw", "betas": BETAS, "weight_decay": DECAY, "clip_norm": CLIP_NORM} | changes


def minimize(loss, parameters, learning_rate, steps):
    """Takes steps along the clipped gradient; the loss and the gradient's norm of each of them.

    loss: a function without arguments.
    """
    found = adamw(parameters, learning_rate)
    losses, norms = [], []
    for _ in range(steps):
        found.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        losses.append(value.item())
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM).item())
        found.step()
    return losses, norms


def relative(found, expected):
    """The largest difference of two lists' numbers, relative to the expected one."""
    return max(abs(a - b) / abs(b) for a, b in zip(found, expected, strict=True))


def distance(found, expected, start):
    """How far tensors are from the expected ones, as a fraction of how far those have come from the start.

    All as one vector: AdamW makes steps of the noise where a gradient is 0.
    """
    wrong, moved = (
        sum((expected[key] - other[key]).norm() ** 2 for key in expected.keys() & found.keys()).sqrt().item()
        for other in (found, start)
    )
    return wrong / moved
