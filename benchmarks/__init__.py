"""Cairn beside bare and established servers, in one run on one machine. `python -m benchmarks --help`."""
