#!/usr/bin/env python3
"""Draws the losses of a run as an SVG image, with the standard library alone.

  scripts/plot_loss.py runs/kjv/metrics.jsonl docs/images/kjv-loss.svg

Each step's training loss is a faint line, its running mean a strong one; evaluations are points,
with the last one's bits per byte beside it.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 30, 50
INK, FAINT, GRID, TRAINING, VALIDATION = "#333", "#9cc3e6", "#e4e4e4", "#1f6fb2", "#c8501e"


def records(path):
    """The lines as Lockstep reads them: what a kill or a power failure left at the end is no line."""
    damaged = None
    # The last piece is empty, or a line without its end.
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            damaged = damaged or number
            continue
        if damaged:
            sys.exit(f"{path}: line {damaged} is damaged: remove it, or put the file back")
        yield record


def read(path):
    """The (step, loss) of all steps, and the records of all evaluations; without losses that are not finite."""
    steps, evaluations = {}, {}
    for record in records(path):
        # They are texts: "NaN", "Infinity". There is no place for them in a curve.
        if not math.isfinite(float(record.get("loss", record.get("validation_loss", 0)))):
            continue
        # A resumed run may have repeated a step: the later line holds.
        if "loss" in record:
            steps[record["step"]] = record["loss"]
        elif "validation_loss" in record:
            evaluations[record["step"]] = record
    return sorted(steps.items()), [evaluations[step] for step in sorted(evaluations)]


def running_mean(points, reach):
    """The mean of each loss and up to `reach` on both sides of it, on both as many at the start."""
    losses = [loss for _, loss in points]
    result = []
    for index, (step, _) in enumerate(points):
        side = min(reach, index)
        window = losses[index - side : index + side + 1]
        result.append((step, sum(window) / len(window)))
    return result


def round_step(span, count):
    """The distance of about `count` round ticks over a span."""
    rough = span / count
    power = 10 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def draw(steps, evaluations):
    losses = [loss for _, loss in steps] + [e["validation_loss"] for e in evaluations]
    last_step = max(steps[-1][0], 2)
    low_tick = math.floor(min(losses))
    high_tick = max(math.ceil(max(losses)), low_tick + 1)

    def x(step):
        return LEFT + (step - 1) / (last_step - 1) * (WIDTH - LEFT - RIGHT)

    def y(loss):
        share = (loss - low_tick) / (high_tick - low_tick)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]

    def text(content, left, top, anchor="middle", color=INK):
        parts.append(
            f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" fill="{color}">'
            f"{escape(content)}</text>"
        )

    def line(points, color, width):
        path = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>'
        )

    for loss in range(low_tick, high_tick + 1):
        parts.append(
            f'<path d="M{LEFT} {y(loss):.1f}H{WIDTH - RIGHT}" stroke="{GRID}" stroke-width="1"/>'
        )
        text(str(loss), LEFT - 8, y(loss) + 4, anchor="end")
    stride = round_step(last_step, 6)
    for tick in range(int(stride), last_step + 1, max(1, int(stride))):
        text(f"{tick:,}", x(tick), HEIGHT - BOTTOM + 18)
    text("optimiser steps", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10)
    text("loss, nats per token", LEFT, TOP - 12, anchor="start")

    line(steps, FAINT, 1)
    line(running_mean(steps, reach=len(steps) // 50), TRAINING, 2)
    for evaluation in evaluations:
        left, top = x(evaluation["step"]), y(evaluation["validation_loss"])
        parts.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" fill="{VALIDATION}"/>')
    legend = WIDTH - RIGHT - 10
    text("training: each step, and running mean", legend, TOP + 20, "end", TRAINING)
    if evaluations:
        text("held-out text", legend, TOP + 40, "end", VALIDATION)
        last = evaluations[-1]
        if last.get("bits_per_byte") is not None:
            label = f"{last['bits_per_byte']:.2f} bits per byte at the end"
            text(label, legend, TOP + 60, "end", VALIDATION)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("metrics", type=Path, help="a run's metrics.jsonl")
    parser.add_argument("image", type=Path, help="the SVG file to write")
    arguments = parser.parse_args()
    steps, evaluations = read(arguments.metrics)
    if not steps:
        parser.error(f"{arguments.metrics} has no steps")
    arguments.image.parent.mkdir(parents=True, exist_ok=True)
    arguments.image.write_text(draw(steps, evaluations))


if __name__ == "__main__":
    main()
