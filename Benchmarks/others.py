#!/usr/bin/env python3
"""Compares what surrounds training with other people's programs. See others.sh."""

import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring import processes, processors
from measuring.arguments import Parser, count
from measuring.bench import Bench
from measuring.failure import Failure
from measuring.results import ResultsFile
from parts import checkpoint, generation, reduction, startup, tokenizer

PARTS = {
    "reduction": reduction.run,
    "tokenizer": tokenizer.run,
    "checkpoint": checkpoint.run,
    "generation": generation.run,
    "startup": startup.run,
}


def parse(arguments: Sequence[str]) -> Namespace:
    parser = Parser(
        prog="others.sh",
        description="Compares Lockstep's parts with other people's programs on this machine.",
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; default: all"
    )
    parser.add_argument("--rounds", type=count, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--json", type=ResultsFile.argument("benchmark", "case", "peer"), metavar="FILE",
        help="where results are stored; those of other parts that it holds are kept",
    )  # fmt: skip
    parser.add_argument("--plan", action="store_true", help="say what would be measured, and end")
    options = parser.parse_args(arguments)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"{part!r} is no part: choose from {', '.join(PARTS)}")
    options.parts = list(dict.fromkeys(options.parts)) or list(PARTS)
    if "reduction" in options.parts and len(processors.cores()) < reduction.LAYOUT.cores:
        parser.error(f"reduction needs {reduction.LAYOUT.cores} cores")
    return options


def show(result: dict[str, Any]) -> None:
    """One comparison on a line."""
    print(
        f"  {result['case']:<42} {seconds(result['lockstep_seconds']):>9}   "
        f"{result['peer']:<20} {seconds(result['peer_seconds']):>9}   "
        f"ratio {result['ratio_median']:.2f} "
        f"({result['ratio_min']:.2f}-{result['ratio_max']:.2f})",
        flush=True,
    )


def seconds(value: float) -> str:
    """A duration with three digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    if options.plan:
        print(f"{', '.join(options.parts)}; {options.rounds} rounds each")
        return
    processes.end_on_terminate()
    print(processors.description(), flush=True)
    for part in options.parts:
        print(f"\n{part}", flush=True)
        with tempfile.TemporaryDirectory(prefix="lockstep-benchmark-") as directory:
            bench = Bench(Path(os.environ["LOCKSTEP"]), Path(directory), options.rounds)
            for result in PARTS[part](bench):
                show(result)
                if options.json:
                    options.json.store(result)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Failure, subprocess.CalledProcessError) as failure:
        sys.exit(f"others.sh: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
