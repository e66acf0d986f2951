#!/usr/bin/env python3
"""Checks a data set made by `lockstep prepare` against Hugging Face's `tokenizers`.

usage: python3 scripts/check_dataset.py DIRECTORY TEXT

Loads DIRECTORY/tokenizer.json with the library, encodes the single file TEXT that the data set was
made from, and compares the ids with those in train.bin and validation.bin.
Needs `pip install tokenizers`.
"""

import array
import json
import pathlib
import sys

from tokenizers import Tokenizer

MAGICS = {20240520: "H", 20240801: "I"}


def token_file(path):
    data = path.read_bytes()
    header = array.array("i", data[:1024])
    tokens = array.array(MAGICS[header[0]], data[1024:])
    assert len(tokens) == header[2], f"{path}: {len(tokens)} tokens, header says {header[2]}"
    return tokens.tolist()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    directory = pathlib.Path(sys.argv[1])
    text = pathlib.Path(sys.argv[2]).read_bytes().removeprefix(b"\xef\xbb\xbf")
    manifest = json.loads((directory / "dataset.json").read_text())
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.encode_special_tokens = manifest["request"].get("special_tokens") == "text"
    start = 0
    for name in ["train", "validation"]:
        if name not in manifest:
            continue
        part = text[start : start + manifest[name]["bytes"]]
        start += len(part)
        wanted = tokenizer.encode(part.decode("utf-8")).ids
        found = token_file(directory / f"{name}.bin")
        if wanted != found:
            place = next(
                (i for i, (a, b) in enumerate(zip(wanted, found)) if a != b),
                min(len(wanted), len(found)),
            )
            sys.exit(f"{name}: token {place} differs")
        print(f"{name}: {len(found)} tokens agree")
    if start != len(text):
        sys.exit(f"{start} of {len(text)} bytes are in the data set")


if __name__ == "__main__":
    main()
