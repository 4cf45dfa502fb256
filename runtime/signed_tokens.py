"""Tokens for addresses: what one says can be read by anybody, and nobody without the product's key can make one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class LinkError(Exception):
    """The link was changed, was made with another key, or is too old: the payer needs a new one."""


class Signer:
    """Makes and reads the tokens of one `purpose`. `keys` are the product's own, the one that signs first.

    Each purpose has a key of its own, derived from the product's (HKDF, RFC 5869), so that no token serves another.
    """

    def __init__(self, keys: Sequence[bytes], *, purpose: bytes, tag_bytes: int, max_chars: int) -> None:
        self._keys = [_derived(key, purpose) for key in keys]
        self._tag_bytes = tag_bytes
        self._max_chars = max_chars

    def sign(self, payload: bytes) -> str:
        """Return the token that says `payload`."""
        return base64.urlsafe_b64encode(payload + self._tag(self._keys[0], payload)).decode().rstrip("=")

    def read(self, token: str) -> bytes:
        """Return what a token says; LinkError for one that we did not make."""
        try:
            if len(token) > self._max_chars:
                raise LinkError
            raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise LinkError from None
        payload, tag = raw[: -self._tag_bytes], raw[-self._tag_bytes :]
        if not any(hmac.compare_digest(self._tag(key, payload), tag) for key in self._keys):
            raise LinkError
        return payload

    def _tag(self, key: bytes, payload: bytes) -> bytes:
        return hmac.new(key, payload, hashlib.sha256).digest()[: self._tag_bytes]


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
