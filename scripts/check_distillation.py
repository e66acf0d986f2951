#!/usr/bin/env python3
"""Checks distillation against PyTorch: the same parameters after 20 steps from the same start on the same data.

Needs torch, transformers and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_distillation.py

A small GPT-2 learns from a larger Llama with the same tokens, at several temperatures and shares of the loss, on one
window of tokens. The formula of Hinton et al. (2015) is computed with torch and minimised with its AdamW. The losses
of all steps, the norm of the first gradient, and the parameters in the end, relative to how far they have come, must be
the same to 1e-4. The hashes of 1, 2 and 3 ranks must be equal, and that of a run which was stopped and resumed.
"""

import json
import pathlib
import sys
import tempfile

import torch
import torch.nn.functional as F
import training_checks as checks
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

CONTEXT, VOCABULARY, STEPS, LEARNING_RATE = 128, 256, 20, 1e-3
MODELS = {
    "teacher": checks.llama(VOCABULARY, hidden_size=96, intermediate_size=256, initializer_range=0.2),
    "student": checks.gpt2(VOCABULARY, CONTEXT, n_layer=2, bos_token_id=None, eos_token_id=None),
}


def train(command, directory, name, loss, steps=STEPS, ranks=1, resume=False):
    configuration = {
        "seed": 1,
        "data": {"train": str(directory / "tokens.bin"), "tokenizer": None, "validation": None},
        "model": {"from": str(directory / "student"), "dropout": 0.0},
        "loss": loss,
        "batch": {"sequences": 1, "microbatches": 3},
        "optimizer": checks.optimizer(learning_rate=LEARNING_RATE),
        "schedule": {"name": "constant"},
        "threads": 1,
        "steps": STEPS,
        "evaluate": {"every": 0},
    }  # fmt: skip
    file, output = directory / f"{name}.yaml", directory / name
    file.write_text(json.dumps(configuration))
    checks.run(
        command, "train", file, "--output", output, "--quiet", "--steps", steps,
        *(["--resume"] if resume else []), ranks=ranks,
    )  # fmt: skip
    return output, checks.summary(output)["parameters_sha256"]


def train_with_torch(student, teacher, tokens, temperature, weight):
    with torch.no_grad():
        known = F.log_softmax(teacher(tokens[None, :-1]).logits[0] / temperature, dim=-1)

    def loss():
        logits = student(tokens[None, :-1]).logits[0]
        soft = F.log_softmax(logits / temperature, dim=-1)
        divergence = F.kl_div(soft, known, reduction="sum", log_target=True) / len(known)
        return (1 - weight) * F.cross_entropy(logits, tokens[1:]) + weight * temperature**2 * divergence

    return checks.minimize(loss, list(student.parameters()), LEARNING_RATE, STEPS)


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
        for place in (directory / "student", checks.newest(output), directory / f"{name}-torch")
    )
    assert expected.keys() <= ours.keys(), expected.keys() - ours.keys()
    apart = checks.distance(ours, expected, start)
    steps = checks.steps(output)
    loss_apart = checks.relative([step["loss"] for step in steps], losses)
    norm_apart = checks.relative([steps[0]["gradient_norm"]], norms[:1])
    hashes = {hash} | {train(command, directory, f"{name}-{ranks}", loss, ranks=ranks)[1] for ranks in (2, 3)}
    train(command, directory, f"{name}-resumed", loss, steps=7, ranks=2)
    hashes.add(train(command, directory, f"{name}-resumed", loss, ranks=3, resume=True)[1])
    good = max(apart, loss_apart, norm_apart) <= 1e-4 and len(hashes) == 1
    print(
        f"temperature {temperature}, weight {weight}: parameters {apart:.1e} apart, losses {loss_apart:.1e}, "
        f"first gradient's norm {norm_apart:.1e}; loss {losses[0]:.4f} to {losses[-1]:.4f}; "
        f"{len(hashes)} hash of 1, 2, 3 ranks and resumed" + ("" if good else "  WRONG")
    )
    return good


def main():
    command = checks.command("Compares distillation with torch's.")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place)
        tokens = torch.randint(VOCABULARY, [CONTEXT + 1])
        checks.write_tokens(directory / "tokens.bin", tokens)
        for model, configuration in MODELS.items():
            AutoModelForCausalLM.from_config(configuration).save_pretrained(directory / model)
        cases = [(1.0, 0.5), (2.0, 0.9), (4.0, 1.0)]
        good = [check(command, directory, tokens, *case) for case in cases]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
