"""Digits as people draw them, read by the two networks that the page trains: ``python -m benchmarks.drawn_digits``."""
