#!/usr/bin/env python3
"""Runs ready-made configurations again and compares what they come to with configs/README.md.

The same configuration has the same bits on any machine, so each figure of the table must come out to its last digit.
Needs nothing but Python; run from the repository's root, with the data that configs/README.md names:

    python3 scripts/check_results.py                     # those that take a minute at most
    python3 scripts/check_results.py kjv bert            # these
    python3 scripts/check_results.py --all               # all of RESULTS, below

Options: --lockstep PROGRAM (.build/release/lockstep), --ranks N (started by mpirun; plainly where N is 1, the default).
Exit code 1: a figure is another one. A run and its figures are printed as they come.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

README = pathlib.Path("configs/README.md")

# Of each configuration: the key in summary.json, how the table writes its value, and whether it runs by default.
RESULTS = {
    "sine": ([("r2", "R² {:.4f}")], True),
    "linear-regression": ([("r2", "R² {:.4f}")], True),
    "fashion-mlp": ([("accuracy", "accuracy {:.2%}")], True),
    "fashion-mlp-wide": ([("accuracy", "accuracy {:.2%}")], True),
    "fashion-vit": ([("accuracy", "accuracy {:.2%}")], False),
    "kjv": ([("bits_per_byte", "{:.2f} bits a byte")], False),
    "llama": ([("bits_per_byte", "{:.2f} bits a byte")], False),
    "bert": ([("accuracy", "{:.1%} of hidden tokens found"), ("perplexity", "perplexity {:.1f}")], False),
    "translate-en-fr": ([("bleu", "BLEU {:.1f}"), ("chrf", "chrF {:.1f}")], False),
}


def row_of(name):
    for line in README.read_text().splitlines():
        if line.startswith(f"| `{name}.yaml` |"):
            return line
    sys.exit(f"check_results.py: {README} has no row of {name}.yaml")


def result_of(name, program, ranks):
    """What summary.json says after the run."""
    launcher = ["mpirun", "-np", str(ranks), "--oversubscribe"] if ranks > 1 else []
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/{name}"
        command = [*launcher, program, "train", f"configs/{name}.yaml", "--output", run, "--quiet"]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"check_results.py: failed: {' '.join(command)}")
        return json.loads(pathlib.Path(run, "summary.json").read_text())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--lockstep", default=".build/release/lockstep")
    parser.add_argument("--ranks", type=int, default=1)
    arguments = parser.parse_args()
    names = arguments.names or [
        name for name, (_, is_short) in RESULTS.items() if is_short or arguments.all]
    for name in names:
        if name not in RESULTS:
            sys.exit(f"check_results.py: {name} is none of {', '.join(RESULTS)}")
    wrong = 0
    for name in names:
        row, summary = row_of(name), result_of(name, arguments.lockstep, arguments.ranks)
        for key, form in RESULTS[name][0]:
            # "85.14 %": with a space before the sign, as the table has it.
            text = form.format(summary[key]).replace("%", " %")
            is_there = text in row
            wrong += not is_there
            print(f"{name}: {text}{'' if is_there else f', but the table says: {row}'}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
