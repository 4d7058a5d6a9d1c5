"""The link inside TLS: both ends show a certificate of the one authority, or there is no link."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cairn.config import LinkTls
from cairn.core.block import NO_GRANT
from cairn.core.errors import Unavailable
from cairn.core.store import Store
from cairn.interface.peers.link import StoreResponder
from cairn.link import Place, open_answering, open_link
from cairn.storage.memory import memory_store
from cairn.storage.remote import remote_store
from cairn.testing.chains import random_block
from cairn.wire.link import About

KEYS = [b"k" * 32]
PATIENCE_SECONDS = 20.0


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(name, self._key, is_authority=True)
        self.path = folder / f"{name}.ca.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def end(self, name: str, ca: Path | None = None) -> LinkTls:
        """The files of one end, which believes `ca` (else this authority)."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert_path, key_path = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        cert_path.write_bytes(self._sign(name, key).public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return LinkTls(cert=str(cert_path), key=str(key_path), ca=str(ca or self.path))

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@asynccontextmanager
async def linked(server: LinkTls | None, client: LinkTls | None) -> AsyncIterator[Store]:
    responder = StoreResponder(memory_store(), About)
    async with (
        open_answering(Place("127.0.0.1"), KEYS, responder, tls=server) as answering,
        open_link(Place("127.0.0.1", answering.port), KEYS, tls=client, connections=1) as link,
    ):
        yield remote_store(link)


async def test_the_link_works_inside_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    async with linked(authority.end("storage"), authority.end("interface")) as store:
        blocks = [random_block(f"tls {size}", size) for size in (10, 300_000, 1_179_648)]
        for block in blocks:
            assert await store.blocks.put(block, None, NO_GRANT)
        found = await asyncio.gather(*(store.blocks.get(block.id) for block in blocks * 10))
        assert [block.data for block in found] == [block.data for block in blocks * 10]


@pytest.mark.parametrize("case", ["no client certificate", "another authority's client", "a foreign server", "plain"])
async def test_who_is_not_of_the_authority_is_refused(tmp_path: Path, case: str) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    storage, interface = ours.end("storage"), ours.end("interface")
    ends: dict[str, tuple[LinkTls | None, LinkTls | None]] = {
        "no client certificate": (storage, None),
        "another authority's client": (storage, theirs.end("stranger", ours.path)),
        "a foreign server": (theirs.end("impostor", ours.path), interface),
        "plain": (None, interface),
    }
    async with linked(*ends[case]) as store:
        with pytest.raises(Unavailable):
            await store.blocks.get(random_block("refused").id)
