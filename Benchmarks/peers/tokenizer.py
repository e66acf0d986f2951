"""Times tokenizers and tiktoken on a text; prints one JSON object."""

import argparse
import json
import time
from pathlib import Path

import tiktoken
import tokenizers
from tiktoken_ext.openai_public import r50k_pat_str
from tokenizers import decoders, models, pre_tokenizers, trainers

SPECIAL = "<|endoftext|>"


def training_seconds(text: Path, vocabulary_size: int) -> float:
    """Seconds in which tokenizers learns a byte-level BPE."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[SPECIAL],
        show_progress=False,
    )
    start = time.perf_counter()
    tokenizer.train([str(text)], trainer)
    return time.perf_counter() - start


def tiktoken_of(path: Path) -> tiktoken.Encoding:
    """The tokenizer of a `tokenizer.json`; a token's rank is its id, as merges are in order."""
    vocabulary = json.loads(path.read_text())["model"]["vocab"]
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable}
    byte_of |= {chr(0x100 + index): byte for index, byte in enumerate(others)}
    ranks = {
        bytes(byte_of[character] for character in token): rank
        for token, rank in vocabulary.items()
        if token != SPECIAL
    }
    return tiktoken.Encoding(
        "lockstep", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Times tokenizers and tiktoken.")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--vocabulary-size", type=int, required=True)
    options = parser.parse_args()
    text = options.text.read_text()
    # No token of this text crosses the end of a line, and tokenizers is faster with short texts.
    lines = text.splitlines(keepends=True)
    hugging_face = tokenizers.Tokenizer.from_file(str(options.tokenizer))
    openai = tiktoken_of(options.tokenizer)
    report = {"training_seconds": training_seconds(options.text, options.vocabulary_size)}
    encoders = {
        "tokenizers": lambda: [
            token
            for line in hugging_face.encode_batch_fast(lines, add_special_tokens=False)
            for token in line.ids
        ],
        "tiktoken": lambda: openai.encode_ordinary(text),
    }
    for name, encode in encoders.items():
        start = time.perf_counter()
        tokens = encode()
        report[f"{name}_seconds"] = time.perf_counter() - start
        report[f"{name}_tokens"] = len(tokens)
        report[f"{name}_sum"] = sum(index * token for index, token in enumerate(tokens, 1))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
