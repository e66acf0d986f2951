"""What is compared: cases and layouts, their matrix products, and how long to measure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Processes and the threads of each; every rank has `threads` cores of its own."""

    ranks: int
    threads: int

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """Reads `2x1`.

        Raises ValueError for anything but two whole numbers of at least 1.
        """
        match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
        if not match:
            raise ValueError(f"{text!r} is no layout: give RANKSxTHREADS, for example 2x1")
        return cls(int(match[1]), int(match[2]))

    @property
    def cores(self) -> int:
        return self.ranks * self.threads

    def __str__(self) -> str:
        return f"{self.ranks}x{self.threads}"


@dataclass(frozen=True)
class Product:
    """A matrix product [m, k] x [k, n] of a step, with the transpositions of training code."""

    m: int
    n: int
    k: int
    transposes_a: bool = False
    transposes_b: bool = False
    #: How often a step computes it.
    count: int = 1

    @property
    def flops(self) -> int:
        """Of one such product: two for a multiplication and its addition."""
        return 2 * self.m * self.n * self.k


def products_of(m: int, n: int, k: int, count: int, transposed: bool = False) -> list[Product]:
    """A linear layer's three: forward, gradient of the input, gradient of the weight.

    The weight is [k, n]; `transposed`: [n, k], as of a head that is tied to the embedding.
    """
    forward = Product(m, n, k, transposes_b=transposed, count=count)
    input_gradient = Product(m, k, n, transposes_b=not transposed, count=count)
    if transposed:
        weight_gradient = Product(n, k, m, transposes_a=True, count=count)
    else:
        weight_gradient = Product(k, n, m, transposes_a=True, count=count)
    return [forward, input_gradient, weight_gradient]


@dataclass(frozen=True)
class Case:
    """A GPT-2-like decoder and a batch, and how many steps are enough to time it."""

    name: str
    layers: int
    heads: int
    width: int
    context: int
    #: In a rank's part of a step: the global batch has this many for each rank.
    sequences: int
    vocabulary: int
    #: Steps before the timed ones: compilation, first touch of memory.
    warmup_steps: int
    timed_steps: int
    #: Timed steps of the short runs that choose PyTorch's variant.
    trial_steps: int
    #: Rough, for the plan's estimate of how long everything takes.
    seconds_per_step: float

    def products(self) -> list[Product]:
        """The products of linear layers and head in one rank's step, attention's not included."""
        tokens, d = self.sequences * self.context, self.width
        layer = [(3 * d, d), (d, d), (4 * d, d), (d, 4 * d)]
        blocks = [product for n, k in layer for product in products_of(tokens, n, k, self.layers)]
        return blocks + products_of(tokens, self.vocabulary, d, 1, transposed=True)

    @property
    def attention_flops(self) -> int:
        """Of attention's two products over the causal half, forward and backward, in one step.

        Forward, a token's two products take `context * width` multiplications a layer on
        average; backward takes twice as many.
        """
        tokens = self.sequences * self.context
        return 3 * 2 * tokens * self.layers * self.context * self.width

    @property
    def flops(self) -> int:
        """Of all matrix products in one rank's step."""
        return self.attention_flops + sum(p.flops * p.count for p in self.products())

    def tokens(self, layout: Layout) -> int:
        """In an optimiser step of all ranks."""
        return layout.ranks * self.sequences * self.context


CASES = {
    case.name: case
    for case in [
        Case("tiny", 4, 4, 128, 64, 12, 65, 10, 60, 40, 0.06),
        Case("small", 6, 6, 384, 256, 8, 65, 2, 8, 4, 1.5),
        Case("gpt2", 12, 12, 768, 256, 4, 50257, 2, 3, 2, 9),
        Case("gpt2-long", 12, 12, 768, 1024, 1, 50257, 2, 3, 2, 9),
    ]
}

LAYOUTS = [Layout(1, 1), Layout(1, 2), Layout(2, 1)]
