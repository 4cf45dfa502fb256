"""The address that a ledger's pay-now button leads to: it names an organisation, and nobody can make one up.

It stands in the ledger for years, so it does not expire; the organisation's switch ends it. It opens no invoice by
itself: whoever comes must bring the number and the exact amount of one.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtime.signed_tokens import Signer

MAX_TOKEN_CHARS = 200  # far above what an id of 64 characters and the signature take
_PURPOSE = b"truedue pay button 1"
_TAG_BYTES = 16


class ButtonLinks:
    """Makes and reads these addresses. `key` is the product's own; those that one of `old_keys` signed still open."""

    def __init__(self, key: bytes, old_keys: Sequence[bytes] = ()) -> None:
        self._signer = Signer((key, *old_keys), purpose=_PURPOSE, tag_bytes=_TAG_BYTES, max_chars=MAX_TOKEN_CHARS)

    def token(self, organisation_id: str) -> str:
        """Return what stands for an organisation."""
        return self._signer.sign(organisation_id.encode())

    def read(self, token: str) -> str:
        """Return the organisation's id; LinkError for what we did not make."""
        return self._signer.read(token).decode()
