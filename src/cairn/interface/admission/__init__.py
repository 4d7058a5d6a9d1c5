"""Who may call, how often, and who pays: `access.py` is what handlers ask."""
