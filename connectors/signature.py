"""Webhook signatures, on the raw body and in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

STRIPE_TOLERANCE_SECONDS = 300


def hmac_base64_matches(secret: str, body: bytes, signature: str) -> bool:
    """Whether `signature` is base64(HMAC-SHA256(body, secret)), as Xero and Intuit sign."""
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, signature.encode())


def stripe_matches(secret: str, body: bytes, header: str, now: datetime) -> bool:
    """Whether a `Stripe-Signature` header (`t=…,v1=…`) signs `body` and is at most 300 s old.

    Source: Stripe's documentation of webhook signatures: v1 = hex(HMAC-SHA256(secret, "t.body")).
    """
    pairs = [part.split("=", 1) for part in header.split(",") if "=" in part]
    stamps = [value for name, value in pairs if name.strip() == "t"]
    if len(stamps) != 1 or not stamps[0].isdecimal() or len(stamps[0]) > 12:  # 12 digits of seconds: year 33,658
        return False
    if now.timestamp() - int(stamps[0]) > STRIPE_TOLERANCE_SECONDS:
        return False
    expected = hmac.new(secret.encode(), stamps[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    signatures = [value for name, value in pairs if name.strip() == "v1"]
    return any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures)
