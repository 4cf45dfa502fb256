"""Take a webhook: verify the raw body, store its notices, answer. Nothing else happens before the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from connectors import registry
from connectors.contract import Notice, Role
from runtime.app import App
from runtime.store import queues

MAX_BODY_BYTES = 1_048_576
# A ledger allows few calls and tells of each of our own writes: its notices of one moment are read in one call.
LEDGER_SETTLES_IN = timedelta(seconds=1)


class BadSignatureError(Exception):
    """The body is not signed with our secret: answer 401 and change nothing."""


def take_webhook(app: App, *, system: str, headers: Mapping[str, str], body: bytes) -> int:
    """Store each notice of a webhook once and wake the workers. Returns how many were new.

    A signed body that cannot be read is stored as well, set aside: it is visible and never lost.
    BadSignatureError when the signature does not hold (or no secret is set).
    """
    declaration = registry.declaration(system)
    secret = app.settings.webhook_secret(system)
    now = app.clock()
    lower = {name.lower(): value for name, value in headers.items()}
    if not secret or len(body) > MAX_BODY_BYTES or not declaration.verify(secret, lower, body, now):
        raise BadSignatureError
    try:
        notices = declaration.notices(body)
        problem = None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        notices = [Notice("", hashlib.sha256(body).hexdigest(), None, "", None)]
        problem = f"the body cannot be read: {error}"
    settle = LEDGER_SETTLES_IN if declaration.role is Role.LEDGER else timedelta(0)
    rows = [
        {
            "system": system,
            "account": notice.account,
            "event_id": notice.event_id,
            "kind": notice.kind.value if notice.kind else None,
            "external_id": notice.external_id,
            "body": body,
            "received_at": now,
            "state": queues.ASIDE if problem else queues.NEW,
            "attempts": 0,
            "next_at": now + settle,
            "problem": problem,
        }
        for notice in notices
    ]
    with app.store.write() as db:
        stored = queues.store_notices(db, rows)
    if stored:
        app.wake(settle.total_seconds())
    return stored
