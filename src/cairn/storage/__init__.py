"""Layer 3: keeps blocks and chains for good. Each folder is a Store."""
