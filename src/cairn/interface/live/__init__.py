"""/v1/live: `events.py` as an event stream, `socket.py` as a WebSocket; both follow chains by `feeds.py`."""
