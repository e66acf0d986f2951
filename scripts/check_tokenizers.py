#!/usr/bin/env python3
"""Checks that Lockstep's tokenizers encode as Hugging Face's `tokenizers` does.

Needs `pip install tokenizers`, and a built lockstep; run from the repository's root:

    python3 scripts/check_tokenizers.py tokenizer.json [MORE.json ...] [--count 3000] [--seed 1]

For each file random texts (letters of many scripts, marks, digits, white space, pieces of the
vocabulary, names of added tokens, any scalars) are encoded by both: the tokens, the tokens where names
of special tokens are text, the input with what the template adds, alone and as a pair, and the decoded
text. The same is done with the file that Lockstep writes of the tokenizer. A text that Lockstep refuses
counts as equal where the library loses a part of it. It exits with 1 where they differ.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

ALPHABETS = [
    "ab '",
    "aA1 .\n'st",
    " \n\t\u00a0\u3000a1!\r",
    "abcdefghijklmnopqrstuvwxyz     '.,\n0123456789",
    "éüñßœ áαβγ дж אב عر कि 你好 か가 ก็ 12²½ 👍🏽\u200d !?…\u2028",
    "'sStTrReEvVmMlLdD ſ’",
    "0123456789 ٣५²Ⅷ\n",
    "e\u0301\u0323\u0302a\u030a\u0327o\u031b가\u11a8 \u1100\u1161\u11a8\u0344\u0958\ufb1d",
    "<|>[]/s_#▁ ",
    "\u0000\u0001\u00ad\u200b\u200e\ufeff\ue000\ufffd\u0085\u001c\u2029x ",
]
WORDS = ["the", "don't", "IT'S", "we'Ve", "naïve", "Straße", "12,345.67", "x==y", "中文", "\n", "  ", "\t"]
# Where scalars are taken from, so that marks are among them.
BLOCKS = [(0, 0x2FF), (0x300, 0x36F), (0, 0x3000), (0, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x2FFFF)]


def texts(tokenizer, count, seed):
    generator = random.Random(seed)
    size = tokenizer.get_vocab_size()
    sample = generator.sample(range(size), min(2000, size))
    pieces = [tokenizer.decode([token], skip_special_tokens=False) for token in sample]
    names = [token.content for token in tokenizer.get_added_tokens_decoder().values()] or [" "]

    def several(choose, most):
        return "".join(choose() for _ in range(generator.randint(1, most)))

    def scalar():
        return chr(generator.randint(*generator.choice(BLOCKS + [(32, 32)])))

    def piece_or_name():
        return generator.choice([generator.choice(pieces), generator.choice(names), " ", "\n", "."])

    def letters():
        alphabet = generator.choice(ALPHABETS)
        return several(lambda: generator.choice(alphabet), 80)

    kinds = [
        letters,
        letters,
        letters,
        lambda: several(lambda: generator.choice(generator.choice(ALPHABETS)), 60),
        lambda: several(lambda: generator.choice(pieces), 25),
        lambda: several(piece_or_name, 20),
        lambda: several(scalar, 30),
        lambda: several(lambda: generator.choice(WORDS) + " ", 25),
    ]
    return [""] + [generator.choice(kinds)() for _ in range(count)]


def lockstep(arguments, path, requests, special):
    """The answers; None where a text is refused. A refusal ends the program, which goes on behind it."""
    answers = []
    while len(answers) < len(requests):
        lines = "".join(json.dumps(request) + "\n" for request in requests[len(answers) :])
        result = subprocess.run(
            [arguments.lockstep, "tokenize", str(path), "--json", "--special-tokens", special],
            input=lines.encode(),
            capture_output=True,
        )
        answers += [json.loads(line) for line in result.stdout.decode().split("\n") if line]
        if result.returncode == 0:
            break
        error = result.stderr.decode()
        if "no token for byte" not in error and "has never seen" not in error:
            sys.exit(error)
        answers.append(None)
    return answers


def compare(arguments, path, name):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    limit = tokenizer.truncation
    found = texts(tokenizer, arguments.count, arguments.seed)
    requests = [{"text": text} for text in found]
    for request, other in zip(requests[::4], found[::-1]):
        request["pair"] = other
    answers = {
        special: lockstep(arguments, path, requests, special) for special in ["token", "text"]
    }
    refused, different = 0, {}

    def note(what, text, expected, answer):
        if expected != answer:
            different.setdefault(what, []).append((text, expected, answer))

    for request, answer, spelled in zip(requests, answers["token"], answers["text"]):
        text = request["text"]
        tokenizer.no_truncation()
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        if answer is None:
            refused += 1
            loses = decoded != text or "pair" in request
            note("refused without need", text, True, loses)
            continue
        note("tokens", text, ids, answer["tokens"])
        # What is no text is shown in other ways.
        if "\ufffd" not in decoded + answer["decoded"]:
            note("decoded", text, decoded, answer["decoded"])
        if spelled is not None:
            tokenizer.encode_special_tokens = True
            note("as text", text, tokenizer.encode(text, add_special_tokens=False).ids, spelled["tokens"])
            tokenizer.encode_special_tokens = False
        if limit:
            tokenizer.enable_truncation(limit["max_length"])
        pair = [request["pair"]] if "pair" in request else []
        whole = tokenizer.encode(text, *pair)
        note("input", text, whole.ids, answer["input"])
        note("segments", text, whole.type_ids, answer["segments"])
    print(f"{name}: {len(found)} texts, {refused} refused, "
          + (", ".join(f"{len(cases)} {what} differ" for what, cases in different.items()) or "all equal"))
    for what, cases in different.items():
        for case in cases[:3]:
            print(f"  {what}: {' | '.join(ascii(part)[:200] for part in case)}")
    return not different


def written(arguments, path, folder):
    """The tokenizer.json that Lockstep writes of one."""
    text = folder / "text.txt"
    text.write_text("a\n", encoding="utf-8")
    output = folder / "out"
    command = [arguments.lockstep, "prepare", text, "--output", output, "--tokenizer", path]
    result = subprocess.run(
        [str(part) for part in command + ["--validation-fraction", "0", "--quiet", "--overwrite"]],
        capture_output=True,
    )
    if result.returncode != 0:
        sys.exit(result.stderr.decode())
    return output / "tokenizer.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--count", default=3000, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--lockstep", default=".build/release/lockstep")
    arguments = parser.parse_args()
    equal = True
    for path in arguments.files:
        equal = compare(arguments, path, str(path)) and equal
        with tempfile.TemporaryDirectory() as folder:
            again = written(arguments, path, pathlib.Path(folder))
            equal = compare(arguments, again, f"{path}, as Lockstep writes it") and equal
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
