"""What late invoices have come to by law or contract: proposals for a person, invoice by invoice, never posted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from receivables.money import Money
from reminders.charges import Ask, Settled, still_to_ask
from reminders.late_payment import LatePaymentError, PartPaid, Rate, Regime, late_charge, regime_of
from reminders.replay import PastMoney
from runtime.operations.errors import InputError
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.reminding.replay import owed_of, payments_of
from runtime.operations.views.standing import standings
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks
from sync.links import is_registered, plain_name

NO_BUSINESS = "nothing says that this customer is a business"
NOTHING_LEFT = "all that it has come to was charged or waived"


@dataclass(frozen=True, slots=True)
class Proposed:
    """What can be asked for of an invoice. Without `ask`, `why_not` says what stands in the way.

    `is_unknown`: it cannot be worked out, for want of a reference rate or because of what was paid.
    """

    item_id: str
    number: str
    customer_id: str
    customer_name: str
    open_amount: Money
    days_overdue: int
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

    Only businesses are charged: customers of whom a person said so, whose name bears a registered legal form, or who
    are in `businesses` (ids). What is contested, paid, on its way, agreed or held for any other reason about the debt
    itself is left out, and so are our own charges: there is no interest on interest. InputError where the country has
    no law to go by and no contract is named.
    """
    regime = contract or regime_of(organisation.country)
    if regime is None:
        raise InputError(f"no law of {organisation.country} is known: name the contract's rate")
    standing = standings(db, organisation, now=now, document_ids=document_ids)
    due = {item_id: each for item_id, each in standing.invoices.items() if each.truly_due}
    documents = open_documents(db, organisation.id, document_ids=due.keys())
    payments, settled = payments_of(db, organisation, documents), _settled(db, organisation.id, due.keys())
    ours, said = _charges(db, organisation.id, due.keys()), _said(db, organisation.id, documents)
    today = now.astimezone(organisation.zone).date()
    found = []
    for each in documents:
        document = each.document
        if document.document_id in ours:
            continue
        known = said.get(document.customer_id)
        is_business = known if known is not None else is_registered(plain_name(each.customer_name))
        is_business = is_business or document.customer_id in businesses
        ask, why_not, is_unknown = None, "" if is_business else NO_BUSINESS, False
        if is_business:
            try:
                ask = _ask(regime, each, payments.get(document.document_id, ()), settled, rates=rates, today=today)
                why_not = "" if ask else NOTHING_LEFT
            except LatePaymentError as error:
                why_not, is_unknown = str(error), True
        found.append(
            Proposed(
                item_id=document.document_id,
                number=document.number,
                customer_id=document.customer_id,
                customer_name=each.customer_name,
                open_amount=due[document.document_id].open_amount,
                days_overdue=due[document.document_id].days_overdue,
                ask=ask,
                why_not=why_not,
                is_business=is_business,
                is_unknown=is_unknown,
            )
        )
    return found


def _ask(
    regime: Regime,
    each: OpenDocument,
    money: Collection[PastMoney],
    settled: dict[str, list[Settled]],
    *,
    rates: Sequence[Rate],
    today: date,
) -> Ask | None:
    document = each.document
    whole = late_charge(
        regime=regime,
        debt=owed_of(each, money),
        due_on=document.due_on,
        until=today,
        rates=rates,
        paid=tuple(PartPaid(part.amount, part.paid_on) for part in money),
    )
    return still_to_ask(whole=whole, due_on=document.due_on, until=today, settled=settled.get(document.document_id, ()))


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
