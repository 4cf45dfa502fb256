"""Links to a payer's own page: signed and expiring; whoever has one acts for that customer on that page only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.clock import Clock

LIFETIME_DAYS = 90
MAX_TOKEN_CHARS = 400  # far above what two ids of 64 characters and the signature take
_EXPIRY_BYTES = 6
_TAG_BYTES = 32


class LinkError(Exception):
    """The link was changed, was made with another key, or is too old: the payer needs a new one."""


class PortalLinks:
    """Makes and reads links. `key` is the product's own key; the signing key is derived from it (HKDF, RFC 5869).

    Links that one of `old_keys` signed still open.
    """

    def __init__(self, key: bytes, clock: Clock, old_keys: Sequence[bytes] = ()) -> None:
        self._keys = [_signing_key(each) for each in (key, *old_keys)]
        self._clock = clock

    def link(self, organisation_id: str, customer_id: str, *, lifetime_days: int = LIFETIME_DAYS) -> str:
        """Return the token that opens this customer's page for `lifetime_days` from now."""
        expires = int((self._clock() + timedelta(days=lifetime_days)).timestamp())
        organisation, customer = organisation_id.encode(), customer_id.encode()
        payload = (
            expires.to_bytes(_EXPIRY_BYTES, "big") + len(organisation).to_bytes(1, "big") + organisation + customer
        )
        return base64.urlsafe_b64encode(payload + _tag(self._keys[0], payload)).decode().rstrip("=")

    def read(self, token: str) -> tuple[str, str]:
        """Return the organisation's and the customer's id; LinkError when the link is not good (any more)."""
        try:
            if len(token) > MAX_TOKEN_CHARS:
                raise LinkError
            raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise LinkError from None
        payload, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not any(hmac.compare_digest(_tag(key, payload), tag) for key in self._keys):
            raise LinkError
        if int.from_bytes(payload[:_EXPIRY_BYTES], "big") <= self._clock().timestamp():
            raise LinkError
        ids = payload[_EXPIRY_BYTES + 1 :]
        size = payload[_EXPIRY_BYTES]
        return ids[:size].decode(), ids[size:].decode()


def _signing_key(key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"truedue portal link 1").derive(key)


def _tag(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()
