"""Stable identities: the same thing seen twice, in any order, gets the same id."""

from __future__ import annotations

import hashlib

_DIGEST_BYTES = 12  # 96 bits: a collision among a billion ids has a chance below 1e-10


def stable_id(prefix: str, *parts: str) -> str:
    """Return `prefix_` and a digest of `parts`; equal parts give equal ids, and no joining makes two lists equal."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return f"{prefix}_{digest.hexdigest()}"
