"""Certificates that an operator names by their files."""

from __future__ import annotations

import errno
import ssl
from pathlib import Path


def load_certificate(context: ssl.SSLContext, cert: str, key: str) -> None:
    """Let a context show a certificate (PEM, with those that vouch for it) and hold its key (PEM).

    Raises:
        OSError: one of the files cannot be read; or they are no such pair, or the key has a password.
    """
    for path in (cert, key):
        Path(path).open("rb").close()  # the context would not say which it was
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (ssl.SSLError, _HasPassword):
        what = "these are no certificate and its key, both in PEM, the key without a password"
        raise OSError(errno.EINVAL, what, f"{cert}, {key}") from None


class _HasPassword(Exception):
    pass


def _no_password() -> str:
    """Instead of a question at the terminal, where there may be none."""
    raise _HasPassword
