"""The node's secret file, and the keys that derive from it.

One 32-byte secret per line, in hex. The first line makes, all lines verify: to change the secret, add the new one last
everywhere, then move it to the front everywhere (docs/operations.md). The same file is on all nodes of a cluster.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from cairn.core.crypto import domain, hkdf
from cairn.core.errors import CairnError

SECRET_BYTES: Final = 32
SECRETS_MAX: Final = 16


class SecretFileError(CairnError):
    """The secret file cannot be used."""

    code = "secret_file"


class NodeSecret:
    """What this node knows and nobody else: it signs receipts and makes grants."""

    def __init__(self, secrets: list[bytes]) -> None:
        if not secrets or len(secrets) > SECRETS_MAX or any(len(secret) != SECRET_BYTES for secret in secrets):
            raise SecretFileError("the secret file holds 1 to 16 lines of 64 hex digits each")
        self._secrets = secrets

    def __repr__(self) -> str:
        return "NodeSecret(…)"

    @classmethod
    def load_or_create(cls, path: Path) -> NodeSecret:
        """Read the file; make it with a fresh secret if it is not there.

        Raises:
            SecretFileError: it is malformed, or others may read it.
        """
        if not path.exists():
            _create(path)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> NodeSecret:
        """Read the file.

        Raises:
            SecretFileError: it is missing, malformed, or others may read it.
        """
        try:
            mode, text = path.stat().st_mode, path.read_text("ascii")
            secrets = [bytes.fromhex(line) for line in text.split()]
        except OSError:
            raise SecretFileError("the secret file cannot be read: check [node] secret_file and its owner") from None
        except ValueError:
            raise SecretFileError("the secret file holds something else than lines of hex digits") from None
        if mode & 0o077:
            raise SecretFileError("the secret file is open to others: run `chmod 600` on it")
        return cls(secrets)

    def keys(self, purpose: str) -> list[bytes]:
        """A 32-byte key per secret, for one purpose: the first makes, all verify."""
        return [hkdf(secret, domain(purpose)) for secret in self._secrets]

    @property
    def receipt_keys(self) -> list[SigningKey]:
        """The Ed25519 keys of receipts: the first signs, the others have signed."""
        return [SigningKey(key) for key in self.keys("receipt")]

    @property
    def admin_token(self) -> str:
        """Who shows this may issue grants and read metrics from afar."""
        return self.tokens("admin")[0]

    def tokens(self, right: str) -> list[str]:
        """The token that gives a right ("admin", "console", "metrics"), per secret: the first is given out."""
        return [f"crn1{right}_" + hkdf(secret, domain("grant") + right.encode()).hex() for secret in self._secrets]


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(os.urandom(SECRET_BYTES).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the name durable, too: grants that the secret made must outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
