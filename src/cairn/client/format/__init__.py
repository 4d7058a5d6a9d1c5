"""The format's secret half, pure: keys, seals, references, capabilities, and the rule by which a chain is believed.

Values in, values out, as docs/format.md has them; no server, file or task. `secret.py` is where to begin: all keys and
seals are made there. `errors.py` has what a reader finds wrong.
"""
