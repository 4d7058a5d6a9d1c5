"""Requests and answers as handlers see them, and the parts of HTTP (RFC 9110) that handlers share."""
