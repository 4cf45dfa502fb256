"""Which invoices a payer may pay with a discount: by the policy of the day, or as they were told before.

What somebody was told stands, whatever becomes of the policy, while the invoice is whole: nothing of it paid, credited
or changed. It is kept when it is first told, in a message or on the payer's page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select

from receivables.discount import DiscountOffer
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.policy import DunningPolicy
from runtime.app import App
from runtime.operations.discounts.follow import offer_in
from runtime.operations.discounts.states import OFFERED
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.reaching.by_mail import place_of
from runtime.operations.reminding.debtors import policies_for
from runtime.operations.reminding.policies import current
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks, insert_new
from sync.links import is_registered, plain_name


@dataclass(frozen=True, slots=True)
class Offered:
    """A discount on an invoice, with the name of the policy that offers it; `is_told`: its payer knows of it."""

    document: OpenDocument
    offer: DiscountOffer
    policy: str
    is_told: bool

    @property
    def to_pay(self) -> Money:
        """What the payer pays instead of the whole."""
        return self.document.open_amount - self.offer.amount


def offers_of(
    db: Connection, organisation: Organisation, document_ids: Collection[str], *, now: datetime
) -> dict[str, Offered]:
    """Return the discounts that stand now, by invoice: businesses only, whole invoices only, until their last day."""
    if not organisation.discounts_on:
        return {}
    whole = {each.document.document_id: each for each in _whole(db, organisation.id, document_ids)}
    told = {row.document_id: row for row in _told(db, organisation.id, whole)}
    found = {
        document_id: Offered(whole[document_id], offer_in(row), row.policy, is_told=True)
        for document_id, row in told.items()
        if row.state == OFFERED and row.total_minor == whole[document_id].document.total.minor
    }
    new = [each for document_id, each in whole.items() if document_id not in told]
    found |= {each.document.document.document_id: each for each in _by_policy(db, organisation, new, now)}
    return {document_id: each for document_id, each in found.items() if now < each.offer.ends_at}


def keep_offers(db: Connection, organisation_id: str, offers: Collection[Offered], *, now: datetime) -> None:
    """Remember what a payer is told from now on; what they were told before stays as it was."""
    rows = [
        {
            "organisation_id": organisation_id,
            "document_id": each.document.document.document_id,
            "customer_id": each.document.document.customer_id,
            "currency": each.offer.amount.currency,
            "total_minor": each.document.document.total.minor,
            "amount_minor": each.offer.amount.minor,
            "last_on": each.offer.last_on,
            "ends_at": each.offer.ends_at,
            "policy": each.policy,
            "offered_at": now,
            "state": OFFERED,
        }
        for each in offers
        if not each.is_told
    ]
    if rows:
        insert_new(db, t.discount, rows, keys=["organisation_id", "document_id"])


def offer_on_page(app: App, organisation_id: str, document_ids: Collection[str]) -> Mapping[str, Offered]:
    """Return what the payer's page offers, kept before it is shown."""
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        found = {} if organisation is None else offers_of(db, organisation, document_ids, now=app.clock())
    if any(not each.is_told for each in found.values()):
        with app.store.write() as db:
            keep_offers(db, organisation_id, found.values(), now=app.clock())
    return found


_discount, _document = t.discount.c, t.document.c
_ORGANISATION = bindparam("organisation_id", type_=_discount.organisation_id.type)
_STANDING = (
    select(t.discount)
    .join(t.document, (_document.id == _discount.document_id) & (_document.organisation_id == _ORGANISATION))
    .where(
        _discount.organisation_id == _ORGANISATION,
        _discount.state == OFFERED,
        _document.status == DocumentStatus.OPEN.value,
        _document.total_minor == _discount.total_minor,
        _document.balance_minor == _document.total_minor,
    )
)


def standing_offers(db: Connection, organisation_id: str) -> dict[str, DiscountOffer]:
    """Return every discount that was told and not taken yet, by invoice, also those whose time is over.

    Money that came in time may become known later.
    """
    return {row.document_id: offer_in(row) for row in db.execute(_STANDING, {"organisation_id": organisation_id})}


def _whole(db: Connection, organisation_id: str, document_ids: Collection[str]) -> list[OpenDocument]:
    return [
        each
        for each in open_documents(db, organisation_id, document_ids=document_ids)
        if each.document.kind is DocumentKind.INVOICE
        and each.document.status is DocumentStatus.OPEN
        and each.open_amount
        and each.open_amount == each.document.total
    ]


def _told(db: Connection, organisation_id: str, document_ids: Collection[str]) -> Sequence[Row[tuple[object, ...]]]:
    mine = t.discount.c.organisation_id == organisation_id
    return [
        row
        for chunk in chunks(sorted(document_ids))
        for row in db.execute(select(t.discount).where(mine, t.discount.c.document_id.in_(chunk)))
    ]


def _by_policy(
    db: Connection, organisation: Organisation, documents: Sequence[OpenDocument], now: datetime
) -> list[Offered]:
    """What the policies that count offer of these invoices."""
    book = current(db, organisation.id).book
    if not documents or not any(choice.policy.early_discount for choice in book.choices):
        return []
    customers = _businesses(db, organisation.id, documents)
    policies = policies_for(db, organisation, book, customer_ids=customers.keys(), now=now)
    found = []
    for each in documents:
        document = each.document
        if document.customer_id not in customers:
            continue
        policy: DunningPolicy = policies.get(document.customer_id, book.default)
        if policy.early_discount is None:
            continue
        _, zone = place_of(organisation, customers[document.customer_id])
        offer = policy.early_discount.offer(
            total=document.total, issued_on=document.issued_on, due_on=document.due_on, time_zone=zone
        )
        if offer is not None:
            found.append(Offered(each, offer, policy.name, is_told=False))
    return found


def _businesses(db: Connection, organisation_id: str, documents: Sequence[OpenDocument]) -> dict[str, str | None]:
    """The country of each customer of these invoices that is a business: of whom a person said so, else by its name."""
    customer = t.customer.c
    wanted = sorted({each.document.customer_id for each in documents})
    return {
        row.id: row.country
        for chunk in chunks(wanted)
        for row in db.execute(
            select(customer.id, customer.name, customer.country, customer.is_business).where(
                customer.organisation_id == organisation_id, customer.id.in_(chunk)
            )
        )
        if (row.is_business if row.is_business is not None else is_registered(plain_name(row.name)))
    }
