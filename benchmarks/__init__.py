"""Figures that the README quotes, each printed by a command of its own: ``python -m benchmarks.NAME``."""
