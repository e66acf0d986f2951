"""Two sides measured alternately."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Sides:
    """What both sides took in each round, in seconds."""

    lockstep: list[float]
    peer: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times faster Lockstep was, round by round."""
        return [theirs / ours for ours, theirs in zip(self.lockstep, self.peer, strict=True)]


def alternate(lockstep: Callable[[], float], peer: Callable[[], float], rounds: int) -> Sides:
    """Runs Lockstep, the peer, Lockstep, the peer ...; each returns its seconds."""
    sides = Sides([], [])
    for _ in range(rounds):
        sides.lockstep.append(lockstep())
        sides.peer.append(peer())
    return sides


def result(benchmark: str, case: str, peer: str, sides: Sides) -> dict[str, Any]:
    """The object of the JSON for one comparison."""
    return {
        "benchmark": benchmark,
        "case": case,
        "peer": peer,
        "lockstep_seconds": median(sides.lockstep),
        "peer_seconds": median(sides.peer),
        "ratio_median": median(sides.ratios),
        "ratio_min": min(sides.ratios),
        "ratio_max": max(sides.ratios),
    }
