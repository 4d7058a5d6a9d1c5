"""`cairn status`: is the server well, who may write, how full is it."""

from __future__ import annotations

import time
from typing import Any, Final

from cairn.cli import options
from cairn.cli.asking import ask
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import counted, say, say_json, show_pairs

_CLOCK_SKEW_SECONDS: Final = 30.0


def status(
    server: options.Server = options.SERVER_DEFAULT, grant: options.Grant = None, as_json: options.Json = False
) -> None:
    """Ask a server how it is. Exits with 6 if it is degraded, with 3 if it does not answer."""
    found = _ask_all(server.rstrip("/"), options.read_grant(grant))
    if as_json:
        say_json(found)
    else:
        _say(server, found)
    if found["degraded"]:
        raise Failure("; ".join(found["degraded"]), "see docs/operations.md, and the server's log", Exit.DEGRADED)


def _ask_all(server: str, grant: str | None) -> dict[str, Any]:
    begun = time.perf_counter()
    _, info = ask(server, "/v1/info")
    answered_ms = (time.perf_counter() - begun) * 1_000
    if not isinstance(info, dict) or info.get("name") != "cairn":
        raise Failure("this is no Cairn server, or one of storage alone", "ask an interface", Exit.UNREACHABLE)
    _, ready = ask(server, "/readyz")
    found = {"server": server, "answered_ms": round(answered_ms, 1), "info": info, "layers": ready["layers"]}
    numbers = _metrics(server)
    if numbers:
        found["storage"] = numbers
    if grant:
        code, found["grant"] = ask(server, "/v1/grants/self", grant)
        if code != 200:
            raise Failure(str(found["grant"].get("detail")), "ask the operator for a new grant", Exit.DENIED)
    return {**found, "degraded": _degraded(found)}


def _degraded(found: dict[str, Any]) -> list[str]:
    """What is not as it should be, in words."""
    wrong = [f"{layer}: {state}" for layer, state in found["layers"].items() if state != "ok"]
    storage = found.get("storage", {})
    if storage.get("full"):
        wrong.append("storage: the disk's reserve is reached, writes are refused")
    if storage.get("damaged"):
        wrong.append("storage: damaged blocks were met")
    skew = abs(found["info"]["time_ms"] / 1_000 - time.time())
    if skew > _CLOCK_SKEW_SECONDS:
        wrong.append(f"clock: {skew:.0f} s away from this machine's")
    return wrong


def _say(server: str, found: dict[str, Any]) -> None:
    from cairn.config import format_size

    info, storage = found["info"], found.get("storage")
    pairs = [
        ("server", f"{server}, Cairn {info['version']}, format {info['format']}"),
        ("answers in", f"{found['answered_ms']:.0f} ms"),
        ("who may write", "anyone" if info["admission"] == "open" else "holders of a grant"),
        ("layers", ", ".join(f"{layer} {state}" for layer, state in found["layers"].items())),
    ]
    if storage:
        pairs += [
            (
                "keeps",
                ", ".join(
                    (
                        counted(storage["blocks"], "block"),
                        counted(storage["chains"], "chain"),
                        counted(storage["entries"], "entry", "entries"),
                    )
                ),
            ),
            ("on disk", f"{format_size(storage['file_bytes'])}, {format_size(storage['free_disk_bytes'])} free"),
        ]
    if "grant" in found:
        pairs.append(("grant", _grant_in_words(found["grant"])))
    show_pairs(pairs)
    say()
    say("degraded" if found["degraded"] else "all is well")


def _grant_in_words(grant: dict[str, Any]) -> str:
    from cairn.config import format_size

    used = sum(grant["used"].values())
    quota = format_size(grant["bytes_max"]) if grant["bytes_max"] else "any amount"
    until = time.strftime(", until %Y-%m-%d", time.gmtime(grant["expires"])) if grant["expires"] else ""
    return f"{format_size(used)} of {quota} used{until}"


def _metrics(server: str) -> dict[str, int]:
    """The storage's numbers; none where the server keeps its metrics to itself."""
    code, text = ask(server, "/metrics", is_json=False)
    if code != 200:
        return {}
    prefix = "cairn_storage_"
    lines = [line.removeprefix(prefix).split() for line in text.splitlines() if line.startswith(prefix)]
    return {name: int(float(value)) for name, value in lines if not name.startswith("commit_")}
