#!/usr/bin/env python3
"""Compares the speed and memory of training with Lockstep and with PyTorch. See compare.sh."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measuring import lockstep, openblas, processes, processors, pytorch
from measuring.arguments import Parser, count
from measuring.cases import CASES, LAYOUTS, Case, Layout
from measuring.failure import Failure
from measuring.results import ResultsFile


@dataclass(frozen=True)
class Pair:
    """A run of Lockstep, one of PyTorch right after it, and OpenBLAS's products before both."""

    lockstep: float
    peer: float
    openblas_fraction: float

    @property
    def ratio(self) -> float:
        return self.lockstep / self.peer


class Comparison:
    """One case in one layout."""

    def __init__(
        self,
        case: Case,
        layout: Layout,
        precision: str,
        binary: Path,
        tokens: Path,
        directory: Path,
    ) -> None:
        self.case, self.layout, self.precision = case, layout, precision
        self.library = openblas.library_of(binary)
        self.directory = directory
        self.lockstep = lockstep.Lockstep(
            binary, case, layout, precision, tokens, directory
        )
        self.pytorch = pytorch.PyTorch(case, layout, precision, tokens, directory)

    def run(self, pair_count: int) -> dict[str, Any]:
        """Chooses the peer, measures the pairs and the memory; returns the object of the JSON."""
        self._say("which PyTorch is the fastest?")
        peer = self.pytorch.fastest(lambda line: print(f"  {line}", flush=True))
        self._say(f"{pair_count} pairs against {peer}")
        pairs = [self._pair(peer, index + 1) for index in range(pair_count)]
        steps = self.case.trial_steps
        own_bytes = self.lockstep.peak_memory(steps)
        peer_bytes = self.pytorch.peak_memory(peer, steps)
        print(
            f"  memory: {own_bytes / 1e6:,.0f} MB, PyTorch {peer_bytes / 1e6:,.0f} MB", flush=True
        )
        ratios = [pair.ratio for pair in pairs]
        return {
            "case": self.case.name,
            "layout": str(self.layout),
            "precision": self.precision,
            "processor": processors.kind(),
            "lockstep_tokens_per_second": median(pair.lockstep for pair in pairs),
            "peer_tokens_per_second": median(pair.peer for pair in pairs),
            "peer": str(peer),
            "ratio_median": median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "openblas_fraction": median(pair.openblas_fraction for pair in pairs),
            "openblas_kernels": openblas.kernels(self.library),
            "lockstep_peak_bytes": own_bytes,
            "peer_peak_bytes": peer_bytes,
        }

    def _pair(self, peer: pytorch.Variant, number: int) -> Pair:
        products_seconds = openblas.products_seconds(
            self.library, self.case, self.layout, self.directory
        )
        own = self.lockstep.speed(self.case.timed_steps)
        other = self.pytorch.speed(peer, self.case.timed_steps)
        if own.tokens_per_step != other.tokens_per_step:
            raise Failure(
                f"the sides differ: {own.tokens_per_step} and {other.tokens_per_step} tokens a step"
            )
        pair = Pair(
            own.tokens_per_second,
            other.tokens_per_second,
            products_seconds / own.seconds_per_step,
        )
        print(
            f"  pair {number}: {pair.lockstep:,.0f} tokens/s ({pair.openblas_fraction:.0%} of "
            f"OpenBLAS's products), PyTorch {pair.peer:,.0f}, ratio {pair.ratio:.2f}",
            flush=True,
        )
        return pair

    def _say(self, text: str) -> None:
        print(f"\n{self.case.name} {self.layout} {self.precision}: {text}", flush=True)


def table(results: Sequence[dict[str, Any]]) -> str:
    """The results for a terminal."""
    rows = [
        ["case", "layout", "precision", "Lockstep", "PyTorch", "ratio", "min-max", "OpenBLAS", "memory"]
        + ["PyTorch", "variant"],
        ["", "", "", "tokens/s", "tokens/s", "", "", "", "MB", "MB", ""],
    ]
    for result in results:
        rows.append(
            [
                result["case"],
                result["layout"],
                result["precision"],
                f"{result['lockstep_tokens_per_second']:,.0f}",
                f"{result['peer_tokens_per_second']:,.0f}",
                f"{result['ratio_median']:.2f}",
                f"{result['ratio_min']:.2f}-{result['ratio_max']:.2f}",
                f"{result['openblas_fraction']:.0%}",
                f"{result['lockstep_peak_bytes'] / 1e6:,.0f}",
                f"{result['peer_peak_bytes'] / 1e6:,.0f}",
                result["peer"],
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left_aligned = {0, 1, 2, len(widths) - 1}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left_aligned else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def seconds_expected(case: Case, layout: Layout, pair_count: int) -> float:
    """About how long a comparison takes; the step times are those of a 2-core server of 2024."""
    start_up = 6
    trials = 5 if layout.ranks > 1 else 3
    trial = (case.warmup_steps + case.trial_steps) * case.seconds_per_step + start_up
    run = (case.warmup_steps + case.timed_steps) * case.seconds_per_step + start_up
    return (trials + 2) * trial + 2 * pair_count * run


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    def layout(text: str) -> Layout:
        try:
            return Layout.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    parser = Parser(
        prog="compare.sh",
        description="Compares training with Lockstep and with PyTorch on this machine.",
        epilog="--case and --layout may be given several times; by default all are compared.",
    )
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument(
        "--layout",
        type=layout,
        action="append",
        metavar="RANKSxTHREADS",
        help="default: those of 1x1, 1x2 and 2x1 for which there are cores",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="of both sides; PyTorch's bfloat16 is autocast. Default: float32",
    )
    parser.add_argument("--pairs", type=count, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--json", metavar="FILE",
        type=ResultsFile.argument("case", "layout", "precision", "processor"),
        help="where results are stored; those of other cases, layouts and kinds of processors that it "
        "holds are kept",
    )  # fmt: skip
    parser.add_argument("--plan", action="store_true", help="say what would be measured, and end")
    options = parser.parse_args(arguments)
    available = len(processors.cores())
    for wanted in options.layout or []:
        if wanted.cores > available:
            parser.error(f"layout {wanted} needs {wanted.cores} cores, and there are {available}")
    options.layout = options.layout or [each for each in LAYOUTS if each.cores <= available]
    return options


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    cases = [CASES[name] for name in dict.fromkeys(options.case or CASES)]
    layouts = list(dict.fromkeys(options.layout))
    expected = sum(
        seconds_expected(case, layout, options.pairs) for case in cases for layout in layouts
    )
    if options.plan:
        print(
            f"{', '.join(case.name for case in cases)}; layouts {', '.join(map(str, layouts))}; "
            f"{options.pairs} pairs each: about {max(1, round(expected / 60))} min"
        )
        return
    processes.end_on_terminate()
    binary = Path(os.environ["LOCKSTEP"])
    kernels = openblas.kernels(openblas.library_of(binary))
    print(f"{processors.description()}; OpenBLAS by its {kernels} kernels", flush=True)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="lockstep-benchmark-") as name:
        directory = Path(name)
        for case in cases:
            tokens = directory / f"tokens-{case.vocabulary}.bin"
            if not tokens.exists():
                lockstep.write_tokens(tokens, case.vocabulary)
            for layout in layouts:
                comparison = Comparison(
                    case, layout, options.precision, binary, tokens, directory
                )
                results.append(comparison.run(options.pairs))
                if options.json:
                    options.json.store(results[-1])
    print(f"\n{table(results)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"compare.sh: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
