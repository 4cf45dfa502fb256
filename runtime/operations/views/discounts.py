"""The page of early-payment discounts: what waits for a decision, what is offered, what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, select

from receivables.allocation import ResidualKind
from receivables.document import DocumentStatus
from receivables.money import Money
from runtime.operations.discounts.states import GRANTED, OFFERED, REFUSED, WAITING
from runtime.operations.matching.open_items import open_documents
from runtime.operations.systems.treatments import treatments
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_SHOWN = 100  # of each list; whoever decides gets to the rest


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount of an invoice; `opened` is what is open of it now."""

    document_id: str
    number: str
    customer_id: str
    customer_name: str
    total: Money
    amount: Money
    last_on: date
    policy: str
    state: str
    receipt_id: str | None
    paid_on: date | None
    decided_by: str
    decided_at: datetime | None
    opened: Money


@dataclass(frozen=True, slots=True)
class Discounts:
    """`lack` says what must be set before one can be granted; `more` how many wait beside those that are shown."""

    waiting: tuple[Discount, ...]
    more: int
    offered: tuple[Discount, ...]
    decided: tuple[Discount, ...]
    account: str
    lack: str


def discounts_view(db: Connection, organisation: Organisation, *, now: datetime) -> Discounts:
    """Return the page of an organisation. Of an invoice that was settled otherwise, or voided, nothing waits."""
    discount, is_open = t.discount.c, t.document.c.status == DocumentStatus.OPEN.value
    waiting = _read(db, organisation.id, is_open & (discount.state == WAITING), limit=MAX_SHOWN + 1)
    known = treatments(db, organisation.id)
    treatment = known.get(ResidualKind.DISCOUNT)
    return Discounts(
        waiting=waiting[:MAX_SHOWN],
        more=max(0, len(waiting) - MAX_SHOWN),
        offered=_read(db, organisation.id, is_open & (discount.state == OFFERED) & (discount.ends_at > now)),
        decided=_read(db, organisation.id, discount.state.in_((GRANTED, REFUSED))),
        account=treatment.account if treatment else "",
        lack="" if treatment else known.lack(ResidualKind.DISCOUNT),
    )


def _read(
    db: Connection, organisation_id: str, wanted: ColumnElement[bool], *, limit: int = MAX_SHOWN
) -> tuple[Discount, ...]:
    discount, document, customer = t.discount.c, t.document.c, t.customer.c
    rows = db.execute(
        select(t.discount, document.number, customer.name)
        .join(t.document, (document.id == discount.document_id) & (document.organisation_id == organisation_id))
        .outerjoin(t.customer, (customer.id == discount.customer_id) & (customer.organisation_id == organisation_id))
        .where(discount.organisation_id == organisation_id, wanted)
        .order_by(discount.decided_at.desc(), discount.last_on, discount.document_id)
        .limit(limit)
    ).all()
    opened = {
        each.document.document_id: each.open_amount
        for each in open_documents(db, organisation_id, document_ids=[row.document_id for row in rows])
    }
    return tuple(
        Discount(
            document_id=row.document_id,
            number=row.number,
            customer_id=row.customer_id,
            customer_name=row.name or "",
            total=Money(row.total_minor, row.currency),
            amount=Money(row.amount_minor, row.currency),
            last_on=row.last_on,
            policy=row.policy,
            state=row.state,
            receipt_id=row.receipt_id,
            paid_on=row.paid_on,
            decided_by=row.decided_by or "",
            decided_at=row.decided_at,
            opened=opened.get(row.document_id, Money.zero(row.currency)),
        )
        for row in rows
    )
