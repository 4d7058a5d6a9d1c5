"""Front ends: which site a host name means, and its files from an index made beforehand. `sites.py` is in front."""
