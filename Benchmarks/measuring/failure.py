"""The error that ends a benchmark with a message instead of a traceback."""


class Failure(Exception):
    """What went wrong, in words for whoever started the benchmark."""
