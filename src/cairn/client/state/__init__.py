"""What is remembered on this machine: accepted heads, servers' receipt keys, half-done uploads and downloads.

It outlives the process, and is checked before it is trusted. Nothing here opens a chain.
"""
