#!/usr/bin/env python3
"""Trains translation with Lockstep and with PyTorch for the same time, and scores both. See
translation.sh."""

import json
import os
import subprocess
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring.arguments import Parser, count
from measuring.cases import Layout
from measuring.failure import Failure
from measuring.lockstep import ENVIRONMENT, launched
from measuring.processors import cores, description, thread_environment
from measuring.results import ResultsFile

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / "configs" / "translate-en-fr.yaml"
DATA = ROOT / "data" / "translations"

#: The options that decide training, and those that decide no more than the translations.
TRAINING, TRANSLATING = ("steps", "threads"), ("beams", "lines")


def parse(arguments: Sequence[str]) -> Namespace:
    parser = Parser(
        prog="translation.sh",
        description="Compares translation, trained by Lockstep and by PyTorch for the same time.",
    )
    parser.add_argument("--steps", type=count, metavar="N", help="default: the configuration's")
    parser.add_argument(
        "--threads", type=count, default=len(cores()), metavar="N",
        help="ranks of Lockstep, threads of PyTorch; default: the cores",
    )  # fmt: skip
    parser.add_argument("--beams", type=count, default=4, metavar="B", help="default: 4")
    parser.add_argument("--lines", type=count, metavar="N", help="of the test set; default: all")
    parser.add_argument(
        "--output", type=directory, default=ROOT / "runs" / "translation", metavar="DIR",
        help="what is complete in it is not made again; default: runs/translation",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=ResultsFile.argument("benchmark"), metavar="FILE",
        help="where the results are stored, as a list; those of other benchmarks are kept",
    )  # fmt: skip
    parser.add_argument("--plan", action="store_true", help="say what would be measured, and end")
    options = parser.parse_args(arguments)
    if options.threads > len(cores()):
        parser.error(f"--threads {options.threads}: there are {len(cores())} cores")
    refusal = refused(options)
    if refusal:
        parser.error(f"{refusal}: name another --output, or remove this one")
    return options


def stored_options(output: Path) -> dict[str, Any] | None:
    """The options that the output directory was made with; None where there are none."""
    try:
        stored = json.loads((output / "options.json").read_text())
    except (OSError, ValueError):
        return None
    is_whole = isinstance(stored, dict) and all(name in stored for name in TRAINING + TRANSLATING)
    return stored if is_whole else None


def refused(options: Namespace) -> str | None:
    """Why the output directory cannot be gone on with: its training was another one."""
    if not (options.output / "lockstep").exists():
        return None
    stored = stored_options(options.output)
    if stored is None:
        return f"{options.output} holds a run, but no options.json that says how it was made"
    differing = [name for name in TRAINING if stored[name] != getattr(options, name)]
    if not differing:
        return None
    before = ", ".join(f"--{name} {stored[name] or 'not given'}" for name in differing)
    now = ", ".join(f"--{name} {getattr(options, name) or 'not given'}" for name in differing)
    return f"{options.output} was made with {before}, and this is {now}"


def store_options(options: Namespace) -> None:
    """Says in the output directory how it is made; translations made otherwise are removed."""
    options.output.mkdir(parents=True, exist_ok=True)
    wanted = {name: getattr(options, name) for name in TRAINING + TRANSLATING}
    if stored_options(options.output) != wanted:
        (options.output / "pytorch" / "translations").unlink(missing_ok=True)
        (options.output / "options.json").write_text(json.dumps(wanted) + "\n")


def directory(text: str) -> Path:
    path = Path(text).absolute()
    if path.exists() and not path.is_dir():
        raise ArgumentTypeError(f"{text!r} is a file")
    return path


def plan(options: Namespace) -> str:
    length = f"{options.steps} steps" if options.steps else "all steps"
    lines = f"{options.lines} lines" if options.lines else "the test set"
    return (
        f"{CONFIGURATION.name}: {length} on {options.threads} cores, PyTorch for the same time; "
        f"{lines} with {options.beams} beams"
    )


def run(command: Sequence[str | Path], **options: Any) -> None:
    completed = subprocess.run([str(part) for part in command], check=False, **options)
    if completed.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))} ended with {completed.returncode}")


def train(options: Namespace, binary: Path, output: Path) -> float:
    """Trains with Lockstep, unless that run is complete; returns how long its steps took."""
    if not (output / "summary.json").exists():
        command = [str(binary), "train", str(CONFIGURATION), "--output", str(output)]
        if options.steps:
            command += ["--steps", str(options.steps)]
            command += ["--set", f"schedule.warmup_steps={max(1, options.steps // 8)}"]
        if output.exists():
            command.append("--resume")
        layout = Layout(options.threads, 1)
        # The configuration's paths are of there.
        run(launched(command, layout), env={**os.environ, **ENVIRONMENT}, cwd=ROOT)
    summary = json.loads((output / "summary.json").read_text())
    return float(summary["seconds"])


def resolved(run_directory: Path, path: Path) -> None:
    """The run's configuration as JSON."""
    import yaml  # Comes with the tokenizers package.

    configuration = yaml.safe_load((run_directory / "config.yaml").read_text())
    optimizer = configuration["optimizer"]
    # YAML 1.1 takes 1e-9 for a word.
    for key in ("learning_rate", "epsilon", "clip_norm"):
        optimizer[key] = float(optimizer[key])
    optimizer["betas"] = [float(beta) for beta in optimizer["betas"]]
    # Without the key the loss is the task's own, which is not smoothed.
    loss = configuration["loss"]
    loss["label_smoothing"] = float(loss.get("label_smoothing", 0))
    for key, value in configuration["data"].items():
        if key != "format":
            configuration["data"][key] = str(ROOT / value)
    path.write_text(json.dumps(configuration))


def score(name: str, translations: list[str], references: list[str]) -> dict[str, Any]:
    import sacrebleu

    result = {
        "system": name,
        "bleu": sacrebleu.corpus_bleu(translations, [references]).score,
        "chrf": sacrebleu.corpus_chrf(translations, [references]).score,
    }
    print(f"  {name:<22} BLEU {result['bleu']:5.2f}   chrF {result['chrf']:5.2f}", flush=True)
    return result


def read(path: Path, limit: int | None = None) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1][:limit]


def compare(options: Namespace) -> None:
    print(description(), flush=True)
    binary = Path(os.environ["LOCKSTEP"])
    store_options(options)
    ours, theirs = options.output / "lockstep", options.output / "pytorch"
    sources, references = (read(DATA / f"test.{side}", options.lines) for side in ("en", "fr"))
    lines = options.output / "lines"
    lines.write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")

    seconds = train(options, binary, ours)
    translated = options.output / "translations"
    command = [binary, "translate", ours, "--input", lines, "--beams", str(options.beams)]
    with translated.open("wb") as output:
        run([*command, "--quiet"], stdout=output, env={**os.environ, **ENVIRONMENT})

    if not (theirs / "translations").exists():
        # Trained already, it only translates.
        print(f"PyTorch, for {seconds:.0f} seconds", flush=True)
        resolved(ours, options.output / "configuration.json")
        command = [
            sys.executable, Path(__file__).parent / "peers" / "translate.py",
            "--configuration", options.output / "configuration.json", "--seconds", str(seconds),
            "--threads", str(options.threads), "--beams", str(options.beams), "--lines", lines,
            "--output", theirs,
        ]  # fmt: skip
        run(command, env={**os.environ, **thread_environment(options.threads)})

    results = [
        score("the source, copied", sources, references),
        score("PyTorch", read(theirs / "translations"), references),
        score("Lockstep", read(translated), references),
    ]
    last = json.loads((theirs / "metrics.jsonl").read_text().splitlines()[-1])
    summary = json.loads((ours / "summary.json").read_text())
    figures = {
        "seconds": seconds,
        "lockstep_steps": summary["steps"],
        "lockstep_tokens_per_second": summary["tokens"] / seconds,
        "pytorch_steps": last["step"],
        "pytorch_tokens_per_second": last["tokens"] / last["seconds"],
    }
    for key, value in figures.items():
        print(f"  {key:<28} {value:,.0f}")
    if options.json:
        made = {"threads": options.threads, "beams": options.beams, "lines": len(sources)}
        record = {"benchmark": "translation", "machine": description(), **made}
        options.json.store({**record, "scores": results, **figures})


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    if options.plan:
        print(plan(options))
        return
    compare(options)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"translation.sh: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
