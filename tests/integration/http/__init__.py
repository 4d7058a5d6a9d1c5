"""The HTTP API over sockets: a real server, and clients that mean harm or have bad luck."""
