#!/usr/bin/env python3
"""Checks distillation against PyTorch: the same parameters after 20 steps from the same start on the same data.

Needs torch, transformers and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_distillation.py

A small GPT-2 learns from a larger Llama with the same tokens, at several temperatures and shares of the loss, on one
window of tokens. The formula of Hinton et al. (2015) is computed with torch and minimised with its AdamW. The losses
of all steps, the norm of the first gradient, and the parameters in the end, relative to how far they have come, must be
the same to 1e-4. The hashes of 1, 2 and 3 ranks must be equal, and that of a run which was stopped and resumed.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

CONTEXT, VOCABULARY, STEPS = 128, 256, 20
LEARNING_RATE, BETAS, DECAY = 1e-3, (0.9, 0.95), 0.1
MODELS = {
    "teacher": LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=96, intermediate_size=256, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2,
    ),
    "student": GPT2Config(
        vocab_size=VOCABULARY, n_embd=64, n_layer=2, n_head=4, n_positions=CONTEXT, bos_token_id=None,
        eos_token_id=None, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    ),
}  # fmt: skip


def write_tokens(path):
    """A token file in llm.c's format, of one window of random tokens."""
    tokens = np.random.default_rng(1).integers(VOCABULARY, size=CONTEXT + 1)
    header = np.zeros(256, dtype=np.int32)
    header[:3] = 20240520, 1, len(tokens)
    path.write_bytes(header.tobytes() + tokens.astype(np.uint16).tobytes())
    return torch.tensor(tokens)


def train(command, directory, name, loss, steps=STEPS, ranks=1, resume=False):
    configuration = {
        "seed": 1,
        "data": {"train": str(directory / "tokens.bin"), "tokenizer": None, "validation": None},
        "model": {"from": str(directory / "student"), "dropout": 0.0},
        "loss": loss,
        "batch": {"sequences": 1, "microbatches": 3},
        "optimizer": {
            "name": "adamw", "betas": BETAS, "weight_decay": DECAY, "clip_norm": 1.0,
            "learning_rate": LEARNING_RATE,
        },
        "schedule": {"name": "constant"},
        "threads": 1,
        "steps": STEPS,
        "evaluate": {"every": 0},
    }  # fmt: skip
    file, output = directory / f"{name}.yaml", directory / name
    file.write_text(json.dumps(configuration))
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    launcher = ["mpirun", "--oversubscribe", "-np", str(ranks)] if ranks > 1 else []
    subprocess.run(
        launcher + [command, "train", file, "--output", output, "--quiet", "--steps", str(steps)]
        + (["--resume"] if resume else []),
        check=True, env=environment,
    )  # fmt: skip
    return output, json.loads((output / "summary.json").read_text())["parameters_sha256"]


def newest(output):
    return sorted((output / "checkpoints").iterdir())[-1]


def train_with_torch(student, teacher, tokens, temperature, weight):
    with torch.no_grad():
        known = F.log_softmax(teacher(tokens[None, :-1]).logits[0] / temperature, dim=-1)
    parameters = list(student.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=LEARNING_RATE, betas=BETAS,
    )  # fmt: skip
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        logits = student(tokens[None, :-1]).logits[0]
        soft = F.log_softmax(logits / temperature, dim=-1)
        divergence = F.kl_div(soft, known, reduction="sum", log_target=True) / len(known)
        loss = (1 - weight) * F.cross_entropy(logits, tokens[1:]) + weight * temperature**2 * divergence
        loss.backward()
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        optimizer.step()
    return losses, norms


def check(command, directory, tokens, temperature, weight):
    name = f"run-{temperature}-{weight}"
    loss = {
        "name": "distillation", "teacher": str(directory / "teacher"), "temperature": temperature, "weight": weight,
    }  # fmt: skip
    teacher, student = (
        AutoModelForCausalLM.from_pretrained(directory / model, dtype=torch.float32) for model in MODELS
    )
    losses, norms = train_with_torch(student.train(), teacher.eval(), tokens, temperature, weight)
    student.save_pretrained(directory / f"{name}-torch")
    output, hash = train(command, directory, name, loss)
    start, ours, expected = (
        load_file(place / "model.safetensors")
        for place in (directory / "student", newest(output), directory / f"{name}-torch")
    )
    wrong, moved = (
        sum((tensor - other[key]).norm() ** 2 for key, tensor in expected.items()).sqrt().item()
        for other in (ours, start)
    )
    steps = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    steps = [step for step in steps if "gradient_norm" in step]
    loss_apart = max(abs(step["loss"] - value) / value for step, value in zip(steps, losses, strict=True))
    norm_apart = abs(steps[0]["gradient_norm"] - norms[0]) / norms[0]
    hashes = {hash} | {train(command, directory, f"{name}-{ranks}", loss, ranks=ranks)[1] for ranks in (2, 3)}
    train(command, directory, f"{name}-resumed", loss, steps=7, ranks=2)
    hashes.add(train(command, directory, f"{name}-resumed", loss, ranks=3, resume=True)[1])
    good = max(wrong / moved, loss_apart, norm_apart) <= 1e-4 and len(hashes) == 1
    print(
        f"temperature {temperature}, weight {weight}: parameters {wrong / moved:.1e} apart, losses {loss_apart:.1e}, "
        f"first gradient's norm {norm_apart:.1e}; loss {losses[0]:.4f} to {losses[-1]:.4f}; "
        f"{len(hashes)} hash of 1, 2, 3 ranks and resumed" + ("" if good else "  WRONG")
    )
    return good


def main():
    parser = argparse.ArgumentParser(description="Compares distillation with torch's.")
    parser.add_argument("--lockstep", default=".build/release/lockstep", help="the command")
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place)
        tokens = write_tokens(directory / "tokens.bin")
        for model, configuration in MODELS.items():
            AutoModelForCausalLM.from_config(configuration).save_pretrained(directory / model)
        cases = [(1.0, 0.5), (2.0, 0.9), (4.0, 1.0)]
        good = [check(arguments.lockstep, directory, tokens, *case) for case in cases]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
