"""Chains in plaintext, on any ChainStore: `chain.py` is what a program holds.

It reads by `history.py` and `keyring.py`, and appends by `writer.py`.
"""
