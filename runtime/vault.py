"""Tokens at rest: AES-256-GCM, bound to what they are for."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
KEY_VERSION = 1


class VaultError(Exception):
    """A stored secret cannot be opened: TRUEDUE_KEY is another one, or the row was tampered with."""


class Vault:
    """Seals and opens short secrets. A secret sealed for one purpose cannot be opened for another."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, *purpose: str) -> bytes:
        """Encrypt `secret` so that only the same `purpose` opens it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), _bind(purpose))

    def open(self, sealed: bytes, *purpose: str) -> str:
        """Decrypt; VaultError when the key, the purpose or the bytes are not those of the sealing."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bind(purpose)).decode()
        except (InvalidTag, ValueError):  # ValueError: cut shorter than a nonce
            raise VaultError(
                "a stored token cannot be decrypted: set TRUEDUE_KEY to the key it was sealed with, or connect again"
            ) from None


def _bind(purpose: tuple[str, ...]) -> bytes:
    return b"\0".join(part.encode() for part in purpose)
