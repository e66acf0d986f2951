"""Greedy generation from a checkpoint, a token at a time, with the cache of keys and values.

Against `generate` of transformers with its cache, from the same files. Both figures are differences
between a long and a short continuation, so that start-up, loading and the prompt cancel out. Both
must give the same tokens. The models have hardly been trained: their text is noise, their work is
that of any model of their shape.
"""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring.bench import Bench
from measuring.cases import Layout
from measuring.failure import Failure
from measuring.processors import cores
from measuring.sides import Sides, result

#: Tokens of the short and of the long continuation.
SHORT, LONG = 16, 144


def run(bench: Bench) -> Iterator[dict[str, Any]]:
    layouts = [Layout(1, count) for count in (1, 2) if count <= len(cores())]
    for name, size in (("small", 512), ("gpt2", 50257)):
        checkpoint, prompt = make_checkpoint(bench, name, size)
        for layout in layouts:
            sides = measure(bench, checkpoint, prompt, layout)
            threads = "1 thread" if layout.threads == 1 else f"{layout.threads} threads"
            yield result(
                "generation", f"{name}, {LONG - SHORT} tokens, {threads}", "transformers", sides
            )


def measure(bench: Bench, checkpoint: Path, prompt: str, layout: Layout) -> Sides:
    def generate(count: int) -> tuple[float, list[int]]:
        start = time.perf_counter()
        output = bench.lockstep(
            ["generate", checkpoint, "--prompt", prompt, "--max-tokens", count]
            + ["--temperature", 0, "--json"],
            layout,
        )
        seconds = time.perf_counter() - start
        return seconds, json.loads(output.strip().split("\n")[-1])["tokens"]

    sides = Sides([], [])
    for _ in range(bench.rounds):
        short, _ = generate(SHORT)
        long, tokens = generate(LONG)
        sides.lockstep.append(long - short)
        peer = bench.peer(
            "generate.py",
            {"--checkpoint": checkpoint, "--prompt": prompt, "--short": SHORT, "--long": LONG},
            cores()[: layout.threads],
        )
        sides.peer.append(peer["seconds"])
        if peer["tokens"] != tokens:
            raise Failure(f"transformers continues {checkpoint} otherwise than Lockstep")
    return sides


def make_checkpoint(bench: Bench, name: str, vocabulary: int) -> tuple[Path, str]:
    """A checkpoint of a case's shape after one step, with a tokenizer, and a prompt of its text.

    The text is of random words, enough of them that the tokenizer gets as many tokens as asked.
    """
    directory = bench.directory / f"generation-{name}"
    directory.mkdir()
    source = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(source.choices(letters, k=8)) for _ in range(2 * vocabulary)]
    text = directory / "words.txt"
    text.write_text(" ".join(source.choices(words, k=10 * vocabulary)))
    bench.lockstep(
        ["prepare", text, "--output", directory, "--vocabulary-size", vocabulary]
        + ["--validation-fraction", 0, "--quiet"]
    )
    data = {
        "train": str(directory / "train.bin"),
        "validation": None,
        "tokenizer": str(directory / "tokenizer.json"),
    }
    _, configuration = bench.training(name, data=data)
    output = directory / "run"
    bench.lockstep(
        ["train", configuration, "--output", output, "--quiet"]
        + ["--set", "model.vocabulary=null", "--set", "batch.sequences=1"]
    )
    return next((output / "checkpoints").iterdir()), " ".join(words[:4])
