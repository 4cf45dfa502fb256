"""What every declared system must satisfy before a call is made; a new connector passes it by being registered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from connectors import registry
from connectors.contract import Declaration
from connectors.intents import Intent
from connectors.records import Kind

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
BODIES = (b"", b"{}", b'{"events":[]}', b"\x00\xff", b'[{"id":"1"}]')
GARBAGE = (b"", b"no json", b"\xff\xfe", b"7", b'"text"', b"{}", b'{"events":7}', b'[{"type":"x"}]', b"[7]", b"null")
SIGNATURE_HEADERS = ("x-xero-signature", "intuit-signature", "stripe-signature", "x-truedue-key")
SIGNATURES = ("", "AAAA", "not base64 é", "t=1,v1=00", "t=,v1=", "=" * 44)


def findings(declaration: Declaration) -> list[str]:
    """Say what is wrong with a declaration; nothing when it conforms."""
    return [
        *_shape(declaration),
        *_limits(declaration),
        *_oauth(declaration),
        *_webhooks(declaration),
    ]


def _shape(declaration: Declaration) -> list[str]:
    found = []
    if not declaration.reads or len(set(declaration.reads)) != len(declaration.reads):
        found.append("reads are empty or repeated")
    if not all(isinstance(kind, Kind) for kind in declaration.reads):
        found.append("reads hold something that is no kind")
    if not set(declaration.writes) <= set(get_args(Intent)):
        found.append("writes hold something that is no intent")
    if not declaration.title.strip() or declaration.system not in registry.SYSTEMS:
        found.append("it has no title or is not registered under its name")
    if Kind.INVOICE in declaration.reads and Kind.CUSTOMER in declaration.reads:
        order = [kind for kind in declaration.reads if kind in (Kind.CUSTOMER, Kind.INVOICE)]
        if order[0] is not Kind.CUSTOMER:
            found.append("a first load needs customers before their invoices")
    if not 1 <= declaration.fetch_batch <= 1000:
        found.append("fetch_batch is out of bounds")
    return found


def _limits(declaration: Declaration) -> list[str]:
    if not declaration.limits:
        return ["it declares no limits"]
    return [
        f"limit {limit} leaves nothing for work that is not urgent, or has no window"
        for limit in declaration.limits
        if not (limit.calls > limit.reserve >= 0 and limit.seconds > 0)
    ]


def _oauth(declaration: Declaration) -> list[str]:
    shape = declaration.oauth
    paths = (shape.authorize_path, shape.token_path, shape.revoke_path)
    found = [f"path {path!r} does not start with a slash" for path in paths if not path.startswith("/")]
    return [*found, *(["scopes are missing"] if declaration.system != "stripe" and not shape.scopes else [])]


def _webhooks(declaration: Declaration) -> list[str]:
    found = []
    for body in BODIES:
        for signature in SIGNATURES:
            headers = dict.fromkeys(SIGNATURE_HEADERS, signature)
            if declaration.verify("a secret", headers, body, NOW):
                found.append(f"the signature {signature!r} is accepted")
        if declaration.verify("a secret", {}, body, NOW):
            found.append("a body without a signature is accepted")
    for body in GARBAGE:
        try:
            declaration.notices(body)
        except ValueError:
            continue
        except Exception as error:
            found.append(f"notices({body!r}) raised {error!r} instead of ValueError")
        else:
            found.append(f"notices({body!r}) was read")
    return found
