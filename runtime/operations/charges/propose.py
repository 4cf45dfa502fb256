"""What late invoices have come to by law or contract, open or paid: proposals for a person, never posted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from receivables.money import Money
from reminders.charges import Ask, Settled, paid_late_on, still_to_ask
from reminders.holds import HoldCode
from reminders.late_payment import LatePaymentError, PartPaid, Rate, Regime, late_charge, regime_of
from runtime.operations.charges.paid_late import charged_when_paid, paid_as_agreed, paid_late
from runtime.operations.errors import InputError
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.reminding.replay import owed_of, payments_of
from runtime.operations.views.standing import Standing, standings
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks
from sync.links import is_registered, plain_name

NO_BUSINESS = "nothing says that this customer is a business"
NOTHING_LEFT = "all that it has come to was charged or waived"


@dataclass(frozen=True, slots=True)
class Proposed:
    """What can be asked for of an invoice. Without `ask`, `why_not` says what stands in the way.

    `paid_on` is the day of the last payment of one that was paid late, None while it is open; `days_late` counts to
    that day, or to today. `is_unknown`: it cannot be worked out, for want of a reference rate or because of what was
    paid.
    """

    item_id: str
    number: str
    customer_id: str
    customer_name: str
    open_amount: Money
    days_late: int
    paid_on: date | None
    ask: Ask | None
    why_not: str = ""
    is_business: bool = True
    is_unknown: bool = False


def propose_charges(
    db: Connection,
    organisation: Organisation,
    *,
    now: datetime,
    rates: Sequence[Rate],
    contract: Regime | None = None,
    businesses: Collection[str] = (),
    document_ids: Collection[str] | None = None,
) -> list[Proposed]:
    """Work out every truly due invoice (or these) by the contract, or by the law of the organisation's country.

    Where a customer's policy says so, also every one that was paid late, not longer ago than PAID_LATE_DAYS. Only
    businesses are charged: customers of whom a person said so, whose name bears a registered legal form, or who are in
    `businesses` (ids). What is contested, on its way, agreed or held for any other reason about the debt itself is left
    out, and so are our own charges: there is no interest on interest. InputError where the country has no law to go by
    and no contract is named.
    """
    regime = contract or regime_of(organisation.country)
    if regime is None:
        raise InputError(f"no law of {organisation.country} is known: name the contract's rate")
    standing = standings(db, organisation, now=now, document_ids=document_ids).invoices
    if document_ids is None:
        paid = paid_late(db, organisation, now=now).document_ids
        standing |= standings(db, organisation, now=now, document_ids=paid).invoices
    late = {item_id: each for item_id, each in standing.items() if each.truly_due or _is_settled(each)}
    documents = _chargeable(db, organisation, late, now)
    payments = payments_of(db, organisation, documents, cash_only=True)
    settled, said = _settled(db, organisation.id, late.keys()), _said(db, organisation.id, documents)
    today = now.astimezone(organisation.zone).date()
    found = []
    for each in documents:
        document, money = each.document, payments.get(each.document.document_id, ())
        parts, paid_on = [PartPaid(part.amount, part.paid_on) for part in money], None
        if not late[document.document_id].truly_due:
            paid_on = paid_late_on(due_on=document.due_on, paid=parts, today=today, country=organisation.country)
            if paid_on is None:
                continue
        until, owed, before = paid_on or today, owed_of(each, money), settled.get(document.document_id, ())
        known = said.get(document.customer_id)
        is_business = known if known is not None else is_registered(plain_name(each.customer_name))
        is_business = is_business or document.customer_id in businesses
        ask, why_not, is_unknown = None, "" if is_business else NO_BUSINESS, False
        if is_business:
            try:
                whole = late_charge(
                    regime=regime, debt=owed, due_on=document.due_on, until=until, rates=rates, paid=parts
                )
                ask = still_to_ask(whole=whole, due_on=document.due_on, until=until, settled=before)
                why_not = "" if ask else NOTHING_LEFT
            except LatePaymentError as error:
                why_not, is_unknown = str(error), True
        found.append(
            Proposed(
                item_id=document.document_id,
                number=document.number,
                customer_id=document.customer_id,
                customer_name=each.customer_name,
                open_amount=late[document.document_id].open_amount,
                days_late=(until - document.due_on).days,
                paid_on=paid_on,
                ask=ask,
                why_not=why_not,
                is_business=is_business,
                is_unknown=is_unknown,
            )
        )
    return found


def _is_settled(standing: Standing) -> bool:
    """Whether nothing is open of a late invoice any more, and nothing else speaks against the debt that it was."""
    codes = {hold.code for hold in standing.holds}
    return standing.days_overdue > 0 and not standing.open_amount and codes <= {HoldCode.SETTLED, HoldCode.CONTACT}


def _chargeable(
    db: Connection, organisation: Organisation, late: Mapping[str, Standing], now: datetime
) -> list[OpenDocument]:
    """These invoices without our own charges, and of those paid the ones whose policy says so and no plan put off."""
    ours = _charges(db, organisation.id, late.keys())
    documents = [
        each
        for each in open_documents(db, organisation.id, document_ids=late.keys())
        if each.document.document_id not in ours
    ]
    payers = {each.document.customer_id for each in documents if not late[each.document.document_id].truly_due}
    charged = charged_when_paid(db, organisation, payers, now=now)
    agreed = paid_as_agreed(db, organisation.id, charged)
    return [
        each
        for each in documents
        if late[each.document.document_id].truly_due
        or (each.document.customer_id in charged and each.document.document_id not in agreed)
    ]


def _settled(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, list[Settled]]:
    """What was decided of each of these invoices before, whatever the ledger answered since."""
    found: defaultdict[str, list[Settled]] = defaultdict(list)
    mine = select(t.charge).where(t.charge.c.organisation_id == organisation_id)
    for chunk in chunks(sorted(document_ids)):
        for row in db.execute(mine.where(t.charge.c.document_id.in_(chunk))):
            interest, fixed = Money(row.interest_minor, row.currency), Money(row.fixed_minor, row.currency)
            found[row.document_id].append(Settled(row.since, row.until, interest, fixed))
    return found


def _charges(db: Connection, organisation_id: str, document_ids: Collection[str]) -> set[str]:
    """Those of these documents that are charges of ours themselves."""
    charge = t.charge.c
    mine = select(charge.charge_document_id).where(charge.organisation_id == organisation_id)
    return {
        document_id
        for chunk in chunks(sorted(document_ids))
        for document_id in db.scalars(mine.where(charge.charge_document_id.in_(chunk)))
    }


def _said(db: Connection, organisation_id: str, documents: Collection[OpenDocument]) -> dict[str, bool]:
    """What people said of these documents' customers: a business, or none."""
    customer = t.customer.c
    return {
        row.id: row.is_business
        for chunk in chunks(sorted({each.document.customer_id for each in documents}))
        for row in db.execute(
            select(customer.id, customer.is_business).where(
                customer.organisation_id == organisation_id, customer.id.in_(chunk), customer.is_business.is_not(None)
            )
        )
    }
