"""OpenID Connect as the vendors run it: who sits at the browser, id tokens signed with RS256, and the keys to them."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

KEY_BITS = 2048
ID_TOKEN_LIFETIME = timedelta(minutes=5)
Claims = Mapping[str, object]


@dataclass(frozen=True)
class Visitor:
    """Who sits at the browser, and so signs in and consents."""

    subject: str
    email: str
    given_name: str
    family_name: str
    email_verified: bool = True


SOMEBODY = Visitor("8f0c1f7e-0f52-4d9c-a1de-6f4b1c5d0001", "sam.keeper@example.com", "Sam", "Keeper")


def new_key() -> RSAPrivateKey:
    """Make a key."""
    return generate_private_key(public_exponent=65_537, key_size=KEY_BITS)


@cache
def house_key() -> RSAPrivateKey:
    """Return the key that the stand-ins of this process share: making one takes longer than signing much."""
    return new_key()


@dataclass
class Signer:
    """Signs id tokens. `visitor` is who signs in next."""

    visitor: Visitor = SOMEBODY
    key_id: str = field(default_factory=lambda: secrets.token_hex(8))
    key: RSAPrivateKey = field(default_factory=house_key)

    def sign(self, claims: Claims) -> str:
        """Return `claims` as a signed token (RFC 7515, compact)."""
        head = {"alg": "RS256", "kid": self.key_id, "typ": "JWT"}
        text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{text}.{_encoded(self.key.sign(text.encode(), PKCS1v15(), SHA256()))}"

    def keys(self) -> dict[str, object]:
        """Return the public key as a set of keys (RFC 7517)."""
        numbers = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id}
        return {"keys": [key | {"n": _number(numbers.n), "e": _number(numbers.e)}]}


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
