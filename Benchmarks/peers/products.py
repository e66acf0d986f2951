"""Times torch.mm: products.py --shapes JSON --threads N

Shapes are a list of objects with rows, inner, columns and pass. Printed are, as one JSON object, the
fastest seconds of each in both precisions. As `lockstep benchmark kernels` does: every product once,
and again, until the budget is spent, three times at least; operands lie in memory that all shapes share.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch

#: All products of one precision are repeated for at least this long, in seconds.
BUDGET = 2.0
LEAST_ROUNDS = 3


def matrix(memory: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return memory[: rows * columns].view(rows, columns)


def product(shape: dict[str, Any], memory: dict[str, torch.Tensor]) -> Callable[[], object]:
    """With X [rows, inner] and W [inner, columns]: X W, Y Wᵀ or Xᵀ Y."""
    rows, inner, columns = shape["rows"], shape["inner"], shape["columns"]
    x = matrix(memory["input"], rows, inner)
    y = matrix(memory["output"], rows, columns)
    w = matrix(memory["weight"], inner, columns)
    a, b = {
        "forward": (x, w),
        "input_gradient": (y, w.t()),
        "weight_gradient": (x.t(), y),
    }[shape["pass"]]
    result = matrix(memory["result"], a.shape[0], b.shape[1])
    return lambda: torch.mm(a, b, out=result)


def seconds(shapes: list[dict[str, Any]], kind: torch.dtype) -> list[float]:
    counts = {
        "input": max(shape["rows"] * shape["inner"] for shape in shapes),
        "output": max(shape["rows"] * shape["columns"] for shape in shapes),
        "weight": max(shape["inner"] * shape["columns"] for shape in shapes),
    }
    counts["result"] = max(counts.values())
    memory = {name: torch.full((count,), 0.5, dtype=kind) for name, count in counts.items()}
    products = [product(shape, memory) for shape in shapes]
    products[0]()
    fastest = [float("inf")] * len(products)
    begin, rounds = time.perf_counter(), 0
    while rounds < LEAST_ROUNDS or time.perf_counter() - begin < BUDGET:
        for index, multiply in enumerate(products):
            start = time.perf_counter()
            multiply()
            fastest[index] = min(fastest[index], time.perf_counter() - start)
        rounds += 1
    return fastest


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with torch.inference_mode():
        print(
            json.dumps(
                {
                    "float32": seconds(options.shapes, torch.float32),
                    "bfloat16": seconds(options.shapes, torch.bfloat16),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
