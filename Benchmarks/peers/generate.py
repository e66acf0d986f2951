"""Times greedy generation with transformers; prints one JSON object."""

import argparse
import json
import os
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel


def main() -> None:
    parser = argparse.ArgumentParser(description="Times greedy generation with transformers.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--short", type=int, required=True)
    parser.add_argument("--long", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = GPT2LMHeadModel.from_pretrained(options.checkpoint).eval()
    tokenizer = Tokenizer.from_file(str(options.checkpoint / "tokenizer.json"))
    prompt = torch.tensor([tokenizer.encode(options.prompt).ids])

    def generate(count: int) -> tuple[float, list[int]]:
        start = time.perf_counter()
        output = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=count,
            do_sample=False,
            use_cache=True,
            eos_token_id=None,
            pad_token_id=0,
        )
        return time.perf_counter() - start, output[0, prompt.shape[1] :].tolist()

    generate(options.short)
    short, _ = generate(options.short)
    long, tokens = generate(options.long)
    print(json.dumps({"seconds": long - short, "tokens": tokens}))


if __name__ == "__main__":
    main()
