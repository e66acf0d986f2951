#!/usr/bin/env python3
"""Checks learning of preferences (DPO) against PyTorch: the same parameters after 20 steps from the same start.

Needs torch, transformers, peft and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_preferences.py

For a small Llama with an adapter, the same with an adapter that begins as another one, and a small GPT-2 that is
trained as a whole: the formula of Rafailov et al. (2023) is computed with torch, each answer in a sequence of its
own, and minimised with torch's AdamW over all preferences in each step, as Lockstep does it with both answers of
several preferences packed. The losses of all steps, the norm of the first gradient and the parameters in the end must
be the same to 1e-4, relative, and so must be what `lockstep evaluate` measures. The hashes of 1, 2 and 3 ranks must be
equal, and that of a run which was stopped and resumed.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
import training_checks as checks
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

CONTEXT, VOCABULARY, STEPS, LEARNING_RATE, PREFERENCES = 96, 320, 20, 1e-3, 12
MODELS = {"llama": checks.llama(VOCABULARY), "gpt2": checks.gpt2(VOCABULARY, CONTEXT)}
ADAPTER = {"name": "lora", "rank": 4, "alpha": 8, "targets": ["q_proj", "v_proj"]}


def prepare(command, directory):
    """Preferences as token files, and the same as pairs of lists of tokens, with how many of each prompt."""
    generator = np.random.default_rng(1)

    def words(count):
        return "".join(generator.choice(list("abcdefgh "), size=count)).strip() + "."

    lines = [
        {"prompt": words(20), "chosen": words(int(generator.integers(18, 40))),
         "rejected": words(int(generator.integers(18, 40)))}
        for _ in range(PREFERENCES)
    ]  # fmt: skip
    (directory / "text.txt").write_text("Some text.\n" * 100)
    (directory / "preferences.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    checks.run(command, "prepare", directory / "text.txt", "--tokenizer", "bytes", "--output", directory / "bytes", "--quiet")
    checks.run(
        command, "prepare", "--preferences", directory / "preferences.jsonl", "--template", "plain", "--tokenizer",
        directory / "bytes" / "tokenizer.json", "--context", CONTEXT, "--validation-fraction", 0,
        "--output", directory / "data", "--quiet",
    )  # fmt: skip
    tokens, marks = (
        np.fromfile(directory / "data" / name, dtype=np.uint16, offset=1024).astype(np.int64)
        for name in ("train.bin", "train.mask.bin")
    )
    starts = [place for place, mark in enumerate(marks) if mark & 2] + [len(tokens)]
    sides = [
        (torch.tensor(tokens[start:end]), torch.tensor(marks[start:end] & 1).bool())
        for start, end in zip(starts, starts[1:])
    ]
    # A sequence has room for one side alone, so that an epoch is a step.
    assert len(sides) == 2 * PREFERENCES and all(CONTEXT / 2 < len(side) - 1 <= CONTEXT for side, _ in sides)
    return list(zip(sides[::2], sides[1::2]))


class Lockstep:
    def __init__(self, command, directory, name, model, changes):
        self.command, self.directory, self.name = command, directory, name
        data = directory / "data"
        self.configuration = {
            "seed": 1,
            "data": {
                "format": "preferences", "train": str(data / "train.bin"),
                "validation": str(data / "train.bin"), "tokenizer": str(data / "tokenizer.json"),
            },
            "model": {"from": str(directory / model), "context": CONTEXT},
            "batch": {"sequences": 4, "microbatches": PREFERENCES // 2},
            "optimizer": checks.optimizer(),
            "schedule": {"name": "constant"},
            "threads": 1,
            "evaluate": {"every": 0},
        } | changes  # fmt: skip

    def train(self, name, steps, rate, ranks=1, resume=False):
        """The run's directory, and its summary."""
        configuration = self.configuration | {"steps": STEPS}
        configuration["optimizer"]["learning_rate"] = rate
        file = self.directory / f"{self.name}-{name}.yaml"
        file.write_text(json.dumps(configuration))
        output = self.directory / f"{self.name}-{name}"
        checks.run(
            self.command, "train", file, "--output", output, "--quiet", "--steps", steps,
            *(["--resume"] if resume else []), ranks=ranks,
        )  # fmt: skip
        return output, checks.summary(output)

    def evaluate(self, output):
        found = checks.run(self.command, "evaluate", output, "--json", capture_output=True, text=True)
        return json.loads(found.stdout)


def log_probability(model, side):
    tokens, is_answer = side
    logits = model(tokens[None, :-1]).logits[0]
    found = torch.gather(F.log_softmax(logits, dim=-1), 1, tokens[1:, None])[:, 0]
    return (found * is_answer[1:]).sum()


class Preferences:
    def __init__(self, reference, preferences, beta, smoothing):
        self.preferences, self.beta, self.smoothing = preferences, beta, smoothing
        with torch.no_grad():
            self.reference = [[log_probability(reference, side) for side in pair] for pair in preferences]

    def rewards(self, model):
        return torch.stack([
            torch.stack([self.beta * (log_probability(model, side) - r) for side, r in zip(pair, own)])
            for pair, own in zip(self.preferences, self.reference)
        ])  # fmt: skip

    def loss(self, rewards):
        margins = rewards[:, 0] - rewards[:, 1]
        return -(
            (1 - self.smoothing) * F.logsigmoid(margins) + self.smoothing * F.logsigmoid(-margins)
        ).mean()


def train_with_torch(model, preferences):
    parameters = [p for p in model.parameters() if p.requires_grad]
    return checks.minimize(
        lambda: preferences.loss(preferences.rewards(model)), parameters, LEARNING_RATE, STEPS
    )


def check(command, directory, name, model, pairs, changes):
    lockstep = Lockstep(command, directory, name, model, changes)
    keys = lockstep.configuration["loss"]

    def base():
        return AutoModelForCausalLM.from_pretrained(directory / model, dtype=torch.float32)

    adapter = changes.get("adapter")
    begun, _ = lockstep.train("start", 1, 1e-30)
    if adapter:
        reference = PeftModel.from_pretrained(base(), adapter["from"]) if "from" in adapter else base()
        trained = PeftModel.from_pretrained(base(), checks.newest(begun), is_trainable=True)
    else:
        reference, trained = base(), base()
    preferences = Preferences(reference.eval(), pairs, keys.get("beta", 0.1), keys.get("label_smoothing", 0.0))
    losses, norms = train_with_torch(trained.train(), preferences)
    theirs = directory / f"{name}-torch"
    trained.save_pretrained(theirs)

    output, summary = lockstep.train("run", STEPS, LEARNING_RATE)
    file = "adapter_model.safetensors" if adapter else "model.safetensors"
    start, ours, expected = (load_file(place / file) for place in (checks.newest(begun), checks.newest(output), theirs))
    shared = ours.keys() & expected.keys()
    assert len(shared) >= 12, ours.keys() ^ expected.keys()
    if adapter:
        apart = max(
            ((ours[key] - expected[key]).norm() / expected[key].norm()).item() for key in shared
        )
    else:
        apart = checks.distance(ours, expected, start)
    steps = checks.steps(output)
    loss_apart = checks.relative([step["loss"] for step in steps], losses)
    norm_apart = checks.relative([steps[0]["gradient_norm"]], norms[:1])
    with torch.no_grad():
        rewards = preferences.rewards(trained.eval())
        margins = rewards[:, 0] - rewards[:, 1]
        measured = {
            "loss": preferences.loss(rewards).item(), "accuracy": (margins > 0).float().mean().item(),
            "margin": margins.mean().item(), "chosen_reward": rewards[:, 0].mean().item(),
        }  # fmt: skip
    found = lockstep.evaluate(output)
    metric_apart = checks.relative([found[key] for key in measured], measured.values())
    hashes = [summary["parameters_sha256"]]
    for ranks in (2, 3):
        hashes.append(lockstep.train(f"run{ranks}", STEPS, LEARNING_RATE, ranks)[1]["parameters_sha256"])
    lockstep.train("resumed", 7, LEARNING_RATE, 2)
    hashes.append(lockstep.train("resumed", STEPS, LEARNING_RATE, 3, resume=True)[1]["parameters_sha256"])
    good = max(apart, loss_apart, norm_apart, metric_apart) <= 1e-4 and len(set(hashes)) == 1
    print(
        f"{name}: {len(shared)} tensors {apart:.1e} apart, losses {loss_apart:.1e}, first gradient's norm "
        f"{norm_apart:.1e}, metrics {metric_apart:.1e}; loss {losses[0]:.4f} to {losses[-1]:.4f}; "
        f"{len(set(hashes))} hash of 1, 2, 3 ranks and resumed" + ("" if good else "  WRONG")
    )
    return good


def main():
    command = checks.command("Compares learning of preferences with torch's.")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place)
        pairs = prepare(command, directory)
        for model, configuration in MODELS.items():
            AutoModelForCausalLM.from_config(configuration).save_pretrained(directory / model)
        first = {"loss": {"name": "dpo"}, "adapter": ADAPTER}
        again = ADAPTER | {"from": str(directory / "again")}
        good = check(command, directory, "adapter", "llama", pairs, first)
        checks.newest(directory / "adapter-run").rename(directory / "again")
        for name, model, changes in [
            ("adapter from another", "llama", {"loss": {"name": "dpo", "beta": 0.3}, "adapter": again}),
            ("whole", "gpt2", {"loss": {"name": "dpo", "beta": 0.2, "label_smoothing": 0.1}}),
        ]:
            good &= check(command, directory, name, model, pairs, changes)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
