"""All that comes over the listener's sockets, and what bounds it.

`server.py` serves, `accepting.py` takes connections, `connections.py` guards them, `sending.py` sees to it that nothing
is sent to who takes nothing. `http1.py`, with `heads.py`, and `http2.py`, with its streams, frames and heads, are the
connections; `sockets.py` is for those that become WebSockets. `answering.py` leads from each of them to the App.
"""
