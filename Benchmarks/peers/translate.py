"""Trains the Transformer of `translator.py` on prepared pairs for a given time, and translates
lines with it.

    translate.py --configuration CONFIG.json --seconds S --threads N --lines FILE --output DIR

The configuration is that of Lockstep's run: data, model, loss, batch, optimiser, schedule,
averaging. Pairs are sorted by length within an epoch's permutation, cut into batches and shuffled.
Writes `metrics.jsonl`, `model.pt` and `translations` into the output directory; where `model.pt` is
there, nothing is trained. Only training counts as time, not evaluation.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.optim import swa_utils

from translator import Translator


class Pairs:
    """Token files of sources and targets, whose texts end with a token."""

    def __init__(self, source: str, target: str, end: int, context: int) -> None:
        self.end = end
        self.texts = [
            (s, t)
            for s, t in zip(self.read(source), self.read(target), strict=True)
            if len(s) <= context and len(t) <= context
        ]

    def read(self, path: str) -> list[numpy.ndarray]:
        tokens = numpy.fromfile(path, dtype=numpy.uint16, offset=1024).astype(numpy.int64)
        return numpy.split(tokens, numpy.flatnonzero(tokens == self.end) + 1)[:-1]

    def epoch(self, size: int, random: numpy.random.Generator) -> list[list[int]]:
        """Batches of pairs of like length."""
        order = random.permutation(len(self.texts))
        order = order[: len(order) // size * size]
        lengths = [(len(self.texts[i][1]), len(self.texts[i][0])) for i in order]
        order = [order[i] for i in sorted(range(len(order)), key=lengths.__getitem__)]
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        return [batches[i] for i in random.permutation(len(batches))]

    def batch(self, pairs: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Source, padding, decoder's inputs and targets."""
        source, padding = padded([self.texts[i][0] for i in pairs])
        targets = [self.texts[i][1] for i in pairs]
        inputs, _ = padded([numpy.concatenate(([self.end], text[:-1])) for text in targets])
        wanted, absent = padded(targets)
        return source, padding, inputs, wanted.masked_fill(absent, -1)


def padded(texts: list[numpy.ndarray]) -> tuple[Tensor, Tensor]:
    """Texts as rows of a rectangle, and where none is."""
    rows = nn.utils.rnn.pad_sequence([torch.from_numpy(t) for t in texts], batch_first=True)
    lengths = torch.tensor([len(text) for text in texts])
    return rows, torch.arange(rows.shape[1])[None] >= lengths[:, None]


def untrained(configuration: dict[str, Any], tokenizer: Tokenizer) -> Translator:
    shape = configuration["model"]
    return Translator(
        shape["encoder_layers"],
        shape["decoder_layers"],
        shape["heads"],
        shape["width"],
        shape["feed_forward"] or 4 * shape["width"],
        shape["context"],
        tokenizer.get_vocab_size(),
        shape["dropout"],
        shape["norm"] == "pre",
        shape["activation"],
        configuration["loss"]["label_smoothing"],
    )


def train(
    model: Translator,
    options: argparse.Namespace,
    configuration: dict[str, Any],
    tokenizer: Tokenizer,
) -> Translator:
    """Returns the average of the weights."""
    data, batch = configuration["data"], configuration["batch"]
    optimizing, schedule = configuration["optimizer"], configuration["schedule"]
    end = tokenizer.token_to_id("<|endoftext|>")
    context = configuration["model"]["context"]
    pairs = Pairs(data["train_source"], data["train_target"], end, context)
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=optimizing["learning_rate"],
        betas=tuple(optimizing["betas"]),
        eps=optimizing["epsilon"],
        fused=True,
    )
    decay = configuration["average"]["decay"]

    def approach(averages, currents, updates):
        """Moves an average towards the weights, faster while it is young."""
        kept = min(decay, (1 + updates.item()) / (10 + updates.item()))
        torch._foreach_lerp_(averages, currents, 1 - kept)

    average = swa_utils.AveragedModel(model, multi_avg_fn=approach)
    warmup = schedule["warmup_steps"]
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (warmup / (step + 1)) ** 0.5)
    )
    random = numpy.random.default_rng(1)
    seconds, step, tokens = 0.0, 0, 0
    with (options.output / "metrics.jsonl").open("w", buffering=1) as metrics:
        while seconds < options.seconds:
            for indices in pairs.epoch(batch["sequences"] * batch["microbatches"], random):
                start = time.perf_counter()
                source, padding, inputs, targets = pairs.batch(indices)
                loss = model(source, padding, inputs, targets)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), optimizing["clip_norm"])
                optimizer.step()
                average.update_parameters(model)
                rate.step()
                optimizer.zero_grad(set_to_none=True)
                value = loss.item()
                seconds += time.perf_counter() - start
                step += 1
                tokens += int((targets >= 0).sum())
                record = {"step": step, "loss": value, "tokens": tokens, "seconds": seconds}
                metrics.write(json.dumps(record) + "\n")
                if seconds >= options.seconds:
                    break
    return average.module


def translate(
    model: Translator, tokenizer: Tokenizer, lines: list[str], context: int, beams: int
) -> list[str]:
    model.eval()
    end = tokenizer.token_to_id("<|endoftext|>")
    texts = [numpy.array([*tokenizer.encode(line).ids[: context - 1], end]) for line in lines]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = [""] * len(texts)
    for start in range(0, len(order), 32):
        places = order[start : start + 32]
        source, padding = padded([texts[i] for i in places])
        for place, ids in zip(places, model.beam_search(source, padding, end, beams), strict=True):
            found[place] = " ".join(tokenizer.decode(ids).split())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains a translator with PyTorch.")
    parser.add_argument("--configuration", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--lines", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    options.output.mkdir(parents=True, exist_ok=True)
    configuration = json.loads(options.configuration.read_text())
    tokenizer = Tokenizer.from_file(configuration["data"]["tokenizer"])
    model = untrained(configuration, tokenizer)
    stored = options.output / "model.pt"
    if stored.exists():
        model.load_state_dict(torch.load(stored, weights_only=True))
    else:
        model = train(model, options, configuration, tokenizer)
        torch.save(model.state_dict(), options.output / "model.part")
        (options.output / "model.part").rename(stored)
    lines = options.lines.read_text(encoding="utf-8").split("\n")[:-1]
    found = translate(model, tokenizer, lines, configuration["model"]["context"], options.beams)
    part = options.output / "translations.part"
    part.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    part.rename(options.output / "translations")


if __name__ == "__main__":
    main()
