"""Layer 2: keeps near. Blocks in memory and on disk, between the interface and the storage."""
