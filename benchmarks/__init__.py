"""Benchmarks: ``python -m benchmarks`` compares chainrule with other libraries; ``python -m benchmarks.NAME`` prints other figures.

The README names the command beside each figure.
"""
