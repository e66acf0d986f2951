#!/usr/bin/env python3
"""Compares matrix products of a model's shapes with torch.mm. See products.sh."""

import json
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from measuring import processes, processors
from measuring.arguments import Parser, count
from measuring.bench import Bench
from measuring.cases import CASES, Layout
from measuring.failure import Failure
from measuring.results import ResultsFile
from measuring.sides import Sides, result

PRECISIONS = ["float32", "bfloat16"]
#: A shape in one of its three forms; what a step computes together comes last.
TOGETHER = "a step's together"


def parse(arguments: Sequence[str]) -> Namespace:
    parser = Parser(
        prog="products.sh",
        description="Compares Lockstep's matrix products with torch.mm on this machine.",
    )
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help=f"any of {', '.join(CASES)}; default: gpt2"
    )
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="default: 1")
    parser.add_argument("--rounds", type=count, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--json", type=ResultsFile.argument("benchmark", "case", "peer"), metavar="FILE",
        help="where results are stored; those of other shapes that it holds are kept",
    )  # fmt: skip
    parser.add_argument("--plan", action="store_true", help="say what would be measured, and end")
    options = parser.parse_args(arguments)
    for case in options.cases:
        if case not in CASES:
            parser.error(f"{case!r} is no case: choose from {', '.join(CASES)}")
    options.cases = list(dict.fromkeys(options.cases)) or ["gpt2"]
    available = len(processors.cores())
    if options.threads > available:
        parser.error(f"{options.threads} threads need as many cores, and there are {available}")
    return options


def measure(bench: Bench, case: str, threads: int) -> Iterator[dict[str, Any]]:
    """The sides in turns, each with all shapes in both precisions; yields a result for each."""
    shapes: list[dict[str, Any]] = []
    times: dict[tuple[str, str], Sides] = {}
    for _ in range(bench.rounds):
        own = lockstep_shapes(bench, case, threads)
        shapes = [
            {"rows": shape["rows"], "inner": shape["inner"], "columns": shape["columns"]}
            | {"pass": shape["pass"], "count": shape["count"]}
            for shape in own
        ]
        peer = bench.peer(
            "products.py",
            {"--shapes": json.dumps(shapes), "--threads": threads},
            processors.cores()[:threads],
        )
        for precision in PRECISIONS:
            ours = [operations(shape) / shape[precision]["gflops"] / 1e9 for shape in own]
            theirs = peer[precision]
            for name, one, other in zip(
                [*map(named, shapes), TOGETHER],
                [*ours, together(shapes, ours)],
                [*theirs, together(shapes, theirs)],
                strict=True,
            ):
                sides = times.setdefault((name, precision), Sides([], []))
                sides.lockstep.append(one)
                sides.peer.append(other)
    by_name = {named(shape): shape for shape in shapes}
    for (name, precision), sides in times.items():
        shape = by_name.get(name)
        what = f"{case}, {name}, {threads} thread{'' if threads == 1 else 's'}"
        found = result("products", what, f"torch.mm, {precision}", sides)
        # What GFLOP/s are reckoned from.
        found["operations"] = (
            operations(shape) if shape else sum(each["count"] * operations(each) for each in shapes)
        )
        yield found


def lockstep_shapes(bench: Bench, case: str, threads: int) -> list[dict[str, Any]]:
    """What `lockstep benchmark kernels` says of every product with so many threads."""
    output = bench.lockstep(
        ["benchmark", "kernels", case, "--products", "--json"], Layout(1, threads)
    )
    runs = [run["products"] for run in json.loads(output)["runs"]]
    for run in runs:
        if run["threads"] == threads:
            return run["shapes"]
    raise Failure(f"lockstep measured {[run['threads'] for run in runs]} threads, not {threads}")


def named(shape: dict[str, Any]) -> str:
    """`forward 1024 x 768 x 2304`: the rows, inner and columns of X W."""
    kind = shape["pass"].replace("_", " ")
    return f"{kind} {shape['rows']} x {shape['inner']} x {shape['columns']}"


def operations(shape: dict[str, Any]) -> float:
    """Of one such product: two for a multiplication and its addition."""
    return 2.0 * shape["rows"] * shape["inner"] * shape["columns"]


def together(shapes: Sequence[dict[str, Any]], seconds: Sequence[float]) -> float:
    """Seconds of all products of a step, each as often as it occurs."""
    return sum(shape["count"] * each for shape, each in zip(shapes, seconds, strict=True))


def show(results: Sequence[dict[str, Any]]) -> None:
    """One comparison on a line."""
    for each in results:
        own, peer = (
            each["operations"] / each[f"{side}_seconds"] / 1e9 for side in ("lockstep", "peer")
        )
        print(
            f"  {each['case']:<58} {own:>8,.1f}   {each['peer']:<18} {peer:>8,.1f} GFLOP/s   "
            f"ratio {each['ratio_median']:.2f} ({each['ratio_min']:.2f}-{each['ratio_max']:.2f})",
            flush=True,
        )
    ratios = [each["ratio_median"] for each in results if TOGETHER not in each["case"]]
    print(f"  median of the shapes' ratios: {median(ratios):.2f}", flush=True)


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    if options.plan:
        print(
            f"{', '.join(options.cases)}; {options.threads} "
            f"thread{'' if options.threads == 1 else 's'}; {options.rounds} rounds each"
        )
        return
    processes.end_on_terminate()
    print(processors.description(), flush=True)
    for case in options.cases:
        print(f"\n{case}", flush=True)
        with tempfile.TemporaryDirectory(prefix="lockstep-benchmark-") as directory:
            bench = Bench(Path(os.environ["LOCKSTEP"]), Path(directory), options.rounds)
            results = list(measure(bench, case, options.threads))
        for precision in PRECISIONS:
            show([each for each in results if each["peer"].endswith(precision)])
        for each in results:
            if options.json:
                options.json.store(each)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Failure, subprocess.CalledProcessError) as failure:
        sys.exit(f"products.sh: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
