"""Money that somebody booked by hand since it was matched: the ledger is asked before it is posted.

A person may book a bank line at any moment, or a card payment that waits, and no webhook of Xero's tells of payments.
So before bank money or money that has waited is written, changed invoices are read, unless that was just done: a
balance that the payments we know do not explain has the payments read. What is found is recorded and not posted a
second time. Of money that was applied before, a balance tells nothing, because whoever deleted its posting may have
booked it otherwise: there payments are read in any case.
Money that was coded straight to an account shows in no balance, and is read for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from connectors.errors import ConnectorError, Reconnect, Retry
from connectors.intents import Outcome, PostReceipt
from connectors.records import Kind
from runtime.app import App
from runtime.operations.applying.posted import documents_of
from runtime.operations.matching.booked_late import ask_about_late_bookings
from runtime.operations.matching.recognise import BOOKED_BY_PEOPLE_AFTER, recognise_applied
from runtime.operations.matching.unknown_payments import paid_beyond_known
from runtime.operations.systems.loss import noting_loss
from runtime.operations.systems.pull import pull
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.intake import ask_to_read
from runtime.store.links import local_ids
from runtime.store.rows import chunks

# How long what was read counts as known: whoever works through a hundred lines does not cost a hundred readings.
KNOWN_FOR: Mapping[Kind, timedelta] = {Kind.INVOICE: timedelta(seconds=15), Kind.CODED_RECEIPT: timedelta(minutes=1)}
Row = dict[str, Any]


def read_bookings(app: App, connection: VendorConnection, rows: Sequence[Row]) -> Mapping[int, Outcome]:
    """Read what people booked, where these rows post such money. Returns why some of them cannot be written now.

    What cannot be asked about waits: it is tried again as if its own call had failed, and nothing of it was written.
    """
    with app.store.read() as db:
        posts = _bookable(db, connection.organisation_id, rows, app.clock())
    if not posts:
        return {}
    try:
        with noting_loss(app, connection):
            _read(app, connection, posts)
    except ConnectorError as error:
        waits = error if isinstance(error, Retry | Reconnect) else Retry(f"its bookings cannot be read: {error}")
        return dict.fromkeys((row["id"] for row, _ in posts), _unwritten(waits))
    return {}


def _read(app: App, connection: VendorConnection, posts: Sequence[tuple[Row, PostReceipt]]) -> None:
    organisation_id, now = connection.organisation_id, app.clock()
    with app.store.read() as db:
        known_at = {kind: connections.watermark(db, connection.id, kind) for kind in KNOWN_FOR}
    pull(app, connection, kinds=[kind for kind, at in known_at.items() if at is None or at < now - KNOWN_FOR[kind]])
    named = {line.document_external_id for _, posting in posts for line in posting.lines}
    with app.store.read() as db:
        documents = local_ids(db, organisation_id, connection.system, named)
        is_unread = paid_beyond_known(db, organisation_id, documents)
        is_again = _applied_before(db, organisation_id, [row["subject"] for row, _ in posts])
    if is_unread or is_again:
        pull(app, connection, kinds=(Kind.PAYMENT,))


def _applied_before(db: Connection, organisation_id: str, receipt_ids: Sequence[str]) -> bool:
    again = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.applications > 1)
    return any(
        db.scalar(select(t.receipt.c.id).where(again, t.receipt.c.id.in_(ids)).limit(1)) is not None
        for ids in chunks(receipt_ids)
    )


def leave_to_the_ledger(db: Connection, connection: VendorConnection, rows: Sequence[Row], now: datetime) -> None:
    """Take back what these rows would post and somebody booked: the ledger's own booking stands.

    Its invoices are read again, because what they show as open may be older than the booking.
    """
    posts = _bookable(db, connection.organisation_id, rows, now)
    subjects = [row["subject"] for row, _ in posts]
    booked = recognise_applied(db, connection.organisation_id, subjects, now)
    ask_about_late_bookings(db, connection.organisation_id, set(subjects) - booked, now)
    objects = [each for row, posting in posts if row["subject"] in booked for each in documents_of(posting)]
    if objects:
        ask_to_read(
            db,
            system=connection.system,
            account=connection.account.external_id,
            objects=objects,
            because=f"booked by hand, known at {now.isoformat()}",
            at=now,
        )


def _unwritten(error: Retry | Reconnect) -> Outcome:
    """A reading that failed has no effect, however its answer was lost."""
    if isinstance(error, Retry) and error.ambiguous:
        return Retry(str(error), after_seconds=error.after_seconds)
    return error


def _bookable(
    db: Connection, organisation_id: str, rows: Sequence[Row], now: datetime
) -> list[tuple[Row, PostReceipt]]:
    """The postings of money that a person may have booked: all but a processor's that came a moment ago."""
    intents = ((row, queues.read_intent(row)) for row in rows)
    posts = [(row, intent) for row, intent in intents if isinstance(intent, PostReceipt)]
    found: set[str] = set()
    for ids in chunks(sorted({row["subject"] for row, _ in posts})):
        mine = (t.receipt.c.organisation_id == organisation_id) & t.receipt.c.id.in_(ids)
        has_waited = t.receipt.c.noticed_at < now - BOOKED_BY_PEOPLE_AFTER
        by_people = (t.receipt.c.source == "bank") | (t.receipt.c.applications > 1) | has_waited
        found.update(db.scalars(select(t.receipt.c.id).where(mine, by_people)))
    return [each for each in posts if each[0]["subject"] in found]
