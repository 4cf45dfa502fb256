"""Webhook signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.signature import STRIPE_TOLERANCE_SECONDS, hmac_base64_matches, stripe_matches
from tests.shared import shared_specs

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)


def stripe_header(secret: str, body: bytes, at: datetime) -> str:
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def test_intuit_s_published_vector() -> None:
    vector = json.loads((shared_specs() / "intuit" / "webhook_signature_vector.json").read_text())
    token, body, signature = vector["verifier_token"], vector["body"].encode(), vector["intuit_signature"]
    assert hmac_base64_matches(token, body, signature)
    assert not hmac_base64_matches(token, body + b"\n", signature)
    assert not hmac_base64_matches(token[:-1], body, signature)
    assert not hmac_base64_matches(token, body, signature.rstrip("="))


@given(st.text(max_size=80))
def test_no_text_passes_for_a_signature(text: str) -> None:
    assert not hmac_base64_matches("secret", b"body", text)
    assert not stripe_matches("secret", b"body", text, NOW)


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=STRIPE_TOLERANCE_SECONDS))
def test_a_stripe_signature_is_good_for_its_body_and_time(body: bytes, age: int) -> None:
    header = stripe_header("secret", body, NOW - timedelta(seconds=age))
    assert stripe_matches("secret", body, header, NOW)
    assert stripe_matches("secret", body, "v1=00," + header, NOW)  # while a secret is rolled there are two
    assert not stripe_matches("secret", body + b" ", header, NOW)
    assert not stripe_matches("other", body, header, NOW)
    late = stripe_header("secret", body, NOW - timedelta(seconds=STRIPE_TOLERANCE_SECONDS + 1))
    assert not stripe_matches("secret", body, late, NOW)


def test_a_stripe_header_has_one_time() -> None:
    header = stripe_header("secret", b"body", NOW)
    assert not stripe_matches("secret", b"body", f"t=1,{header}", NOW)
    assert not stripe_matches("secret", b"body", header.replace("v1=", "v0="), NOW)
