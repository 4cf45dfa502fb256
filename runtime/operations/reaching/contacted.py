"""How often people heard from us lately: one person, whoever of our customers they read or answer for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, bindparam, func, select, true, union_all

from reminders.evidence import ContactEvidence
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.bad_addresses import normal
from runtime.operations.reaching.shared_limit import contacts_elsewhere, wait_for_the_others
from runtime.operations.reminding.withdraw import HANDING, IN_DOUBT, NO_ANSWER, SENT
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index, chunks

_WEEK = timedelta(days=7)
_MAY_HAVE_LEFT = (HANDING, IN_DOUBT, SENT, NO_ANSWER)
# A kind of courtesy that counts for nothing: who has an old link could ask for one daily, and keep reminders back.
NEW_LINK = "new_link"
# What was sent, with its key: a message, a thank-you, what is sent beside reminders.
_SENT = ((t.reminder.c, "id"), (t.thanks.c, "receipt_id"), (t.courtesy.c, "id"))
_COUNTS = (true(), true(), beside_an_index(t.courtesy.c.kind) != NEW_LINK)


def _left(*given: ColumnElement[bool]) -> CompoundSelect[Any]:
    """What left since an instant, of each table what is `given` of it."""
    return union_all(
        *(
            select(sent[key].label("id"), sent.customer_id, sent.sent_at, sent.recipient).where(
                sent.organisation_id == bindparam("organisation_id"),
                beside_an_index(sent.state).in_(_MAY_HAVE_LEFT),
                beside_an_index(sent.sent_at) > bindparam("since"),
                counts,
                wanted,
            )
            for (sent, key), counts, wanted in zip(_SENT, _COUNTS, given, strict=True)
        )
    )


_TO_CUSTOMERS = _left(*(sent.customer_id.in_(bindparam("customer_ids", expanding=True)) for sent, _ in _SENT))
_TO_ADDRESSES = _left(*(func.lower(sent.recipient).in_(bindparam("addresses", expanding=True)) for sent, _ in _SENT))


@dataclass(frozen=True, slots=True)
class Contact:
    """A message that left, or may have, in the last seven days."""

    message_id: str
    customer_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Contacts:
    """What left in seven days, by customer and by the address that it went to, as addresses are compared."""

    by_customer: Mapping[str, Sequence[Contact]]
    by_address: Mapping[str, Sequence[Contact]]
    elsewhere: Mapping[str, Sequence[datetime]]  # by the owner's other organisations that share the limit

    def of(self, customer_id: str, address: str | None) -> list[Contact]:
        """Return what a customer, or whoever is reached at `address`, got; each message once, the last one last."""
        theirs = self.by_customer.get(customer_id, ())
        there = self.by_address.get(normal(address), ()) if address else ()
        return sorted({each.message_id: each for each in (*theirs, *there)}.values(), key=lambda each: each.at)

    def of_others(self, address: str | None) -> Sequence[datetime]:
        """Return when the owner's other organisations contacted `address`."""
        return self.elsewhere.get(normal(address or ""), ())


def contacts(
    db: Connection,
    organisation: Organisation,
    *,
    customer_ids: Collection[str],
    addresses: Collection[str],
    now: datetime,
) -> Contacts:
    """Return what left in the seven days to `now`: to these customers, and to these addresses for any customer."""
    by_customer: defaultdict[str, list[Contact]] = defaultdict(list)
    by_address: defaultdict[str, list[Contact]] = defaultdict(list)
    which = {"organisation_id": organisation.id, "since": now - _WEEK}
    for chunk in chunks(sorted(customer_ids)):
        for row in db.execute(_TO_CUSTOMERS, which | {"customer_ids": list(chunk)}):
            by_customer[row.customer_id].append(Contact(row.id, row.customer_id, row.sent_at))
    for chunk in chunks(sorted({normal(each) for each in addresses})):
        for row in db.execute(_TO_ADDRESSES, which | {"addresses": list(chunk)}):
            by_address[normal(row.recipient)].append(Contact(row.id, row.customer_id, row.sent_at))
    own = {each.message_id for some in (*by_customer.values(), *by_address.values()) for each in some}
    elsewhere = contacts_elsewhere(db, organisation, addresses=addresses, but=own, now=now)
    return Contacts(by_customer, by_address, elsewhere)


def count_contacts(db: Connection, organisation_id: str, contact: ContactEvidence, *, now: datetime) -> int:
    """Return how often a contact heard from us in the seven days to `now`, as it is counted for a decision."""
    organisation, address = connections.organisation(db, organisation_id), contact.address or ""
    if organisation is None:
        raise RefusedError("there is no such organisation")
    wait_for_the_others(db, organisation, address)
    left = contacts(db, organisation, customer_ids=[contact.recipient_id], addresses=[address], now=now)
    return len(left.of(contact.recipient_id, address)) + len(left.of_others(address))
