"""The file that `--json` names: results measured at once or in parts."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .arguments import output_file


class ResultsFile:
    """A list of objects, in which a result takes the place of an older one of the same thing."""

    def __init__(self, path: Path, key: Sequence[str], results: list[dict[str, Any]]) -> None:
        #: The members that say what was measured.
        self.key = key
        self.path, self.results = path, results

    @classmethod
    def argument(cls, *key: str) -> Callable[[str], "ResultsFile"]:
        """For argparse: reads a path, and what the file holds if there is one."""

        def read(text: str) -> ResultsFile:
            path = output_file(text)
            # A pipe or a terminal is only written to, and mktemp's files are empty.
            if not path.is_file() or path.stat().st_size == 0:
                return cls(path, key, [])
            try:
                results = json.loads(path.read_text())
            except (OSError, ValueError):
                results = None
            if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
                raise argparse.ArgumentTypeError(
                    f"{text!r} is there and holds no list of results: name another file"
                )
            return cls(path, key, results)

        return read

    def store(self, result: dict[str, Any]) -> None:
        """Writes the result in the place of those with its key, or at the end; others are kept."""
        same = [index for index, each in enumerate(self.results) if self._is_same(each, result)]
        place = same[0] if same else len(self.results)
        kept = [each for index, each in enumerate(self.results) if index not in same]
        self.results = [*kept[:place], result, *kept[place:]]
        self.path.write_text(json.dumps(self.results, indent=2) + "\n")

    def _is_same(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        return all(one.get(name) == other.get(name) for name in self.key)
