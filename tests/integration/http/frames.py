"""HTTP/2 frames by hand (RFC 9113), for what no library would send."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Frame = tuple[int, int, bytes]
"""A frame that came: its kind, stream and payload."""

DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def fields(*pairs: tuple[str, str]) -> bytes:
    """A header block of literals without Huffman coding (RFC 7541, 6.2.2); each under 127 bytes."""
    return b"".join(
        b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode() for name, value in pairs
    )


def request(method: str, path: str, *more: tuple[str, str]) -> bytes:
    """The header block of a request."""
    return fields((":method", method), (":scheme", "http"), (":path", path), (":authority", "a.test"), *more)


def certificate(folder: Path) -> dict[str, str]:
    """A new certificate for localhost, signed by itself, and its key: as the setting `tls` names them."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False).sign(key, None)
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"cert": str(folder / "cert.pem"), "key": str(folder / "key.pem")}


def client_context(folder: Path, protocol: str = "h2") -> ssl.SSLContext:
    """What trusts that certificate, and asks for one protocol."""
    context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    context.set_alpn_protocols([protocol])
    return context


async def talk(port: int, context: ssl.SSLContext, sent: bytes, is_enough: int = HEADERS) -> list[Frame]:
    """Send the preface and frames; the frames that come, up to one of a kind on a stream, or the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    got = []
    try:
        writer.write(PREFACE + frame(SETTINGS, 0, 0, b"") + sent)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                stream = int.from_bytes(head[5:9], "big")
                got.append((head[3], stream, payload))
                if stream and head[3] == is_enough:
                    return got
        return got
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):  # the latter: more came after this end was closed
            await writer.wait_closed()
