"""What late invoices have come to by law or contract: proposals for a person, invoice by invoice, never posted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from receivables.money import Money
from reminders.late_payment import LateCharge, LatePaymentError, PartPaid, Rate, Regime, late_charge, regime_of
from runtime.operations.errors import InputError
from runtime.operations.open_items import open_documents
from runtime.operations.replay import owed_of, payments_of
from runtime.operations.views.standing import standings
from runtime.store.connections import Organisation
from sync.links import is_registered, plain_name


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an invoice has come to. Without a charge, `why_not` says what stands in the way."""

    item_id: str
    number: str
    customer_id: str
    customer_name: str
    open_amount: Money
    days_overdue: int
    charge: LateCharge | None
    why_not: str = ""


def propose_charges(
    db: Connection,
    organisation: Organisation,
    *,
    now: datetime,
    rates: Sequence[Rate],
    contract: Regime | None = None,
    businesses: Collection[str] = (),
) -> list[Proposed]:
    """Work out every truly due invoice by the contract, or by the law of the organisation's country.

    Only businesses are charged: customers whose name bears a registered legal form, and those named in `businesses`
    (ids). What is contested, paid, on its way or held for any other reason about the debt itself is left out.
    InputError where the country has no law to go by and no contract is named, or a reference rate is missing.
    """
    regime = contract or regime_of(organisation.country)
    if regime is None:
        raise InputError(f"no law of {organisation.country} is known: give the contract's rate with --contract-rate")
    standing = standings(db, organisation, now=now)
    due = {item_id: each for item_id, each in standing.invoices.items() if each.truly_due}
    documents = {
        each.document.document_id: each
        for each in open_documents(db, organisation.id)
        if each.document.document_id in due
    }
    payments = payments_of(db, organisation)
    today = now.astimezone(organisation.zone).date()
    found = []
    for item_id, each in sorted(documents.items(), key=lambda pair: (pair[1].document.due_on, pair[0])):
        document, money = each.document, payments.get(item_id, ())
        is_business = document.customer_id in businesses or is_registered(plain_name(each.customer_name))
        charge = None
        if is_business:
            try:
                charge = late_charge(
                    regime=regime,
                    debt=owed_of(each, money),
                    due_on=document.due_on,
                    until=today,
                    rates=rates,
                    paid=tuple(PartPaid(part.amount, part.paid_on) for part in money),
                )
            except LatePaymentError as error:
                raise InputError(f"invoice {document.number}: {error}") from None
        found.append(
            Proposed(
                item_id=item_id,
                number=document.number,
                customer_id=document.customer_id,
                customer_name=each.customer_name,
                open_amount=due[item_id].open_amount,
                days_overdue=due[item_id].days_overdue,
                charge=charge,
                why_not="" if is_business else "nothing says that this customer is a business",
            )
        )
    return found
