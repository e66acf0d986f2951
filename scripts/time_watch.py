#!/usr/bin/env python3
"""Times how long `lockstep watch` takes to open a run of a million steps.

    scripts/time_watch.py PROGRAM [--ranks N]

Writes a run's files to a temporary directory, starts the program, and reads the page's events until all
curves are there. With --ranks every tenth step has a line with the times of so many ranks.
"""

import argparse
import math
import os
import random
import resource
import subprocess
import tempfile
import time
import urllib.request

PHASES = ("forward", "backward", "reduction", "waiting", "optimizer")


def write(folder, steps, ranks):
    os.makedirs(folder)
    with open(folder + "/config.yaml", "w") as file:
        file.write(f"steps: {steps}\n")
    random.seed(1)
    seconds = 0.0
    with open(folder + "/metrics.jsonl", "w") as file:
        for step in range(1, steps + 1):
            seconds += 0.05 * random.uniform(0.9, 1.1)
            loss = 2 + 3 / math.sqrt(step) + random.gauss(0, 0.1)
            file.write(
                f'{{"step":{step},"loss":{loss},"gradient_norm":{random.uniform(0.5, 2)},'
                f'"learning_rate":{3e-4 * (1 - step / (steps + 1))},"tokens":{512 * step},'
                f'"seconds":{seconds},"tokens_per_second":{9800 * random.uniform(0.9, 1.1)}}}\n')
            if ranks and step % 10 == 0:
                objects = ",".join(
                    "{" + "".join(f'"{phase}_seconds":{random.random()},' for phase in PHASES)
                    + f'"resident_bytes":{300_000_000 + rank}}}' for rank in range(ranks))
                file.write(f'{{"step":{step},"ranks":[{objects}]}}\n')
            if step % 1000 == 0:
                file.write(f'{{"step":{step},"validation_loss":{loss + 0.1}}}\n')
    return os.path.getsize(folder + "/metrics.jsonl")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--ranks", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = write(folder + "/run", arguments.steps, arguments.ranks)
        for _ in range(3):
            start = time.monotonic()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            watch = subprocess.Popen(
                [arguments.program, "watch", folder], stdout=subprocess.PIPE, text=True)
            address = watch.stdout.readline().split()[1].replace("/?", "/events?")
            with urllib.request.urlopen(address) as events:
                received = 0
                for line in events:
                    received += len(line)
                    if line.startswith(b'data: {"complete"'):
                        break
            taken = time.monotonic() - start
            watch.terminate()
            watch.wait()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            work = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            print(
                f"{size / 1e6:.0f} MB: all curves after {taken:.2f} s, {work:.2f} s of a processor, "
                f"{received / 1e3:.0f} kB sent")


if __name__ == "__main__":
    main()
