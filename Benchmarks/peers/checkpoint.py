"""Times safetensors on the tensors of a Lockstep checkpoint; prints one JSON object."""

import argparse
import json
import os
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

NAMES = ("model.safetensors", "optimizer.safetensors")


def save(parts: dict[str, dict[str, torch.Tensor]], directory: Path) -> float:
    """Seconds until the files are on the disk."""
    start = time.perf_counter()
    for name, tensors in parts.items():
        save_file(tensors, directory / name)
        descriptor = os.open(directory / name, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return time.perf_counter() - start


def load(parts: dict[str, dict[str, torch.Tensor]], directory: Path) -> float:
    """Seconds until the tensors hold what the files hold, as load_state_dict leaves them."""
    start = time.perf_counter()
    for name, tensors in parts.items():
        for key, value in load_file(directory / name).items():
            tensors[key].copy_(value)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Times safetensors.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    parts = {
        name: {key: value.clone() for key, value in load_file(options.checkpoint / name).items()}
        for name in NAMES
    }
    report = {
        "save_seconds": save(parts, options.output),
        "load_seconds": load(parts, options.output),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
