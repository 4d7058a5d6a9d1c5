"""A certificate that cannot be used: it is said which files, and nobody is asked for a password."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cairn.core.certificates import load_certificate

_FORMATS = [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]


def _key(path: Path, kind: serialization.PrivateFormat, password: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, sealed))
    return key


def _certificate(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")]), dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(hours=1))
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


@pytest.fixture
def context() -> ssl.SSLContext:
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)


@pytest.mark.parametrize("kind", _FORMATS)
def test_a_key_of_either_kind(tmp_path: Path, context: ssl.SSLContext, kind: serialization.PrivateFormat) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _certificate(cert, _key(key, kind))
    load_certificate(context, str(cert), str(key))


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, context: ssl.SSLContext, missing: str) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _certificate(cert, _key(key, _FORMATS[0]))
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError) as raised:
        load_certificate(context, str(cert), str(key))
    assert raised.value.filename == str(tmp_path / missing)


@pytest.mark.parametrize("fault", ["password", "another key", "no key", "no certificate"])
def test_what_is_no_pair_is_said(tmp_path: Path, context: ssl.SSLContext, fault: str) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _certificate(cert, _key(key, _FORMATS[0], b"secret" if fault == "password" else None))
    if fault == "another key":
        _key(key, _FORMATS[0])
    elif fault == "no key":
        key.write_bytes(b"no key")
    elif fault == "no certificate":
        cert.write_bytes(b"no certificate")
    with pytest.raises(OSError, match="these are no certificate and its key") as raised:
        load_certificate(context, str(cert), str(key))
    assert raised.value.filename == f"{cert}, {key}"
