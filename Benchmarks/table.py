#!/usr/bin/env python3
"""Writes the results of compare.sh, products.sh, others.sh and translation.sh as tables.

  Benchmarks/table.py compare.json others.json                # prints them
  Benchmarks/table.py --update docs/benchmarks.md compare.json others.json
  Benchmarks/table.py --update docs/benchmarks.md --update docs/translation.md *.json

Each file is a list of objects as `--json` stores it; what a file holds is seen from its objects.
"""

import json
import re
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measuring.arguments import Parser
from measuring.openblas import GENERIC_KERNELS
from others import seconds

#: The least ratio of speeds that Lockstep aims at, by case and layout.
BARS = {
    "tiny": {"1x1": 1.5, "1x2": 1.8, "2x1": 1.8},
    "small": {"1x1": 1.2, "1x2": 1.3, "2x1": 1.3},
    "gpt2": {"1x1": 1.15, "1x2": 1.25, "2x1": 1.2},
    "gpt2-long": {"1x1": 1.25, "1x2": 1.35, "2x1": 1.3},
}
#: The same in bfloat16, on a processor with AMX.
BFLOAT16_BARS = {
    "tiny": {"1x1": 1.8, "1x2": 2.0, "2x1": 2.0},
    "small": {"1x1": 1.5, "1x2": 1.6, "2x1": 1.6},
    "gpt2": {"1x1": 1.25, "1x2": 1.3, "2x1": 1.3},
    "gpt2-long": {"1x1": 1.25, "1x2": 1.35, "2x1": 1.3},
}
#: The same of LoRA beside peft, and the most of its memory.
FINE_TUNING_BAR, FINE_TUNING_MEMORY_BAR = 1.3, 0.5
#: The least share of the speed of OpenBLAS's products, one rank of one thread.
OPENBLAS_BAR = {"gpt2": 0.92}
#: The least speed of two ranks, in speeds of one.
SCALING_BAR = {"gpt2": 1.9}
#: The most bytes of two ranks together: 45 % of the 8.2 GB of DDP with its defaults.
MEMORY_BAR = {"gpt2": 3.69e9}

Results = Sequence[dict[str, Any]]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is on the left, the others on the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def verdict(value: float, bar: float | None) -> str:
    """The bar, at least which it is to be, and whether it is met."""
    if bar is None:
        return ""
    return f"≥ {bar:g}: {'met' if value >= bar else 'missed'}"


def memory_verdict(own: float, bar: float | None) -> str:
    """The bar in bytes, at most which it is to be, and whether it is met."""
    if bar is None:
        return ""
    return f"≤ {bar / 1e6:,.0f} MB: {'met' if own <= bar else 'missed'}"


#: What both tables of speeds begin with.
SPEED_HEADER = ["case, layout", "Lockstep, tokens/s", "PyTorch, tokens/s", "ratio", "spread", "bar"]


def by_processor(results: Results, render: Callable[[Results], str]) -> str:
    """A table for each kind of processor, under its name: cases and layouts in their order."""
    order = list(BARS)
    kinds = dict.fromkeys(result["processor"] for result in results)
    results = sorted(results, key=lambda each: (order.index(each["case"]), each["layout"]))
    tables = [
        (kind, render([each for each in results if each["processor"] == kind])) for kind in kinds
    ]
    return "\n\n".join(f"{kind}:\n\n{table}" for kind, table in tables)


def speed_cells(result: dict[str, Any], bars: dict[str, dict[str, float]]) -> list[str]:
    """The cells under SPEED_HEADER."""
    ratio = result["ratio_median"]
    return [
        f"{result['case']} {result['layout']}",
        f"{result['lockstep_tokens_per_second']:,.0f}",
        f"{result['peer_tokens_per_second']:,.0f}",
        f"{ratio:.2f}",
        f"{result['ratio_min']:.2f} to {result['ratio_max']:.2f}",
        verdict(ratio, bars.get(result["case"], {}).get(result["layout"])),
    ]


def is_openblas_generic(result: dict[str, Any]) -> bool:
    return result["openblas_kernels"] in GENERIC_KERNELS


def openblas_cell(result: dict[str, Any]) -> str:
    """The share of OpenBLAS's speed; its kernels' name where they say nothing of the processor."""
    if is_openblas_generic(result):
        return f"({result['openblas_kernels']})"
    return f"{result['openblas_fraction']:.0%}"


def speed_table(results: Results) -> str:
    rows = [
        [*speed_cells(result, BARS), openblas_cell(result), result["peer"]] for result in results
    ]
    return markdown([*SPEED_HEADER, "of OpenBLAS", "PyTorch's variant"], rows)


def bfloat16_table(results: Results) -> str:
    """Speed and memory in bfloat16, against PyTorch's autocast."""
    rows = [
        [
            *speed_cells(result, BFLOAT16_BARS if "AMX" in result["processor"] else {}),
            f"{result['lockstep_peak_bytes'] / 1e6:,.0f} MB",
            f"{result['peer_peak_bytes'] / 1e6:,.0f} MB",
            result["peer"],
        ]
        for result in results
    ]
    return markdown([*SPEED_HEADER, "memory", "PyTorch's", "PyTorch's variant"], rows)


def memory_table(results: Results) -> str:
    rows = []
    for result in results:
        own, peer = result["lockstep_peak_bytes"], result["peer_peak_bytes"]
        bar = MEMORY_BAR.get(result["case"]) if result["layout"] == "2x1" else None
        rows.append(
            [
                f"{result['case']} {result['layout']}",
                f"{own / 1e6:,.0f} MB",
                f"{peer / 1e6:,.0f} MB",
                f"{own / peer:.2f}",
                memory_verdict(own, bar),
            ]
        )
    return markdown(["case, layout", "Lockstep", "PyTorch", "Lockstep / PyTorch", "bar"], rows)


def scaling_table(results: Results) -> str:
    """How fast two ranks are beside one, and how near one rank is to OpenBLAS's products."""
    by_place = {(result["case"], result["layout"]): result for result in results}
    rows = []
    for (case, layout), alone in by_place.items():
        both = by_place.get((case, "2x1"))
        if layout != "1x1" or not both:
            continue
        scaling = both["lockstep_tokens_per_second"] / alone["lockstep_tokens_per_second"]
        rows.append(
            [
                case,
                openblas_cell(alone),
                verdict(
                    alone["openblas_fraction"],
                    None if is_openblas_generic(alone) else OPENBLAS_BAR.get(case),
                ),
                f"{scaling:.2f}",
                verdict(scaling, SCALING_BAR.get(case)),
            ]
        )
    header = ["case", "one rank, of OpenBLAS", "bar", "two ranks, times the speed of one", "bar"]
    return markdown(header, rows)


def others_table(results: Results) -> str:
    rows = []
    for result in results:
        rows.append(
            [
                f"{result['benchmark']}: {result['case']}",
                seconds(result["lockstep_seconds"]),
                seconds(result["peer_seconds"]),
                f"{result['ratio_median']:.2f}",
                f"{result['ratio_min']:.2f} to {result['ratio_max']:.2f}",
                others_bar(result),
                result["peer"],
            ]
        )
    header = ["what", "Lockstep", "peer", "times faster", "spread", "bar", "the peer"]
    return markdown(header, rows)


def fine_tuning_table(results: Results) -> str:
    """LoRA beside peft."""
    rows = []
    for result in results:
        own, peer = result["lockstep_peak_bytes"], result["peer_peak_bytes"]
        rows.append(
            [
                f"{result['precision']}, kept in {result['weights']}",
                f"{result['lockstep_tokens_per_second']:,.0f}",
                f"{result['peer_tokens_per_second']:,.0f}",
                f"{result['ratio_median']:.2f}",
                f"{result['ratio_min']:.2f} to {result['ratio_max']:.2f}",
                verdict(result["ratio_median"], FINE_TUNING_BAR),
                f"{own / 1e6:,.0f} MB",
                f"{peer / 1e6:,.0f} MB",
                memory_verdict(own, FINE_TUNING_MEMORY_BAR * peer),
                result["peer"],
            ]
        )
    header = ["precision, model", "Lockstep, tokens/s", "peft, tokens/s", *SPEED_HEADER[3:]]
    return markdown([*header, "memory", "peft's", "bar", "the peer"], rows)


def others_bar(result: dict[str, Any]) -> str:
    """The bar of a comparison beside training, and whether it is met."""
    ratio = result["ratio_median"]
    match result["benchmark"], result["peer"]:
        case "reduction", "MPI_Allreduce":
            return verdict(ratio, 4 if is_large(result["case"]) else 2)
        case "tokenizer", "tiktoken":
            return verdict(ratio, 1)
        case "startup", _:
            return f"< 0.5 s: {'met' if result['lockstep_seconds'] < 0.5 else 'missed'}"
        case _:
            return ""


def is_large(size: str) -> bool:
    """Whether a size as `parts/reduction.py` writes it is at least 16 MB."""
    number, unit = size.split()
    return unit == "GB" or unit == "MB" and float(number) >= 16


def products_table(results: Results) -> str:
    """Products of a model's shapes, beside torch.mm."""
    rows = []
    for result in results:
        own, peer = (
            f"{result['operations'] / result[f'{side}_seconds'] / 1e9:,.0f}"
            for side in ("lockstep", "peer")
        )
        rows.append(
            [
                result["case"],
                result["peer"].split(", ")[-1],
                own,
                peer,
                f"{result['ratio_median']:.2f}",
                f"{result['ratio_min']:.2f} to {result['ratio_max']:.2f}",
            ]
        )
    header = ["product", "precision", "Lockstep, GFLOP/s", "torch.mm, GFLOP/s", "ratio", "spread"]
    return markdown(header, rows)


def translation_table(results: Results) -> str:
    """What translations score, and what training they took."""
    rows = []
    for result in results:
        for scores in result["scores"]:
            side = scores["system"].lower()
            row = [scores["system"], f"{scores['bleu']:.1f}", f"{scores['chrf']:.1f}"]
            if f"{side}_steps" in result:
                row += [
                    str(result.get("beams", "")),
                    f"{result[f'{side}_steps']:,}",
                    f"{result[f'{side}_tokens_per_second']:,.0f}",
                    f"{result['seconds']:,.0f} s",
                ]
            rows.append(row + [""] * (7 - len(row)))
    header = ["system", "BLEU", "chrF", "beams", "steps", "target tokens/s", "training"]
    return markdown(header, rows)


def kind_of(result: dict[str, Any]) -> str:
    """The program that a result comes from."""
    if result.get("benchmark") in ("translation", "products", "fine-tuning"):
        return result["benchmark"]
    if "openblas_fraction" in result:
        return "compare" if result["precision"] == "float32" else "bfloat16"
    return "others"


#: The tables by the names of their places in the documentation, and the files they are made from.
TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "speed": ("compare", speed_table),
    "memory": ("compare", memory_table),
    "scaling": ("compare", scaling_table),
    "bfloat16": ("bfloat16", bfloat16_table),
    "others": ("others", others_table),
    "products": ("products", products_table),
    "translation": ("translation", translation_table),
    "fine-tuning": ("fine-tuning", fine_tuning_table),
}


def parse() -> Namespace:
    parser = Parser(prog="table.py", description="Writes benchmark results as Markdown.")
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULTS.json")
    parser.add_argument(
        "--update", type=Path, action="append", default=[], metavar="PAGE.md",
        help="replace its tables; may be given several times",
    )  # fmt: skip
    return parser.parse_args()


def main() -> None:
    options = parse()
    results: dict[str, list[dict[str, Any]]] = {}
    for path in options.results:
        for result in json.loads(path.read_text()):
            results.setdefault(kind_of(result), []).append(result)
    pages = {path: path.read_text() for path in options.update}
    for name, (kind, render) in TABLES.items():
        if kind not in results:
            continue
        apart = kind in ("compare", "bfloat16")
        table = by_processor(results[kind], render) if apart else render(results[kind])
        begin, end = f"<!-- begin table {name} -->", f"<!-- end table {name} -->"
        if not pages:
            print(f"{name}\n\n{table}\n")
            continue
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        block = f"{begin}\n\n{table}\n\n{end}"
        places = 0
        for path, page in pages.items():
            pages[path], count = re.subn(pattern, lambda _, text=block: text, page, flags=re.DOTALL)
            places += count
        if places != 1:
            names = ", ".join(map(str, pages))
            raise SystemExit(
                f"table.py: there are {places} places for the table {name} in {names}, where one "
                "is expected: give every page that these results have tables in"
            )
    for path, page in pages.items():
        path.write_text(page)


if __name__ == "__main__":
    main()
