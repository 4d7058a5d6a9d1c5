"""The protocol between layers and with front ends, sans-IO: HTTP carries it, and so does the link."""
