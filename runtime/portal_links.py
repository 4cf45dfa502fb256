"""Links to a payer's own page: signed and expiring; whoever has one acts for that customer on that page only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.clock import Clock

LIFETIME_DAYS = 90
MAX_TOKEN_CHARS = 400  # far above what two ids of 64 characters and the signature take
_MOMENT_BYTES = 6  # milliseconds since 1970
_TAG_BYTES = 32
_PURPOSE = b"truedue portal link 2"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LinkError(Exception):
    """The link was changed, was made with another key, or is too old: the payer needs a new one."""


class Opened(NamedTuple):
    """Whose page a link opens, and since when: whoever ended a customer's links ended those made before."""

    organisation_id: str
    customer_id: str
    made_at: datetime


class PortalLinks:
    """Makes and reads links. `key` is the product's own key; the signing key is derived from it (HKDF, RFC 5869).

    Links that one of `old_keys` signed still open.
    """

    def __init__(self, key: bytes, clock: Clock, old_keys: Sequence[bytes] = ()) -> None:
        self._keys = [signing_key(each, _PURPOSE) for each in (key, *old_keys)]
        self._clock = clock

    def link(
        self,
        organisation_id: str,
        customer_id: str,
        *,
        lifetime_days: int = LIFETIME_DAYS,
        made_at: datetime | None = None,
    ) -> str:
        """Return the token that opens this customer's page for `lifetime_days` from now.

        `made_at` is given where the link stands for an earlier one: it ends with that.
        """
        now = self._clock()
        organisation, customer = organisation_id.encode(), customer_id.encode()
        payload = (
            _moment(now + timedelta(days=lifetime_days))
            + _moment(made_at or now)
            + len(organisation).to_bytes(1, "big")
            + organisation
            + customer
        )
        return base64.urlsafe_b64encode(payload + _tag(self._keys[0], payload)).decode().rstrip("=")

    def read(self, token: str) -> Opened:
        """Return whose page a link opens; LinkError when it is not good (any more)."""
        try:
            if len(token) > MAX_TOKEN_CHARS:
                raise LinkError
            raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise LinkError from None
        payload, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not any(hmac.compare_digest(_tag(key, payload), tag) for key in self._keys):
            raise LinkError
        expires, made, named = payload[:_MOMENT_BYTES], payload[_MOMENT_BYTES : 2 * _MOMENT_BYTES], 2 * _MOMENT_BYTES
        if _read_moment(expires) <= self._clock():
            raise LinkError
        ids, size = payload[named + 1 :], payload[named]
        return Opened(ids[:size].decode(), ids[size:].decode(), _read_moment(made))


def _moment(at: datetime) -> bytes:
    return ((at - _EPOCH) // timedelta(milliseconds=1)).to_bytes(_MOMENT_BYTES, "big")


def _read_moment(raw: bytes) -> datetime:
    return _EPOCH + timedelta(milliseconds=int.from_bytes(raw, "big"))


def signing_key(key: bytes, purpose: bytes) -> bytes:
    """Return the key that links of one purpose are signed with."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)


def _tag(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()
