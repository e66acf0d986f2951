#!/usr/bin/env python3
"""Checks workers that seldom communicate (DiLoCo, SparseLoCo) against PyTorch: the same parameters after 4 rounds from one start.

Needs torch and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_workers.py

A small GPT is trained by 4 workers of 2 micro-batches, which come together every 5 steps. With torch each worker is
a model with an AdamW of its own, and the outer step is torch's SGD along the mean of the workers' changes, as in
Douillard et al. (2023), Algorithm 1, or along the largest elements of each change (Sarfi et al., 2025). Which tokens a worker reads is reckoned here anew from the seed. The losses of all
steps and the parameters in the end must be the same to 1e-4, relative, with Nesterov's momentum and with plain
averaging, and to 1e-2 with sparse changes, where a rounding error decides which of two elements is sent. The hashes of 1, 2, 3, 4 and 6 ranks must be equal, and those of runs which went on from a checkpoint in
the middle of a round on another number of ranks.
"""

import json
import math
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
import training_checks as checks

CONTEXT, VOCABULARY, SEED = 48, 256, 11
SEQUENCES, MICROBATCHES, WORKERS, EVERY, STEPS = 2, 8, 4, 5, 20
LEARNING_RATE = 2e-3
LAYERS, HEADS, WIDTH = 3, 4, 64
DENSITY, LEFT = 0.05, 0.9
OUTER = {
    "nesterov": {"name": "nesterov"},
    "sgd": {"name": "sgd", "learning_rate": 1.0},
    "sparseloco": {"name": "sparseloco", "density": DENSITY, "decay": LEFT},
}
BLOCK = 4096
WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mixed(word):
    """SplitMix64's mixer."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def permuted(index, count, key):
    """An element of a permutation of `count` numbers: a Feistel network of eight rounds."""
    half = (max(4, (count - 1).bit_length()) + 1) // 2
    while True:
        left, right = index >> half, index & (1 << half) - 1
        for number in range(1, 9):
            word = mixed(right ^ mixed((key + number * GOLDEN) & WORD))
            left, right = right, left ^ word & (1 << half) - 1
        index = left << half | right
        if index < count:
            return index


def start(sample, token_count):
    """Where the tokens of a sample begin: windows in another order in each epoch, cut at another place."""
    windows = token_count // CONTEXT - 1
    epoch, place = divmod(sample, windows)

    def key(use):
        return mixed(mixed((SEED + GOLDEN) & WORD) ^ (2 * epoch + use) * GOLDEN & WORD)

    phase = key(1) * (token_count - windows * CONTEXT) >> 64
    return phase + permuted(place, windows, key(0)) * CONTEXT


def batch(tokens, step, worker):
    own = MICROBATCHES // WORKERS * SEQUENCES
    first = step * MICROBATCHES * SEQUENCES + worker * own
    starts = [start(first + place, len(tokens)) for place in range(own)]
    return torch.stack([tokens[begin : begin + CONTEXT + 1] for begin in starts])


def load(file):
    """Tensors of a safetensors file, by name."""
    with open(file, "rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
        values = np.frombuffer(opened.read(), dtype=np.float32)
    header.pop("__metadata__", None)
    return {
        name: torch.tensor(values[entry["data_offsets"][0] // 4 : entry["data_offsets"][1] // 4].reshape(entry["shape"]))
        for name, entry in header.items()
    }


def loss(parameters, sequences):
    """GPT-2's mean loss of a token, of tensors under their names in files, without "transformer."."""
    get = {name.removeprefix("transformer."): value for name, value in parameters.items()}
    inputs, targets = sequences[:, :-1], sequences[:, 1:]

    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), get[f"{name}.weight"], get[f"{name}.bias"])

    def linear(x, name):
        return x @ get[f"{name}.weight"] + get[f"{name}.bias"]

    x = get["wte.weight"][inputs] + get["wpe.weight"][: inputs.shape[1]]
    for layer in range(LAYERS):
        name = f"h.{layer}"
        joint = linear(norm(x, f"{name}.ln_1"), f"{name}.attn.c_attn")
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in joint.split(WIDTH, dim=-1))
        mixed_values = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + linear(mixed_values, f"{name}.attn.c_proj")
        hidden = F.gelu(linear(norm(x, f"{name}.ln_2"), f"{name}.mlp.c_fc"), approximate="tanh")
        x = x + linear(hidden, f"{name}.mlp.c_proj")
    logits = norm(x, "ln_f") @ get["wte.weight"].T
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Momentum:
    """Algorithm 1 of Douillard et al.: torch's SGD along the mean of the workers' changes."""

    def __init__(self, parameters, **rule):
        self.parameters = parameters
        self.optimizer = torch.optim.SGD(parameters.values(), **rule)

    def step(self, workers):
        for name, parameter in self.parameters.items():
            parameter.grad = sum(parameter - worker[name] for worker in workers) / WORKERS
        self.optimizer.step()


class Sparse:
    """SparseLoCo with eight bits: of each worker's change and what it has not sent the largest elements.

    Blocks are of all parameters one after the other, in the order of the model and not of the file, each tensor at
    a multiple of 16 elements.
    """

    def __init__(self, parameters):
        self.parameters = parameters
        self.names = ordered(parameters)
        self.left = [torch.zeros_like(self.vector(parameters)) for _ in range(WORKERS)]

    def vector(self, tensors):
        return torch.cat([F.pad(tensors[name].flatten(), (0, -tensors[name].numel() % 16)) for name in self.names])

    def sent(self, change):
        """What is sent of a change."""
        result = torch.zeros_like(change)
        for first in range(0, len(change), BLOCK):
            block = change[first : first + BLOCK]
            kept = -(-len(block) * math.ceil(DENSITY * BLOCK) // BLOCK)
            largest = block.abs().topk(kept).indices
            # The last seven bits of the significand are zero: products with whole numbers are exact.
            scale = ((block.abs().max() / 127).view(torch.int32) & ~0x7F).view(torch.float32)
            result[first + largest] = (block[largest] / scale).round() * scale
        return result

    def step(self, workers):
        total = 0
        for index, worker in enumerate(workers):
            self.left[index] = LEFT * self.left[index] + self.vector(self.parameters) - self.vector(worker)
            sent = self.sent(self.left[index])
            self.left[index] -= sent
            total = total + sent
        start = 0
        for name in self.names:
            parameter = self.parameters[name]
            parameter -= total[start : start + parameter.numel()].view_as(parameter) / WORKERS
            start += -(-parameter.numel() // 16) * 16


PEERS = {
    "nesterov": lambda parameters: Momentum(parameters, lr=0.7, momentum=0.9, nesterov=True),
    "sgd": lambda parameters: Momentum(parameters, lr=1.0),
    "sparseloco": Sparse,
}


def train_with_torch(parameters, tokens, outer):
    """Trains the workers and moves the parameters, in place. Returns the mean losses of the steps."""
    workers = [
        {name: value.clone().requires_grad_() for name, value in parameters.items()} for _ in range(WORKERS)
    ]
    inner = [checks.adamw(worker.values(), LEARNING_RATE) for worker in workers]
    losses = []
    for step in range(STEPS):
        found = []
        for index, (worker, optimizer) in enumerate(zip(workers, inner)):
            value = loss(worker, batch(tokens, step, index))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(worker.values(), checks.CLIP_NORM)
            optimizer.step()
            found.append(value.item())
        losses.append(sum(found) / WORKERS)
        if (step + 1) % EVERY:
            continue
        with torch.no_grad():
            outer.step(workers)
            for worker in workers:
                for name, parameter in parameters.items():
                    worker[name].copy_(parameter)
    return losses


class Lockstep:
    def __init__(self, command, directory, outer):
        self.command, self.directory = command, directory
        data = directory / "data"
        self.file = directory / "workers.yaml"
        self.file.write_text(json.dumps({
            "seed": SEED,
            "data": {
                "train": str(data / "train.bin"), "validation": str(data / "validation.bin"),
                "tokenizer": str(data / "tokenizer.json"),
            },
            "model": {"layers": LAYERS, "heads": HEADS, "width": WIDTH, "context": CONTEXT},
            "batch": {"sequences": SEQUENCES, "microbatches": MICROBATCHES},
            "optimizer": checks.optimizer(learning_rate=LEARNING_RATE),
            "schedule": {"name": "constant"},
            "synchronize": {"every": EVERY, "workers": WORKERS, "outer": outer},
            "steps": STEPS, "threads": 1, "evaluate": {"every": EVERY}, "checkpoint": {"every": 7, "keep": 9},
        }))  # fmt: skip

    def train(self, name, ranks=1, arguments=()):
        """The run's directory, and its hash."""
        output = self.directory / name
        checks.run(
            self.command, "train", self.file, "--output", output, "--quiet", *arguments, ranks=ranks
        )
        return output, checks.summary(output)["parameters_sha256"]

    def resume(self, output, step, ranks):
        """The hash of a run that goes on from one of another's checkpoints."""
        copied = self.directory / f"resumed-{step}-{ranks}"
        shutil.copytree(output, copied)
        (copied / "summary.json").unlink()
        for place in (copied / "checkpoints").iterdir():
            if int(place.name.removeprefix("step-")) > step:
                shutil.rmtree(place)
        return self.train(copied.name, ranks, ["--resume"])[1]


def ordered(parameters):
    """Names in the order of the flat buffer."""

    def place(name):
        parts = name.removeprefix("transformer.").replace("bias", "~bias").split(".")
        if parts[0] == "h":
            return 1, int(parts[1]), ["ln_1", "attn", "ln_2", "mlp"].index(parts[2]), parts[3:]
        return {"wte": 0, "wpe": 0, "ln_f": 2}[parts[0]], ["wte", "wpe", "ln_f"].index(parts[0]), 0, parts[1:]

    return sorted(parameters, key=place)


def check(command, directory, name, tokens):
    lockstep = Lockstep(command, directory, OUTER[name])
    start, _ = lockstep.train(
        f"{name}-start", 1,
        ["--set", "synchronize={every: 0}", "--set", "optimizer.learning_rate=0", "--set", "steps=1"],
    )  # fmt: skip
    begun, expected = (load(start / "checkpoints" / "step-00000001" / "model.safetensors") for _ in range(2))
    losses = train_with_torch(expected, tokens, PEERS[name](expected))

    output, expected_hash = lockstep.train(f"{name}-1")
    found = load(output / "checkpoints" / f"step-{STEPS:08}" / "model.safetensors")
    assert found.keys() == expected.keys() and len(found) >= 12, found.keys() ^ expected.keys()
    apart = checks.distance(found, expected, begun)
    loss_apart = checks.relative([step["loss"] for step in checks.steps(output)], losses)
    hashes = {expected_hash} | {lockstep.train(f"{name}-{ranks}", ranks)[1] for ranks in (2, 3, 4, 6)}
    for ranks in (1, 3, 4):
        for step, later in ((7, 2), (14, 6)):
            hashes.add(lockstep.resume(directory / f"{name}-{ranks}", step, later))
            shutil.rmtree(directory / f"resumed-{step}-{later}")
    near = 1e-2 if name == "sparseloco" else 1e-4
    good = max(apart, loss_apart) <= near and len(hashes) == 1
    print(
        f"{name}: {len(found)} tensors {apart:.1e} apart, losses {loss_apart:.1e}; loss {losses[0]:.4f} to "
        f"{losses[-1]:.4f}; {len(hashes)} hash of 1, 2, 3, 4, 6 ranks and resumed" + ("" if good else "  WRONG")
    )
    return good


def main():
    command = checks.command("Compares workers that seldom communicate with torch's.")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place)
        generator = np.random.default_rng(1)
        words = ["".join(generator.choice(list("abcdefgh"), size=size)) for size in range(2, 9) for _ in range(9)]
        (directory / "text.txt").write_text(" ".join(generator.choice(words, size=9000)))
        checks.run(
            command, "prepare", directory / "text.txt", "--tokenizer", "bytes", "--output",
            directory / "data", "--quiet",
        )  # fmt: skip
        tokens = torch.tensor(np.fromfile(directory / "data" / "train.bin", dtype=np.uint16, offset=1024).astype(np.int64))
        good = True
        for name in OUTER:
            good &= check(command, directory, name, tokens)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
