"""What is compared beside training, one module each with a `run(bench)` that yields results."""
