#!/usr/bin/env python3
"""Compares a run's TensorBoard files with its metrics.jsonl, as TensorBoard's own package reads them.

    python3 -m venv VENV && VENV/bin/pip install tensorboard
    VENV/bin/python scripts/check_tensorboard.py RUN [RUN...]

Every scalar of every step is there once, with the value of metrics.jsonl rounded to 32 bits; samples have their
texts; distributions count every element of a tensor; the hyperparameters are those of config.yaml. Exit code 1 where
something differs.
"""

import json
import math
import os
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

SCALARS = {
    "train/loss": "loss",
    "train/gradient_norm": "gradient_norm",
    "train/learning_rate": "learning_rate",
    "throughput/tokens_per_second": "tokens_per_second",
}


def number(value):
    """A number of metrics.jsonl, where those that are not finite are texts, rounded to 32 bits."""
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def same(a, b):
    return a == b or math.isnan(a) and math.isnan(b)


def expected_scalars(path):
    """The points of each tag: {tag: {step: value}}."""
    tags = {}

    def add(tag, step, value):
        tags.setdefault(tag, {})[step] = number(value)

    with open(path, encoding="utf-8") as file:
        for line in map(json.loads, file):
            step = line["step"]
            if "loss" in line:
                for tag, key in SCALARS.items():
                    add(tag, step, line[key])
            elif "validation_loss" in line:
                add("validation/loss", step, line["validation_loss"])
                for key in line.keys() - {"step", "validation_loss", "validation_tokens", "evaluation_seconds"}:
                    add(f"validation/{key}", step, line[key])
            elif "ranks" in line:
                ranks = line["ranks"]
                for phase in ("forward", "backward", "reduction", "waiting", "optimizer"):
                    key = f"{phase}_seconds"
                    add(f"time/{key}", step, sum(rank[key] for rank in ranks) / len(ranks))
                add("memory/largest_rank_bytes", step, max(rank["resident_bytes"] for rank in ranks))
    return tags


def check(run):
    problems = []
    events = EventAccumulator(os.path.join(run, "tensorboard"), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    expected = expected_scalars(os.path.join(run, "metrics.jsonl"))
    found = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    for tag in sorted(expected.keys() | {tag for tag in found if not tag.startswith("final/")}):
        points = found.get(tag, [])
        steps = [point.step for point in points]
        if steps != sorted(expected.get(tag, {})):
            problems.append(f"{tag}: steps {steps[:5]}... instead of {sorted(expected.get(tag, {}))[:5]}...")
            continue
        for point in points:
            if not same(point.value, expected[tag][point.step]):
                problems.append(f"{tag}: {point.value} at step {point.step}, not {expected[tag][point.step]}")
    tensors = events.Tags()["tensors"]
    sums = {}
    for tag in tensors:
        kind, _, name = tag.partition("/")
        if kind in ("parameters", "gradients", "updates"):
            for event in events.Tensors(tag):
                rows = tensor_util.make_ndarray(event.tensor_proto)
                if not (rows[:, 0] < rows[:, 1]).all() or not (rows[1:, 0] == rows[:-1, 1]).all():
                    problems.append(f"{tag}: the buckets of step {event.step} do not follow one another")
                sums.setdefault(name, set()).add(int(rows[:, 2].sum()))
    problems += [f"{name}: counts {sorted(counts)}" for name, counts in sums.items() if len(counts) != 1]
    metadata = events.summary_metadata.get("_hparams_/session_start_info")
    if metadata is None:
        problems.append("no hyperparameters")
        parameters = {}
    else:
        data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
        parameters = data.session_start_info.hparams
        if "optimizer.learning_rate" not in parameters:
            problems.append(f"no learning rate among {sorted(parameters)}")
    count = sum(map(len, found.values()))
    texts = sum(len(events.Tensors(tag)) for tag in tensors if tag.startswith("samples/"))
    print(
        f"{run}: {count} points of {len(found)} curves, {texts} samples, distributions of {len(sums)} tensors, "
        f"{len(parameters)} hyperparameters: {'; '.join(problems) or 'as metrics.jsonl has them'}"
    )
    return not problems


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(0 if all([check(run) for run in sys.argv[1:]]) else 1)
