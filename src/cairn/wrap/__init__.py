"""Store to Store: what surrounds a Store without entering it."""
