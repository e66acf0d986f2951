"""Training a byte-level BPE on the King James Bible, and encoding the book with it; one thread.

Against Hugging Face's tokenizers (both) and tiktoken (encoding). Lockstep's figures are differences
of whole `lockstep prepare` commands, so that start-up cancels out: training is preparing with a
tokenizer that is trained on the way, less preparing with the one that came out; encoding is
preparing the book, less preparing its first hundredth. Reading, hashing and writing the token file
are in Lockstep's figure for encoding, and not in the peers', which are timed in memory.
"""

import shutil
import subprocess
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring.bench import Bench
from measuring.failure import Failure
from measuring.sides import Sides, result

VOCABULARY = 4096
CASE = f"King James Bible, {VOCABULARY:,} tokens"


def run(bench: Bench) -> Iterator[dict[str, Any]]:
    book = bench.directory / "book.txt"
    bible = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], capture_output=True, check=True)
    book.write_bytes(bible.stdout)
    beginning = bench.directory / "beginning.txt"
    beginning.write_bytes(bible.stdout[: len(bible.stdout) // 100])
    output = bench.directory / "prepared"
    tokenizer = bench.directory / "tokenizer.json"

    def prepare(text: Path, how: object) -> float:
        """Seconds of preparing a text anew."""
        shutil.rmtree(output, ignore_errors=True)
        arguments = ["prepare", text, "--output", output, "--quiet", "--validation-fraction", 0]
        arguments += ["--tokenizer", how]
        if how == "bpe":
            arguments += ["--vocabulary-size", VOCABULARY]
        start = time.perf_counter()
        bench.lockstep(arguments)
        return time.perf_counter() - start

    training = Sides([], [])
    encoding = {"tiktoken": Sides([], []), "tokenizers": Sides([], [])}
    share = len(bible.stdout) / (len(bible.stdout) - beginning.stat().st_size)
    for _ in range(bench.rounds):
        whole = prepare(book, "bpe")
        shutil.copy(output / "tokenizer.json", tokenizer)
        given = prepare(book, tokenizer)
        tokens = read_tokens(output / "train.bin")
        own_encoding = (given - prepare(beginning, tokenizer)) * share
        peer = bench.peer(
            "tokenizer.py",
            {"--text": book, "--tokenizer": tokenizer, "--vocabulary-size": VOCABULARY},
        )
        training.lockstep.append(whole - given)
        training.peer.append(peer["training_seconds"])
        for name, sides in encoding.items():
            if peer[f"{name}_tokens"] != len(tokens) or peer[f"{name}_sum"] != checksum(tokens):
                raise Failure(f"{name} encodes the text otherwise than Lockstep")
            sides.lockstep.append(own_encoding)
            sides.peer.append(peer[f"{name}_seconds"])
    yield result("tokenizer", f"training, {CASE}", "tokenizers", training)
    for name, sides in encoding.items():
        yield result("tokenizer", f"encoding, {CASE}", name, sides)


def read_tokens(path: Path) -> array:
    """The tokens of a token file of uint16."""
    tokens = array("H")
    tokens.frombytes(path.read_bytes()[1024:])
    return tokens


def checksum(tokens: array) -> int:
    """Depends on the tokens and their order; `peers/tokenizer.py` computes the same."""
    return sum(index * token for index, token in enumerate(tokens, 1))
