"""Look into the mailbox that payers answer to, and store what is new."""

from __future__ import annotations

from sqlalchemy import select, update

from connectors.channels.mailbox import Place
from connectors.errors import ConnectorError
from runtime.app import App
from runtime.operations.payers.replies.act import act_on_sure_ones
from runtime.operations.payers.replies.take_mail import read_stored_mails, store_mail
from runtime.store import tables as t
from runtime.store.rows import upsert

MAX_READINGS = 20  # of one look; what is left is taken by the next
SOURCE = "imap"


def look_after_mail(app: App) -> int:
    """Take in what came, read it, and act on what is sure. Returns how many mails and replies that were."""
    return poll_mailbox(app) + read_stored_mails(app) + act_on_sure_ones(app)


def poll_mailbox(app: App) -> int:
    """Store the mails that came since the last look; nothing where no mailbox is set up. Returns how many were new.

    The first look stores none: what lay there before is no answer to us. Where we are is kept after the mails are, so
    a crash between reads them again, and each counts once. A mailbox that cannot be read says why in `truedue doctor`.
    """
    if app.mailbox is None:
        return 0
    name, new = app.mailbox_name, 0
    with app.turns.take(f"mailbox {name}") as is_ours:
        for _ in range(MAX_READINGS if is_ours else 0):
            try:
                reading = app.mailbox.read(_place(app, name), today=app.clock().date())
            except ConnectorError as error:
                _note(app, name, str(error))
                return new
            new += sum(store_mail(app, raw, source=SOURCE) for raw in reading.mails)
            _keep(app, name, reading.place)
            if reading.is_all:
                break
    return new


def _place(app: App, name: str) -> Place | None:
    with app.store.read() as db:
        row = db.execute(select(t.mailbox).where(t.mailbox.c.name == name, t.mailbox.c.numbering > 0)).first()
    return Place(row.numbering, row.last) if row is not None else None


def _keep(app: App, name: str, place: Place) -> None:
    row = {"name": name, "numbering": place.numbering, "last": place.last, "read_at": app.clock(), "problem": ""}
    with app.store.write() as db:
        upsert(db, t.mailbox, [row], keys=["name"])


def _note(app: App, name: str, problem: str) -> None:
    with app.store.write() as db:
        known = db.execute(update(t.mailbox).where(t.mailbox.c.name == name).values(problem=problem))
        if not known.rowcount:
            row = {"name": name, "numbering": 0, "last": 0, "read_at": app.clock(), "problem": problem}
            upsert(db, t.mailbox, [row], keys=["name"])
