"""What everything is made of: blocks, entries, the two protocols. Pure: no socket, file, clock or randomness."""
