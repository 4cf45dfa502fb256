"""Tokens at rest: AES-256-GCM, bound to what they are for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_VERSION_BITS = 31  # what an integer column holds on both databases


class VaultError(Exception):
    """A stored secret cannot be opened: it was sealed with another key, or the row was tampered with."""


class Vault:
    """Seals and opens short secrets. A secret sealed for one purpose cannot be opened for another.

    Sealed is with `key` only; what `old_keys` sealed still opens. `version` names the key without telling it.
    """

    def __init__(self, key: bytes, old_keys: Sequence[bytes] = ()) -> None:
        self.version = int.from_bytes(hashlib.sha256(key).digest()[:4], "big") & ((1 << _VERSION_BITS) - 1)
        self._cipher = AESGCM(key)
        self._ciphers = (self._cipher, *map(AESGCM, old_keys))

    def seal(self, secret: str, *purpose: str) -> bytes:
        """Encrypt `secret` so that only the same `purpose` opens it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), _bind(purpose))

    def open(self, sealed: bytes, *purpose: str) -> str:
        """Decrypt; VaultError when no key, or not the purpose or the bytes, are those of the sealing."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bind(purpose)).decode()
            except (InvalidTag, ValueError):  # ValueError: cut shorter than a nonce
                continue
        raise VaultError(
            "a stored token cannot be decrypted: set TRUEDUE_KEY (or TRUEDUE_OLD_KEYS) to the key it was sealed with, "
            "or connect again"
        )


def _bind(purpose: tuple[str, ...]) -> bytes:
    return b"\0".join(part.encode() for part in purpose)
