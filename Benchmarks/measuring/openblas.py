"""How long a step's matrix products take in OpenBLAS, and nothing else.

As a program it times them on the processors and threads it is given:

  python3 -m measuring.openblas --library libopenblas.so.0 --case gpt2 --threads 1
"""

import argparse
import ctypes
import random
import re
import subprocess
import sys
import time
from array import array
from pathlib import Path
from statistics import median

from .cases import CASES, Case, Layout, Product
from .failure import Failure
from .processes import Job
from .processors import pinned, placement

ROW_MAJOR, AS_IS, TRANSPOSED = 101, 111, 112
#: A product is repeated for at least this long, in seconds.
BUDGET = 0.1


def library_of(binary: Path) -> Path:
    """The OpenBLAS that the program is linked with.

    Raises Failure where it is linked with none.
    """
    listing = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False)
    match = re.search(r"libopenblas\S* => (\S+)", listing.stdout)
    if not match:
        raise Failure(f"{binary} is not linked with libopenblas, so its products cannot be timed")
    return Path(match[1])


def products_seconds(library: Path, case: Case, layout: Layout, directory: Path) -> float:
    """How long one step's products take on all ranks at once: the slowest rank's time."""
    commands = [
        pinned(
            [sys.executable, "-m", "measuring.openblas", "--library", str(library)]
            + ["--case", case.name, "--threads", str(layout.threads)],
            processors,
        )
        for processors in placement(layout)
    ]
    environment = {
        "OPENBLAS_NUM_THREADS": str(layout.threads),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    with Job(commands, directory, environment) as job:
        job.wait(interval=0.01)
        return max(float(output.read_text()) for output in job.outputs)


#: Kernels for SSE and older, which it takes on processors that it does not know: no yardstick for others.
GENERIC_KERNELS = ("Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Katmai")


def kernels(library: Path) -> str:
    """The name of the kernels that it picks on this processor, such as Zen or SkylakeX."""
    name = ctypes.CDLL(str(library)).openblas_get_corename
    name.restype = ctypes.c_char_p
    return name().decode()


class Sgemm:
    """OpenBLAS's single-precision matrix product."""

    def __init__(self, path: str, threads: int) -> None:
        self.library = ctypes.CDLL(path)
        self.library.openblas_set_num_threads(ctypes.c_int(threads))
        integer, scalar, pointer = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
        # Layout, two transpositions, m, n, k, alpha, then A, B, beta and C with their strides.
        self.library.cblas_sgemm.argtypes = (
            *[integer] * 6,
            *(scalar, pointer, integer, pointer, integer),
            *(scalar, pointer, integer),
        )
        self.library.cblas_sgemm.restype = None
        self._noise = array("f", (random.Random(1).uniform(-1, 1) for _ in range(4096)))

    def seconds(self, product: Product) -> float:
        """Median time of the product, after one call that is not counted."""
        m, n, k = product.m, product.n, product.k
        a, b, c = (self._matrix(count) for count in (m * k, k * n, m * n))
        arguments = (
            ROW_MAJOR,
            TRANSPOSED if product.transposes_a else AS_IS,
            TRANSPOSED if product.transposes_b else AS_IS,
            *(m, n, k, 1.0),
            *(a.buffer_info()[0], m if product.transposes_a else k),
            *(b.buffer_info()[0], k if product.transposes_b else n),
            *(0.0, c.buffer_info()[0], n),
        )
        self.library.cblas_sgemm(*arguments)
        times: list[float] = []
        while not times or sum(times) < BUDGET:
            start = time.perf_counter()
            self.library.cblas_sgemm(*arguments)
            times.append(time.perf_counter() - start)
        return median(times)

    def _matrix(self, count: int) -> array:
        return (self._noise * (count // len(self._noise) + 1))[:count]


def step_seconds(sgemm: Sgemm, case: Case) -> float:
    """The products of a step; attention's are charged at the mean speed of the others."""
    timed = [(product, sgemm.seconds(product)) for product in case.products()]
    seconds = sum(product.count * time for product, time in timed)
    flops = sum(product.count * product.flops for product, _ in timed)
    return seconds * case.flops / flops


def main() -> None:
    parser = argparse.ArgumentParser(description="Times a step's matrix products in OpenBLAS.")
    parser.add_argument("--library", required=True)
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    print(step_seconds(Sgemm(options.library, options.threads), CASES[options.case]))


if __name__ == "__main__":
    main()
