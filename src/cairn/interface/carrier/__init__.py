"""Granian, and all that bounds what comes over its sockets: `server.py` carries requests, `sockets.py` WebSockets.

`connections.py` sees what Granian does not tell, by way of the kernel; `body.py` bounds what comes of a body.
"""
