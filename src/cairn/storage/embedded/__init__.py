"""The Store of one machine, on LMDB."""
