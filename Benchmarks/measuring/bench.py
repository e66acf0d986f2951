"""What every part of `others.sh` is given: programs, processors, and scratch space."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import CASES, Case, Layout
from .lockstep import ENVIRONMENT, Lockstep, launched, write_tokens
from .processes import run
from .processors import cores, pinned, thread_environment

#: One rank of one thread.
ALONE = Layout(1, 1)
PEERS = Path(__file__).parent.parent / "peers"


@dataclass(frozen=True)
class Bench:
    """Runs commands of both sides, pinned alike."""

    binary: Path
    directory: Path
    #: How often the sides alternate.
    rounds: int

    def lockstep(self, arguments: Sequence[object], layout: Layout = ALONE) -> str:
        """Runs `lockstep`; returns what it printed."""
        command = [str(self.binary), *map(str, arguments)]
        return run(launched(command, layout), self.directory, ENVIRONMENT)

    def peer(
        self,
        program: str,
        arguments: Mapping[str, object],
        processors: Sequence[int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Runs a program of `peers`; returns the JSON object that is the last line it printed.

        By default on one core, with one thread.
        """
        processors = processors or cores()[:1]
        output = run(
            pinned(self.peer_command(program, arguments), processors),
            self.directory,
            {**thread_environment(len(processors)), **(environment or {})},
        )
        return json.loads(output.splitlines()[-1])

    @staticmethod
    def peer_command(program: str, arguments: Mapping[str, object]) -> list[str]:
        """The command of a program of `peers`; a value of None makes a flag."""
        words = [
            str(word)
            for name, value in arguments.items()
            for word in ([name] if value is None else [name, value])
        ]
        return [sys.executable, str(PEERS / program), *words]

    def training(self, name: str, **changes: object) -> tuple[Case, Path]:
        """A case and the path of its configuration, to train alone on one thread.

        `changes` are put over the configuration's top level.
        """
        case = CASES[name]
        tokens = self.directory / f"tokens-{case.vocabulary}.bin"
        if not tokens.exists():
            write_tokens(tokens, case.vocabulary)
        side = Lockstep(self.binary, case, ALONE, "float32", tokens, self.directory)
        path = self.directory / f"{name}.yaml"
        path.write_text(json.dumps({**side.configuration(1), **changes}))
        return case, path
