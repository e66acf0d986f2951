"""Times Gloo's all_reduce: allreduce.py RANK RANKS STORE BYTES...

Rank 0 prints the median seconds of each size as one JSON object.
"""

import json
import os
import sys
import time
from statistics import median

import torch
from torch import distributed

#: A size is repeated for about this long, in seconds, and at least three times.
BUDGET = 0.5


def seconds(tensor: torch.Tensor) -> float:
    """Of one all_reduce that all ranks begin together."""
    distributed.barrier()
    start = time.perf_counter()
    distributed.all_reduce(tensor)
    return time.perf_counter() - start


def main() -> None:
    rank, ranks, store, *sizes = sys.argv[1:]
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=int(rank), world_size=int(ranks)
    )
    report = {}
    for size in map(int, sizes):
        tensor = torch.zeros(size // 4)
        seconds(tensor)
        # All ranks repeat as often: the slowest decides.
        first = torch.tensor([seconds(tensor)])
        distributed.all_reduce(first, op=distributed.ReduceOp.MAX)
        count = min(200, max(3, int(BUDGET / first.item())))
        report[size] = median(seconds(tensor) for _ in range(count))
    distributed.barrier()
    if rank == "0":
        print(json.dumps(report), flush=True)
    # Without the interpreter's finalisation, in which Gloo's threads now and then abort.
    os._exit(0)


if __name__ == "__main__":
    main()
