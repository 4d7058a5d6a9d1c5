"""Cairn: a backend that keeps encrypted blocks and signed chains, and reads neither."""

__version__ = "0.1.0"
