"""The Python SDK: keys, and a Store that asks a server."""
