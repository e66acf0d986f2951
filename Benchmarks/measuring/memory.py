"""Peak memory of running processes, pages that they share counted once."""

import os
from collections.abc import Iterable
from pathlib import Path


def descendants(roots: Iterable[int]) -> list[int]:
    """The processes and all that they started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name, in parentheses, may hold spaces; the parent is the second word after it.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += parents.get(process, [])
    return found


def runs(process: int, program: Path) -> bool:
    """Whether the process executes the program."""
    try:
        return os.path.samefile(f"/proc/{process}/exe", program)
    except OSError:
        return False


def proportional_bytes(process: int) -> int:
    """The proportional set size: a page that n processes map counts 1/n for each of them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


class PeakMemory:
    """The largest sum of proportional set sizes over the samples taken."""

    def __init__(self) -> None:
        self.bytes = 0

    def sample(self, processes: Iterable[int]) -> None:
        self.bytes = max(self.bytes, sum(map(proportional_bytes, processes)))
