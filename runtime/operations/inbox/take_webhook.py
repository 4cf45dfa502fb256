"""Take a webhook: verify the raw body, read what it tells, store its notices. Nothing else happens before the answer.

`read_webhook` needs no database: a server verifies each and stores many at once (`intake`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors import registry
from connectors.contract import Declaration, Notice, Role
from runtime.app import App
from runtime.store import queues
from runtime.store.engine import Store
from runtime.store.intake import store_notices
from runtime.store.rows import Row

MAX_BODY_BYTES = 1_048_576
# A ledger allows few calls and tells of each of our own writes: its notices of one moment are read in one call.
LEDGER_SETTLES_IN = timedelta(seconds=1)
MAX_NAME_LENGTH = 128  # of an account, event or object; `inbox` has no room for more


class BadSignatureError(Exception):
    """The body is not signed with our secret: answer 401 and change nothing."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """What a signed webhook tells: a row of `inbox` a notice, to be looked at `due_in_seconds` from now."""

    rows: Sequence[Row]
    due_in_seconds: float
    size_bytes: int


def take_webhook(app: App, *, system: str, headers: Mapping[str, str], body: bytes) -> int:
    """Store each notice of a webhook once and wake the workers. Returns how many were new.

    BadSignatureError as `read_webhook` raises it.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    webhook = read_webhook(app, system=system, headers=lower, body=body)
    stored = store_webhooks(app.store, [webhook])
    if stored:
        app.wake(webhook.due_in_seconds)
    return stored


def read_webhook(app: App, *, system: str, headers: Mapping[str, str], body: bytes) -> Webhook:
    """Verify a webhook and read its notices (header names in lower case); nothing is stored yet.

    A signed body that cannot be read becomes a row as well, set aside: it is visible and never lost.
    BadSignatureError when the signature does not hold (or no secret is set).
    """
    declaration = registry.declaration(system)
    secret = app.settings.webhook_secret(system)
    now = app.clock()
    if not secret or len(body) > MAX_BODY_BYTES or not declaration.verify(secret, headers, body, now):
        raise BadSignatureError
    rows, _ = notice_rows(declaration, body, now)
    return Webhook(rows, _settling(declaration).total_seconds(), len(body))


def notice_rows(declaration: Declaration, body: bytes, now: datetime) -> tuple[Sequence[Row], str | None]:
    """Return a row of `inbox` a notice; of a body that cannot be read a single one, set aside, and why."""
    notices, problem = _notices(declaration, body)
    rows = [
        {
            "system": declaration.system,
            "account": notice.account,
            "event_id": notice.event_id,
            "kind": notice.kind.value if notice.kind else None,
            "external_id": notice.external_id,
            "body": b"" if place else body,  # kept once: a webhook of thousands of notices is one body
            "received_at": now,
            "state": queues.ASIDE if problem else queues.NEW,
            "attempts": 0,
            "next_at": now + _settling(declaration),
            "problem": problem,
        }
        for place, notice in enumerate(notices)
    ]
    return rows, problem


def _settling(declaration: Declaration) -> timedelta:
    return LEDGER_SETTLES_IN if declaration.role is Role.LEDGER else timedelta(0)


def store_webhooks(store: Store, webhooks: Sequence[Webhook]) -> int:
    """Store these webhooks in one transaction, all or none. Returns how many notices were new."""
    rows = [row for webhook in webhooks for row in webhook.rows]
    if not rows:
        return 0
    with store.write() as db:
        return store_notices(db, rows)


def _notices(declaration: Declaration, body: bytes) -> tuple[list[Notice], str | None]:
    """Return the notices of a body; one that cannot be read or stored is a single notice of its digest, and why."""
    try:
        notices = declaration.notices(body)
        for notice in notices:
            _require_storable(notice.account, notice.event_id, notice.external_id)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        unreadable = Notice("", hashlib.sha256(body).hexdigest(), None, "", None)
        return [unreadable], f"the body cannot be read: {error}"
    return notices, None


def _require_storable(*names: str) -> None:
    """ValueError for a name that a database refuses; it would come again and again, and hold up what comes after it."""
    for name in names:
        name.encode()  # UnicodeEncodeError, a ValueError, for half a surrogate pair
        if len(name) > MAX_NAME_LENGTH or "\0" in name:
            raise ValueError(f"a name is longer than {MAX_NAME_LENGTH} characters or holds a zero character")
