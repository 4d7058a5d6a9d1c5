"""Objects of any size, on any BlockStore: `objects.py` is what a program holds.

It works by `upload.py`, `download.py` and `removal.py`.
"""
