"""One request to a server, for commands that look at it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Final

from cairn.cli.failures import Exit, Failure

_TIMEOUT_SECONDS: Final = 10.0
_ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
_START: Final = "start one with `cairn serve`, or name another with --server"


def ask(server: str, path: str, token: str | None = None, *, is_json: bool = True) -> tuple[int, Any]:
    """The status and body of a GET, also of one that was refused.

    Raises:
        Failure: no answer, or none of a Cairn server.
    """
    return _send(_request(server, path, token), server, is_json=is_json)


def post(server: str, path: str, document: Any, token: str | None = None) -> tuple[int, Any]:
    """The status and body of a POST of JSON, likewise."""
    request = _request(server, path, token, json.dumps(document).encode())
    request.add_header("Content-Type", "application/json")
    return _send(request, server)


def _request(server: str, path: str, token: str | None, body: bytes | None = None) -> urllib.request.Request:
    if not server.startswith(("http://", "https://")):
        raise Failure("--server takes a URL", "such as http://127.0.0.1:8420", Exit.USAGE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return urllib.request.Request(server + path, body, headers)  # noqa: S310  # checked above


def _send(request: urllib.request.Request, server: str, *, is_json: bool = True) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            code, body = answer.status, answer.read(_ANSWER_BYTES_MAX)
    except urllib.error.HTTPError as error:
        code, body = error.code, error.read(_ANSWER_BYTES_MAX)
    except OSError as error:
        raise Failure(f"no answer from {server}: {_why(error)}", _START, Exit.UNREACHABLE) from None
    try:
        return code, json.loads(body) if is_json else body.decode("utf-8", "replace")
    except ValueError:
        raise Failure("this is not a Cairn server", "check --server", Exit.UNREACHABLE) from None


def _why(error: OSError) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason).lower()
