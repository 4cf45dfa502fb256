"""Payment plans as they stand, and what could be paid by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total
from reminders.holds import HoldCode
from reminders.payment_plan import Instalment, PlanStanding, PlanState, plan_standing
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.payers.pay_by_card import MAX_INVOICES
from runtime.operations.reminding.on_their_way import OnItsWay, on_their_way
from runtime.operations.views.standing import standings
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.connections import Organisation

NO_HINDRANCE = frozenset({HoldCode.CONTACT, HoldCode.PROMISED, HoldCode.PAUSED})  # holds that say nothing of the debt
MAX_A_RUN = 500  # plans that are read at once
MAX_HEAPS = 2_000  # a million plans of one organisation


@dataclass(frozen=True, slots=True)
class Part:
    """What of an instalment is to be paid on one invoice."""

    document_id: str
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with where it stands; `paid` is what was paid of it since it was agreed.

    `coming` is on its way beside that, and has arrived or failed by `comes_by`. `to_pay` is what one payment can pay of
    the instalment ahead.
    """

    plan_id: str
    customer_id: str
    documents: tuple[str, ...]
    debt: Money
    paid: Money
    coming: Money
    comes_by: datetime | None
    instalments: tuple[Instalment, ...]
    state: PlanState
    standing: PlanStanding
    to_pay: tuple[Part, ...]
    consent: str
    agreed_by: str
    agreed_at: datetime
    why: str

    @property
    def to_pay_in_all(self) -> Money:
        """What one payment can pay of the instalment ahead."""
        return total([each.amount for each in self.to_pay], self.debt.currency)

    @property
    def rows(self) -> list[tuple[Instalment, bool, bool]]:
        """Each instalment, whether it is paid in full, and whether it is so with what is on its way."""
        due, found = Money.zero(self.debt.currency), []
        for each in self.instalments:
            due += each.amount
            is_paid = due <= self.paid
            found.append((each, is_paid, not is_paid and due <= self.paid + self.coming))
        return found


@dataclass(frozen=True, slots=True)
class Offer:
    """What a customer could pay in instalments: the overdue invoices of one currency that nothing else holds."""

    documents: tuple[str, ...]
    debt: Money


def offers(
    db: Connection, organisation: Organisation, customer_id: str, *, now: datetime, by_payer: bool = False
) -> list[Offer]:
    """Return what a customer could pay in instalments, by currency: what is overdue, not in doubt, and in no plan.

    A payer alone agrees on no second plan for what they did not keep one: a person talks to them.
    """
    open_ones = open_documents(db, organisation.id, customer_ids=[customer_id])
    documents = {each.document.document_id: each for each in open_ones if each.document.kind is DocumentKind.INVOICE}
    standing = standings(db, organisation, now=now, document_ids=list(documents)).invoices
    barred = (PlanState.RUNNING, PlanState.BROKEN) if by_payer else (PlanState.RUNNING,)
    rows = in_state(db, organisation.id, *barred, customer_id=customer_id)
    planned = {each for row in rows for each in row.documents}
    free = [
        documents[each.document_id]
        for each in standing.values()
        if each.overdue and {hold.code for hold in each.holds} <= NO_HINDRANCE and each.document_id not in planned
    ]
    return [_offer(free, code) for code in sorted({each.open_amount.currency for each in free})]


def _offer(documents: Sequence[OpenDocument], currency: str) -> Offer:
    mine = [each for each in documents if each.open_amount.currency == currency]
    return Offer(
        tuple(each.document.document_id for each in mine), total([each.open_amount for each in mine], currency)
    )


def plans_of(
    db: Connection, organisation: Organisation, *, now: datetime, customer_id: str | None = None, most: int = 100
) -> list[Plan]:
    """Return the plans of a customer, or everybody's, the newest first."""
    plan = t.payment_plan.c
    mine = plan.organisation_id == organisation.id
    if customer_id is not None:
        mine &= plan.customer_id == customer_id
    rows = db.execute(select(t.payment_plan).where(mine).order_by(plan.agreed_at.desc(), plan.id).limit(most)).all()
    return read_plans(db, organisation, [dict(row._mapping) for row in rows], now=now)


def read_plans(
    db: Connection, organisation: Organisation, rows: Sequence[Mapping[str, Any]], *, now: datetime
) -> list[Plan]:
    """Return plans of their rows, judged by what is open of their invoices now, and what of that is on its way."""
    documents = {document_id for row in rows for document_id in row["documents"]}
    found = {each.document.document_id: each for each in open_documents(db, organisation.id, document_ids=documents)}
    opened = {document_id: each.open_amount for document_id, each in found.items()}
    coming = on_their_way(db, organisation, opened, now=now)
    return [_plan(organisation, row, found, coming, now.astimezone(organisation.zone).date()) for row in rows]


def read_plan(db: Connection, organisation: Organisation, row: Mapping[str, Any], *, now: datetime) -> Plan:
    """Return the plan of a row, as `read_plans` does."""
    (plan,) = read_plans(db, organisation, [row], now=now)
    return plan


def _plan(
    organisation: Organisation,
    row: Mapping[str, Any],
    found: Mapping[str, OpenDocument],
    on_the_way: Mapping[str, OnItsWay],
    today: date,
) -> Plan:
    currency = row["currency"]
    debt = Money(row["total_minor"], currency)
    documents = [found[each] for each in row["documents"] if each in found]
    left = total([each.open_amount for each in documents], currency)
    paid = max(debt - left, Money.zero(currency))
    begun = [on_the_way[each] for each in row["documents"] if each in on_the_way]
    coming = total([each.amount for each in begun], currency)
    instalments = tuple(
        Instalment(date.fromisoformat(day), Money(minor, currency)) for day, minor in row["instalments"]
    )
    standing = plan_standing(
        instalments=instalments, paid=paid, coming=coming, today=today, country=organisation.country
    )
    missing = standing.missing or Money.zero(currency)
    return Plan(
        plan_id=row["id"],
        customer_id=row["customer_id"],
        documents=tuple(row["documents"]),
        debt=debt,
        paid=paid,
        coming=coming,
        comes_by=max((each.until for each in begun), default=None),
        instalments=instalments,
        state=PlanState(row["state"]),
        standing=standing,
        to_pay=_parts([each for each in documents if _is_payable(each, row["customer_id"])], on_the_way, missing),
        consent=row["consent"],
        agreed_by=row["agreed_by"],
        agreed_at=row["agreed_at"],
        why=row["why"],
    )


def _is_payable(each: OpenDocument, customer_id: str) -> bool:
    document = each.document
    is_theirs = document.customer_id == customer_id and document.kind is DocumentKind.INVOICE
    return is_theirs and document.status is DocumentStatus.OPEN and document.sent


def _parts(documents: Sequence[OpenDocument], on_the_way: Mapping[str, OnItsWay], missing: Money) -> tuple[Part, ...]:
    """Divide what is missing among the invoices, the oldest first, and never more than is open of one.

    As money for several fills the oldest first, one of which a part is on its way is paid by itself, after the others.
    """
    ordered = sorted(documents, key=lambda each: (each.document.due_on, each.document.document_id))
    untouched = [each for each in ordered if each.document.document_id not in on_the_way][:MAX_INVOICES]
    for chosen in (untouched, *([each] for each in ordered if each.document.document_id in on_the_way)):
        parts, left = [], missing
        for each in chosen:
            document_id = each.document.document_id
            coming = on_the_way.get(document_id)
            amount = min(left, each.open_amount - coming.amount if coming else each.open_amount)
            if amount.minor > 0:
                parts.append(Part(document_id, each.document.number, amount))
                left -= amount
        if parts:
            return tuple(parts)
    return ()


_row = t.payment_plan.c
_IN_STATE = (
    select(t.payment_plan)
    .where(
        _row.organisation_id == bindparam("organisation_id"),
        _row.state.in_(bindparam("states", expanding=True)),
        _row.id > bindparam("after"),
    )
    .order_by(_row.id)
    .limit(MAX_A_RUN)
)
_OF_CUSTOMER_IN_STATE = _IN_STATE.where(_row.customer_id == bindparam("customer_id"))


def in_state(
    db: Connection, organisation_id: str, *states: PlanState, customer_id: str | None = None, after: str = ""
) -> list[Row[Any]]:
    """Return the rows of the next MAX_A_RUN plans in these states by their ids, of one customer or of everybody."""
    wanted = {"organisation_id": organisation_id, "states": [state.value for state in states], "after": after}
    if customer_id is None:
        return list(db.execute(_IN_STATE, wanted))
    return list(db.execute(_OF_CUSTOMER_IN_STATE, wanted | {"customer_id": customer_id}))


def running(db: Connection, organisation_id: str) -> Iterator[Row[Any]]:
    """Yield the rows of every plan that runs."""
    after = ""
    for _ in range(MAX_HEAPS):
        heap = in_state(db, organisation_id, PlanState.RUNNING, after=after)
        yield from heap
        if len(heap) < MAX_A_RUN:
            return
        after = heap[-1].id


def note(
    db: Connection,
    organisation_id: str,
    documents: Sequence[str],
    *,
    action: str,
    detail: str,
    actor: str,
    at: datetime,
) -> None:
    """Note in the history of each invoice of a plan what became of it."""
    for document_id in documents:
        journal.record(
            db, organisation_id=organisation_id, at=at, actor=actor, action=action, subject=document_id, detail=detail
        )
