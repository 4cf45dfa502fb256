"""Addresses that nothing is sent to any more, by any channel: what comes back, and what its reader says is not theirs.

A customer with another address is written to again by itself: what is kept is the address, not the customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from receivables.document import DocumentStatus
from reminders.evidence import Channel
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.people.tasks import open_task
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import upsert
from runtime.store.touch import touch_documents

CONTACT_NEEDED = "contact_needed"  # the problem that a person finds another address
Bad = Mapping[tuple[Channel, str], str]
_BAD = select(t.bad_address).where(t.bad_address.c.organisation_id == bindparam("organisation_id"))


def give_up(app: App, *, organisation_id: str, reply: dict[str, Any]) -> None:
    """Write no more to who says that they are the wrong one, and have somebody ask for another contact."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        why = f"{reply['sender']} wrote that they are not the one to write to"
        mark_bad(db, organisation_id, address=reply["sender"], why=why, subject=reply["id"], at=app.clock())


def mark_bad(db: Connection, organisation_id: str, *, address: str, why: str, subject: str, at: datetime) -> list[str]:
    """Send nothing to `address` any more, and ask a person for another. Returns the customers that have it.

    `subject` is what the task is about. The caller has locked the organisation. RefusedError for an unknown one.
    """
    organisation = connections.organisation(db, organisation_id)
    if organisation is None:
        raise RefusedError("there is no such organisation")
    plain = normal(address)
    note_bad(db, organisation_id, channel=Channel.EMAIL, address=plain, why=why, at=at)
    customers = of_address(db, organisation_id, plain)
    documents = db.scalars(
        select(t.document.c.id).where(
            t.document.c.organisation_id == organisation_id,
            t.document.c.customer_id.in_(customers),
            t.document.c.status == DocumentStatus.OPEN.value,
        )
    ).all()
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=documents, why=why, at=at)
    touch_documents(db, organisation_id, documents, at)
    open_task(
        db,
        organisation,
        kind=TaskKind.ANOTHER_CONTACT,
        subject=subject,
        customer_id=customers[0] if len(customers) == 1 else None,
        text=f"{why}. Find out who is, and correct the customer's address in the ledger.",
        at=at,
    )
    for customer_id in customers:
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor="replies",
            action="address_given_up",
            subject=customer_id,
            detail=why,
        )
    return customers


def note_bad(db: Connection, organisation_id: str, *, channel: Channel, address: str, why: str, at: datetime) -> None:
    """Keep that nothing arrives at an address by `channel`, or that it is somebody else's."""
    names = {"organisation_id": organisation_id, "channel": channel.value, "address": normal_of(channel, address)}
    upsert(
        db,
        t.bad_address,
        [names | {"why": why, "found_at": at}],
        keys=["organisation_id", "channel", "address"],
        keep=["found_at"],
    )


def trust_again(db: Connection, organisation_id: str, *, channel: Channel, address: str) -> None:
    """Forget what is said against an address: somebody has looked."""
    bad = t.bad_address.c
    mine = (bad.organisation_id == organisation_id) & (bad.channel == channel.value)
    db.execute(delete(t.bad_address).where(mine, bad.address == normal_of(channel, address)))


def another_is_known(db: Connection, organisation_id: str, customer_id: str, *, channel: Channel, at: datetime) -> None:
    """Ask nobody any more for another address of a customer."""
    subject = f"{customer_id} {channel.value}"
    journal.resolve_problem(db, organisation_id=organisation_id, code=CONTACT_NEEDED, subject=subject, at=at)


def of_address(db: Connection, organisation_id: str, address: str) -> list[str]:
    """Return the customers who are written to at `address`."""
    customer = t.customer.c
    return list(
        db.scalars(
            select(customer.id)
            .where(
                customer.organisation_id == organisation_id,
                func.lower(customer.email) == normal(address),
                customer.deleted.is_(False),
                customer.merged_into.is_(None),
            )
            .order_by(customer.id)
        )
    )


def bad_addresses(db: Connection, organisation_id: str) -> Bad:
    """Return what nothing is sent to, by channel and address, with why."""
    rows = db.execute(_BAD, {"organisation_id": organisation_id})
    return {(Channel(row.channel), row.address): row.why for row in rows}


def normal_of(channel: Channel, address: str) -> str:
    """Return an address of `channel` as it is compared."""
    return normal(address) if channel is Channel.EMAIL else address


def normal(address: str) -> str:
    """Return an address as it is compared."""
    return address.strip().lower()
