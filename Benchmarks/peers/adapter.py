"""Trains a LoRA adapter with peft on random windows of a token file, as its users write it.

adapter.py --make DIR writes the model first: SmolLM2-135M's shape with random weights.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch.nn import functional
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from train import Windows


def make(directory: Path) -> None:
    torch.manual_seed(1)
    shape = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        rope_theta=100000.0,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(shape).save_pretrained(directory)


def train(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    model.config.use_cache = False
    adapter = LoraConfig(
        task_type="CAUSAL_LM",
        r=options.adapter["rank"],
        lora_alpha=options.adapter["alpha"],
        target_modules=options.adapter["targets"],
    )
    model = get_peft_model(model, adapter)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    if options.compile:
        model = torch.compile(model)
    bfloat16 = options.precision == "bfloat16"
    autocast = partial(torch.autocast, "cpu", dtype=torch.bfloat16, enabled=bfloat16)
    windows = Windows(options.tokens, options.sequences, options.context, seed=0)
    seconds = 0.0
    with (options.output / "metrics.jsonl").open("w", buffering=1) as metrics:
        for step in range(1, options.steps + 1):
            start = time.perf_counter()
            tokens, targets = windows.next()
            with autocast():
                logits = model(input_ids=tokens).logits
            loss = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            value = loss.item()
            seconds += time.perf_counter() - start
            record = {
                "step": step,
                "loss": value,
                "tokens": step * options.sequences * options.context,
                "seconds": seconds,
            }
            metrics.write(json.dumps(record) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains an adapter with peft.")
    parser.add_argument("--make", type=Path, metavar="DIR")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--adapter", type=json.loads)
    parser.add_argument("--output", type=Path)
    for name in ("sequences", "context", "threads", "steps"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    if options.make:
        make(options.make)
    else:
        train(options)


if __name__ == "__main__":
    main()
