#!/usr/bin/env python3
"""Checks training of adapters against peft: the same adapters after 20 steps, from the same start on the same data.

Needs torch, transformers, peft and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_adapters.py

For a small Llama and a small GPT-2 with random weights, and each of LoRA, rsLoRA and DoRA: Lockstep makes the
start, one step at a learning rate of 1e-30, which moves nothing; peft loads it and trains it with torch's AdamW on
one window of tokens, the same at each step, as Lockstep does. The norm of the difference between both adapters,
relative to the tensor's norm, must be at most 1e-4 for each tensor. peft then loads Lockstep's result, whose loss
must be the one that `lockstep evaluate` finds. The hashes of 1, 2 and 3 ranks must be equal, and that of a run
which was stopped and resumed.
"""

import json
import pathlib
import sys
import tempfile

import torch
import torch.nn.functional as F
import training_checks as checks
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

CONTEXT, VOCABULARY, STEPS, LEARNING_RATE = 128, 256, 20, 1e-3
MODELS = {"llama": checks.llama(VOCABULARY), "gpt2": checks.gpt2(VOCABULARY, CONTEXT)}
TARGETS = {
    "llama": {"lora": ["q_proj", "v_proj"], "rslora": ["all-linear"], "dora": ["o_proj", "up_proj"]},
    "gpt2": {"lora": ["c_attn"], "rslora": ["all-linear"], "dora": ["c_attn", "mlp.c_proj"]},
}


class Lockstep:
    def __init__(self, command, directory, model, method, targets):
        self.command, self.directory, self.name = command, directory, f"{model}-{method}"
        self.configuration = {
            "seed": 1,
            "data": {
                "train": str(directory / "tokens.bin"), "tokenizer": None,
                "validation": str(directory / "tokens.bin"),
            },
            "model": {"from": str(directory / model), "context": CONTEXT},
            "adapter": {"name": method, "rank": 4, "alpha": 8, "targets": targets},
            "batch": {"sequences": 1, "microbatches": 3},
            "optimizer": checks.optimizer(),
            "schedule": {"name": "constant"},
            "threads": 1,
            "evaluate": {"every": 0},
        }  # fmt: skip

    def train(self, name, steps, rate, ranks=1, resume=False):
        """The run's directory, and its summary."""
        configuration = self.configuration | {"steps": STEPS}
        configuration["optimizer"]["learning_rate"] = rate
        file = self.directory / f"{self.name}-{name}.yaml"
        file.write_text(json.dumps(configuration))
        run = self.directory / f"{self.name}-{name}"
        checks.run(
            self.command, "train", file, "--output", run, "--quiet", "--steps", steps,
            *(["--resume"] if resume else []), ranks=ranks,
        )  # fmt: skip
        return run, checks.summary(run)

    def loss(self, run):
        output = checks.run(self.command, "evaluate", run, "--json", capture_output=True, text=True)
        return json.loads(output.stdout)["loss"]


def torch_loss(model, tokens):
    return F.cross_entropy(model(tokens[None, :-1]).logits[0], tokens[1:])


def train_with_peft(base, start, tokens):
    model = PeftModel.from_pretrained(base, start, is_trainable=True)
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    checks.minimize(lambda: torch_loss(model, tokens), parameters, LEARNING_RATE, STEPS)
    return model


def check(command, directory, model, method, tokens):
    lockstep = Lockstep(command, directory, model, method, TARGETS[model][method])

    def base():
        return AutoModelForCausalLM.from_pretrained(directory / model, dtype=torch.float32)

    start, _ = lockstep.train("start", 1, 1e-30)
    trained = train_with_peft(base(), checks.newest(start), tokens)
    run, summary = lockstep.train("run", STEPS, LEARNING_RATE)
    theirs = directory / f"{model}-{method}-peft"
    trained.save_pretrained(theirs)
    ours = load_file(checks.newest(run) / "adapter_model.safetensors")
    expected = load_file(theirs / "adapter_model.safetensors")
    assert ours.keys() == expected.keys(), ours.keys() ^ expected.keys()
    apart = max(
        ((ours[name] - tensor).norm() / tensor.norm()).item()
        for name, tensor in expected.items()
    )
    with torch.no_grad():
        loaded = PeftModel.from_pretrained(base(), checks.newest(run))
        loss = torch_loss(loaded.eval(), tokens).item()
        untrained = torch_loss(base(), tokens).item()
    evaluated = lockstep.loss(run)
    hashes = [summary["parameters_sha256"]]
    for ranks in (2, 3):
        hashes.append(lockstep.train(f"run{ranks}", STEPS, LEARNING_RATE, ranks)[1]["parameters_sha256"])
    lockstep.train("resumed", 7, LEARNING_RATE, 2)
    hashes.append(lockstep.train("resumed", STEPS, LEARNING_RATE, 3, resume=True)[1]["parameters_sha256"])
    good = apart <= 1e-4 and abs(loss - evaluated) <= 1e-5 * loss and len(set(hashes)) == 1
    print(
        f"{model} {method}: {len(ours)} tensors {apart:.1e} apart; loss {untrained:.5f} untrained, "
        f"{loss:.6f} in peft, {evaluated:.6f} in lockstep; {len(set(hashes))} hash of 1, 2, 3 ranks and resumed"
        + ("" if good else "  WRONG")
    )
    return good


def main():
    command = checks.command("Compares adapters with peft's.")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    good = True
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        tokens = checks.chain(CONTEXT + 1, VOCABULARY)
        checks.write_tokens(directory / "tokens.bin", tokens)
        for model, configuration in MODELS.items():
            AutoModelForCausalLM.from_config(configuration).save_pretrained(directory / model)
            for method in ("lora", "rslora", "dora"):
                good &= check(command, directory, model, method, tokens)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
