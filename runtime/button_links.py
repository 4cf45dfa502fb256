"""The address that a ledger's pay-now button leads to: it names an organisation, and nobody can make one up.

It stands in the ledger for years, so it does not expire; the organisation's switch ends it. It opens no invoice by
itself: whoever comes must bring the number and the exact amount of one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from runtime.portal_links import LinkError, signing_key

MAX_TOKEN_CHARS = 200  # far above what an id of 64 characters and the signature take
_PURPOSE = b"truedue pay button 1"
_TAG_BYTES = 16


class ButtonLinks:
    """Makes and reads these addresses. `key` is the product's own; those that one of `old_keys` signed still open."""

    def __init__(self, key: bytes, old_keys: Sequence[bytes] = ()) -> None:
        self._keys = [signing_key(each, _PURPOSE) for each in (key, *old_keys)]

    def token(self, organisation_id: str) -> str:
        """Return what stands for an organisation."""
        payload = organisation_id.encode()
        return base64.urlsafe_b64encode(payload + _tag(self._keys[0], payload)).decode().rstrip("=")

    def read(self, token: str) -> str:
        """Return the organisation's id; LinkError for what we did not make."""
        try:
            if len(token) > MAX_TOKEN_CHARS:
                raise LinkError
            raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise LinkError from None
        payload, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not any(hmac.compare_digest(_tag(key, payload), tag) for key in self._keys):
            raise LinkError
        return payload.decode()


def _tag(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()[:_TAG_BYTES]
