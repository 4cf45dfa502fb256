"""Links to a payer's own page: signed and expiring; whoever has one acts for that customer on that page only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from runtime.clock import Clock
from runtime.signed_tokens import LinkError, Signer

LIFETIME_DAYS = 90
MAX_TOKEN_CHARS = 400  # far above what two ids of 64 characters and the signature take
_MOMENT_BYTES = 6  # milliseconds since 1970
_TAG_BYTES = 32
_PURPOSE = b"truedue portal link 2"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Opened(NamedTuple):
    """Whose page a link opens, and since when: whoever ended a customer's links ended those made before."""

    organisation_id: str
    customer_id: str
    made_at: datetime


class ExpiredLinkError(LinkError):
    """The link is one of ours, and its time is over."""


class PortalLinks:
    """Makes and reads links. `key` is the product's own; links that one of `old_keys` signed still open."""

    def __init__(self, key: bytes, clock: Clock, old_keys: Sequence[bytes] = ()) -> None:
        self._signer = Signer((key, *old_keys), purpose=_PURPOSE, tag_bytes=_TAG_BYTES, max_chars=MAX_TOKEN_CHARS)
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
        return self._signer.sign(payload)

    def read(self, token: str) -> Opened:
        """Return whose page a link opens; ExpiredLinkError when its time is over, LinkError when it is not good."""
        opened, expires_at = self._signed(token)
        if expires_at <= self._clock():
            raise ExpiredLinkError
        return opened

    def read_expired(self, token: str) -> Opened:
        """Return whose page a link opened until its time was over; LinkError for any other one."""
        opened, expires_at = self._signed(token)
        if expires_at > self._clock():
            raise LinkError
        return opened

    def _signed(self, token: str) -> tuple[Opened, datetime]:
        """Return what a link of ours says, and when it ends; LinkError for one that we did not make."""
        payload = self._signer.read(token)
        expires, made, named = payload[:_MOMENT_BYTES], payload[_MOMENT_BYTES : 2 * _MOMENT_BYTES], 2 * _MOMENT_BYTES
        ids, size = payload[named + 1 :], payload[named]
        return Opened(ids[:size].decode(), ids[size:].decode(), _read_moment(made)), _read_moment(expires)


def _moment(at: datetime) -> bytes:
    return ((at - _EPOCH) // timedelta(milliseconds=1)).to_bytes(_MOMENT_BYTES, "big")


def _read_moment(raw: bytes) -> datetime:
    return _EPOCH + timedelta(milliseconds=int.from_bytes(raw, "big"))
