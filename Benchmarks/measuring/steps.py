"""Step times: both sides record theirs in the same form, one JSON object a line."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from .failure import Failure


@dataclass(frozen=True)
class Speed:
    """What the timed steps of one run took."""

    #: Median of the timed steps.
    seconds_per_step: float
    #: Of all ranks.
    tokens_per_step: int

    @property
    def tokens_per_second(self) -> float:
        return self.tokens_per_step / self.seconds_per_step


def records(path: Path) -> list[dict[str, float]]:
    """Those of steps; a run records evaluations, samples and more beside them. The last line may not be whole yet."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [record for record in found if "tokens" in record and "seconds" in record]


def step_count(path: Path) -> int:
    """How many steps are recorded so far."""
    return len(records(path))


def speed(path: Path, warmup_steps: int) -> Speed:
    """The speed after the warm-up in a `metrics.jsonl`.

    A record's `tokens` and `seconds` count from the start of the run. Seconds are those spent in
    steps: from the choice of a batch to the updated parameters and the loss as a number.
    """
    steps = records(path)
    if len(steps) <= warmup_steps:
        raise Failure(f"{path} has {len(steps)} steps, no more than the warm-up")
    timed = steps[warmup_steps - 1 :]
    seconds = [after["seconds"] - before["seconds"] for before, after in pairwise(timed)]
    return Speed(median(seconds), timed[-1]["tokens"] - timed[-2]["tokens"])
