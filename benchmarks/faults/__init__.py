"""Campaigns of faults: what a training, a file or a process survives, tried often; ``python -m benchmarks.faults``."""
