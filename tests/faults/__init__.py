"""Faults on real processes: kills, power cuts, disk errors, a full disk, flipped bytes, and who may see plaintext."""
