#!/usr/bin/env python3
"""Checks that Hugging Face's transformers reads a Lockstep checkpoint and computes the same with it.

Needs torch, transformers and numpy, and a built lockstep; run from the repository's root:

    python3 scripts/check_transformers.py runs/kjv --data data/kjv/validation.bin
    python3 scripts/check_transformers.py runs/llama --data data/kjv/validation.bin
    python3 scripts/check_transformers.py runs/bert --prompt "And God [MASK] unto Moses,"

For a GPT-2 or a Llama it compares the loss on a token file with `lockstep evaluate`, the prompt's
tokens with those of the `tokenizers` library, and each greedily generated token with the logits; for
a BERT the tokens that are filled in for the prompt's masks. It exits with 1 where they differ.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F
from transformers import (
    BertForMaskedLM,
    GPT2LMHeadModel,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

HEADER_WORDS = 256
TOKEN_TYPES = {20240520: np.uint16, 20240801: np.uint32}
MODELS = {"gpt2": GPT2LMHeadModel, "llama": LlamaForCausalLM, "bert": BertForMaskedLM}
MASK = "[MASK]"


def newest_checkpoint(path):
    """The directory with the tensors: of a run, that of its newest complete checkpoint."""
    if (path / "config.json").exists():
        return path
    complete = sorted(file.parent for file in path.glob("checkpoints/step-*/manifest.json"))
    if not complete:
        sys.exit(f"{path}: neither a checkpoint nor a run that has one")
    return complete[-1]


def read_tokens(path):
    """The tokens of a file in llm.c's format."""
    header = np.fromfile(path, dtype=np.int32, count=HEADER_WORDS)
    tokens = np.memmap(path, dtype=TOKEN_TYPES[int(header[0])], mode="r", offset=4 * HEADER_WORDS)
    return torch.from_numpy(tokens[: header[2]].astype(np.int64))


def loss_by_transformers(model, tokens):
    """The mean loss of all tokens but the first, in windows of the context that do not overlap."""
    context, total = model.config.max_position_embeddings, 0.0
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, context):
            window = tokens[start : start + context + 1]
            logits = model(window[None, :-1]).logits[0]
            total += F.cross_entropy(logits.double(), window[1:], reduction="sum").item()
    return total / (len(tokens) - 1)


def lockstep_json(command, *arguments):
    result = subprocess.run([command, *map(str, arguments), "--json"], capture_output=True)
    if result.returncode != 0:
        sys.exit(result.stderr.decode())
    return json.loads(result.stdout)


def check_loss(arguments, model, checkpoint):
    found = lockstep_json(arguments.lockstep, "evaluate", checkpoint, "--data", arguments.data)
    expected = loss_by_transformers(model, read_tokens(arguments.data))
    difference = abs(found["loss"] - expected) / expected
    print(f"loss: lockstep {found['loss']:.7f}, transformers {expected:.7f}: {difference:.1e} apart")
    return difference < 1e-5


def check_generation(arguments, model, tokenizer, checkpoint):
    """The prompt and what follows it stay within the context, so that nothing is cut off."""
    prompt = tokenizer(arguments.prompt)["input_ids"]
    count = model.config.max_position_embeddings - len(prompt)
    made = lockstep_json(
        arguments.lockstep, "generate", checkpoint, "--prompt", arguments.prompt,
        "--temperature", 0, "--max-tokens", count,
    )
    tokens = torch.tensor(prompt + made["tokens"])
    with torch.no_grad():
        logits = model(tokens[None]).logits[0][len(prompt) - 1 : -1]
    chosen = logits.gather(1, torch.tensor(made["tokens"])[:, None])[:, 0]
    shortfall = (logits.max(dim=1).values - chosen).max().item()
    print(f"greedy text of {len(made['tokens'])} tokens: at most {shortfall:.1e} below the likeliest")
    same_text = tokenizer.decode(made["tokens"], clean_up_tokenization_spaces=False) == made["text"]
    print(f"decoded by the tokenizers library: {'the same text' if same_text else 'ANOTHER text'}")
    return shortfall < 1e-4 and same_text


def check_masks(arguments, model, tokenizer, checkpoint):
    """Each mask is filled in with the token that scores highest."""
    made = lockstep_json(
        arguments.lockstep, "generate", checkpoint, "--prompt", arguments.prompt,
        "--temperature", 0,
    )
    parts = [part.removesuffix(" ") for part in arguments.prompt.split(MASK)[:-1]]
    parts.append(arguments.prompt.split(MASK)[-1])
    mask = tokenizer.convert_tokens_to_ids(MASK)
    encoded = [tokenizer(part)["input_ids"] for part in parts]
    prompt = sum(([*part, mask] for part in encoded[:-1]), []) + encoded[-1]
    tokens, filled = torch.tensor(prompt), torch.tensor(made["tokens"])
    hidden = tokens == mask
    same_text = bool((tokens[~hidden] == filled[~hidden]).all())
    with torch.no_grad():
        logits = model(tokens[None]).logits[0][hidden]
    chosen = logits.gather(1, filled[hidden][:, None])[:, 0]
    # The mask itself is never filled in.
    logits[:, mask] = -torch.inf
    shortfall = (logits.max(dim=1).values - chosen).max().item()
    print(f"{hidden.sum()} masks filled in: at most {shortfall:.1e} below the likeliest")
    print(f"the prompt's tokens: {'the same' if same_text else 'OTHERS'}; {made['text']}")
    return shortfall < 1e-4 and same_text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path, help="a run or a checkpoint")
    parser.add_argument("--data", type=pathlib.Path, help="a token file; not for a BERT")
    parser.add_argument("--prompt", default="And God said,", help=f"with {MASK} for a BERT")
    parser.add_argument("--lockstep", default=".build/release/lockstep", help="the program")
    arguments = parser.parse_args()

    checkpoint = newest_checkpoint(arguments.source)
    kind = json.loads((checkpoint / "config.json").read_text())["model_type"]
    if kind == "bert" and MASK not in arguments.prompt:
        parser.error(f"a BERT needs a --prompt with {MASK}")
    if kind != "bert" and arguments.data is None:
        parser.error("--data is needed")
    model, report = MODELS[kind].from_pretrained(checkpoint, output_loading_info=True)
    model.eval()
    problems = {name: found for name, found in report.items() if found}
    if problems:
        sys.exit(f"{checkpoint}: transformers found {problems}")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(checkpoint / "tokenizer.json"))
    if kind == "bert":
        checks = [check_masks(arguments, model, tokenizer, checkpoint)]
    else:
        checks = [
            check_loss(arguments, model, checkpoint),
            check_generation(arguments, model, tokenizer, checkpoint),
        ]
    sys.exit(0 if all(checks) else 1)


if __name__ == "__main__":
    main()
