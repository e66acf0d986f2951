"""What the benchmarks share: cases, processors, child processes, and how each side is run.

The standard library alone: PyTorch and its like are loaded only by the programs in `peers`.
"""
