"""An application of a receipt to items, and the keys of what it writes in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors.intents import AllocateCredit, PostReceipt, WriteDown
from receivables.allocation import Allocation, Residual, ResidualKind
from receivables.identity import stable_id
from receivables.money import Money
from runtime.store import tables as t

Posting = PostReceipt | AllocateCredit | WriteDown
POSTINGS = (PostReceipt, AllocateCredit, WriteDown)


@dataclass(frozen=True, slots=True)
class Application:
    """One receipt set against items, in a unit of work, as its rows say.

    `number` counts how often this receipt has been applied, this time included: each application has keys of its own.
    """

    db: Connection
    receipt: dict[str, Any]
    allocations: Sequence[Allocation]
    residuals: Sequence[Residual]
    unapplied: Money
    customer_id: str
    number: str
    at: datetime

    @property
    def organisation_id(self) -> str:
        """Whose receipt it is."""
        return str(self.receipt["organisation_id"])

    @property
    def key(self) -> str:
        """The key of its posting; those of its credit allocations and write-downs derive from it."""
        return posting_key(self.receipt["id"], self.number)


def posting_key(receipt_id: str, number: str) -> str:
    """Return the key of the posting of a receipt's application of this number."""
    return stable_id("post", receipt_id, number)


def credit_key(application_key: str, credit_external_id: str) -> str:
    """Return the key under which a credit note is allocated for an application."""
    return stable_id("crd", application_key, credit_external_id)


def write_down_key(application_key: str, document_external_id: str, reason: str) -> str:
    """Return the key under which a part of an invoice is written down for an application."""
    return stable_id("wdn", application_key, document_external_id, reason)


def belongs(posting: Posting, receipt_id: str, number: str) -> bool:
    """Whether a posting is one of a receipt's application of this number."""
    key = posting_key(receipt_id, number)
    if isinstance(posting, AllocateCredit):
        key = credit_key(key, posting.credit_external_id)
    elif isinstance(posting, WriteDown):
        key = write_down_key(key, posting.document_external_id, posting.reason)
    return posting.key == key


def owners_of(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, str]:
    """Return the customer of each of these documents that is known."""
    rows = db.execute(
        select(t.document.c.id, t.document.c.customer_id).where(
            t.document.c.organisation_id == organisation_id, t.document.c.id.in_(document_ids)
        )
    )
    return {row.id: row.customer_id for row in rows}


def kept(db: Connection, receipt: dict[str, Any], at: datetime) -> Application:
    """Return the application that stands for a receipt, from the rows it was kept in."""
    standing = db.execute(
        select(t.allocation)
        .where(t.allocation.c.receipt_id == receipt["id"], t.allocation.c.undone_at.is_(None))
        .order_by(t.allocation.c.is_credit, t.allocation.c.id)
    )
    beside = db.execute(
        select(t.residual)
        .where(t.residual.c.receipt_id == receipt["id"], t.residual.c.undone_at.is_(None))
        .order_by(t.residual.c.kind)
    )
    return Application(
        db=db,
        receipt=receipt,
        allocations=[
            Allocation(row.document_id, Money(row.amount_minor, row.currency), is_credit=row.is_credit)
            for row in standing
        ],
        residuals=[Residual(ResidualKind(row.kind), Money(row.amount_minor, row.currency)) for row in beside],
        unapplied=Money(receipt["unapplied_minor"], receipt["currency"]),
        customer_id=receipt["customer_id"],
        number=str(receipt["applications"]),
        at=at,
    )


def proposed_items(body: Mapping[str, Any]) -> list[str]:
    """Return the items that a proposal sets a receipt against; `body` is the one that its row keeps."""
    return [allocation["item_id"] for allocation in body["best"]["allocations"]]


def proposed_amounts(body: Mapping[str, Any]) -> dict[str, Money]:
    """Return what a proposal sets against each debt, with what closes it beside the cash."""
    return {
        each["item_id"]: Money(each["amount"]["minor"], each["amount"]["currency"])
        for each in body["best"]["allocations"]
        if not each["is_credit"]
    }


def items_asked_about(body: Mapping[str, Any]) -> list[str]:
    """Return the items that a person is asked about by a proposal: those proposed, or open in another currency."""
    return proposed_items(body) or list(body.get("foreign", ()))
