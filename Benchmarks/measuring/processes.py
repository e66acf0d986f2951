"""Child processes that never outlive the benchmark."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from .failure import Failure

#: No run of a benchmark takes this many seconds: one that does hangs.
LIMIT = 3600


class Job:
    """Processes that run together, such as a launcher or the ranks of PyTorch.

    Each has a session of its own, so that a Ctrl-C reaches the benchmark alone, which then ends
    them. What they print goes to files; a failure shows the end of it.
    """

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        directory: Path,
        environment: Mapping[str, str] | None = None,
        environments: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        """Starts the commands.

        `environment` is added to this process's for all of them, `environments` for each. The
        outputs are `output-0`, `output-1` ... in the directory.
        """
        self.commands = [list(command) for command in commands]
        self.outputs = [directory / f"output-{index}" for index in range(len(commands))]
        self.processes: list[subprocess.Popen[bytes]] = []
        try:
            for index, command in enumerate(self.commands):
                own = environments[index] if environments else {}
                with self.outputs[index].open("wb") as output:
                    self.processes.append(
                        subprocess.Popen(
                            command,
                            stdin=subprocess.DEVNULL,
                            stdout=output,
                            stderr=subprocess.STDOUT,
                            env={**os.environ, **(environment or {}), **own},
                            start_new_session=True,
                        )
                    )
        except OSError as error:
            self.stop()
            raise Failure(
                f"cannot start {self.commands[len(self.processes)][0]}: {error}"
            ) from error

    def __enter__(self) -> "Job":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def wait(self, poll: Callable[[], None] | None = None, interval: float = 0.05) -> None:
        """Waits for the end of all processes; calls `poll` meanwhile.

        Raises Failure as soon as one fails, with the last lines that it printed.
        """
        deadline = time.monotonic() + LIMIT
        while True:
            states = [process.poll() for process in self.processes]
            for index, state in enumerate(states):
                if state not in (None, 0):
                    raise Failure(self._explain(index, f"ended with {state}"))
            if all(state == 0 for state in states):
                return
            if time.monotonic() > deadline:
                raise Failure(self._explain(states.index(None), f"still runs after {LIMIT} s"))
            if poll:
                poll()
            time.sleep(interval)

    def stop(self) -> None:
        """Ends what still runs: SIGTERM, which lets a launcher end its ranks, then SIGKILL."""
        running = [process for process in self.processes if process.poll() is None]
        self._signal(running, signal.SIGTERM)
        deadline = time.monotonic() + 5
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._signal([process], signal.SIGKILL)
                process.wait()

    @staticmethod
    def _signal(processes: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def _explain(self, index: int, what: str) -> str:
        lines = self.outputs[index].read_text(errors="replace").splitlines()[-15:]
        return "\n  ".join([f"{' '.join(self.commands[index])}\n{what}:", *lines])


def run(
    command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
) -> str:
    """Runs one command to its end; returns what it printed, errors included."""
    with Job([command], directory, environment) as job:
        job.wait(interval=0.01)
        return job.outputs[0].read_text(errors="replace")


def end_on_terminate() -> None:
    """Lets a SIGTERM unwind like a Ctrl-C, so that no child is left."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
