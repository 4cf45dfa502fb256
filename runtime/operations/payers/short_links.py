"""Short addresses of payers' own pages, for where a signed link is too long: kept, not signed, and as hard to guess."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import Connection, select, update

from runtime.app import App
from runtime.portal_links import LIFETIME_DAYS
from runtime.signed_tokens import LinkError
from runtime.store import tables as t
from runtime.store.rows import insert_new

CODE_BYTES = 12  # 96 bits: nobody guesses one, and a text has room for it
MAX_CODE_CHARS = 32
PATH = "/t/"


def short_link(app: App, db: Connection, *, organisation_id: str, customer_id: str, reminder_id: str) -> str:
    """Return the address for one reminder: the same one however often the message is written."""
    row = {
        "code": secrets.token_urlsafe(CODE_BYTES),
        "organisation_id": organisation_id,
        "customer_id": customer_id,
        "reminder_id": reminder_id,
        "expires_at": app.clock() + timedelta(days=LIFETIME_DAYS),
    }
    insert_new(db, t.short_link, [row], keys=["reminder_id"])
    mine = (t.short_link.c.reminder_id == reminder_id) & (t.short_link.c.organisation_id == organisation_id)
    code = db.scalar(select(t.short_link.c.code).where(mine))
    db.execute(update(t.short_link).where(mine).values(expires_at=row["expires_at"], customer_id=customer_id))
    return f"{app.settings.public_url.rstrip('/')}{PATH}{code}"


def sample_link(app: App) -> str:
    """Return an address as long as each of them, which leads nowhere."""
    return f"{app.settings.public_url.rstrip('/')}{PATH}{'AbCdEfGhIjKlMnOp'}"


def portal_token(app: App, code: str) -> str:
    """Return the token of the page that a short address leads to, an expired one when its time is over.

    LinkError when it never led anywhere.
    """
    if len(code) > MAX_CODE_CHARS:
        raise LinkError
    with app.store.read() as db:
        row = db.execute(select(t.short_link).where(t.short_link.c.code == code)).first()
    now = app.clock()
    if row is None:
        raise LinkError
    # The page's own link lasts for as long as this one has left, a day at least; of what has expired less than none.
    left = (row.expires_at - now).days
    left = max(1, left) if row.expires_at > now else left
    links = app.portal_links()
    made_at = row.expires_at - timedelta(days=LIFETIME_DAYS)
    return links.link(row.organisation_id, row.customer_id, lifetime_days=left, made_at=made_at)
