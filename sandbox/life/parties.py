"""Customers come, go, come back, are merged, and ask for no more messages."""

from __future__ import annotations

from datetime import timedelta

from sandbox.life.debts import Fact, Source
from sandbox.life.firm import Firm
from sandbox.life.hands import Acts, Hands
from sandbox.world.model import Customer

MIN_CUSTOMERS = 18  # of a firm: below it none is merged any more
_REMEMBERED = 0.5


def _merge(hands: Hands, firm: Firm) -> str | None:
    """Two customers were one all along: merged in the ledger, and mostly in the CRM as well."""
    single = _single(hands, firm)
    if len(single) < MIN_CUSTOMERS:
        return None
    kept, gone = hands.rng.sample(single, 2)
    if kept.currency != gone.currency:
        return None
    firm.ledger.merge(kept, gone)
    firm.merge(kept, gone)
    if hands.rng.random() < _REMEMBERED:
        after = timedelta(hours=hands.rng.randint(0, 40))
        hands.later(after, "accounts merged", lambda: _merge_accounts(firm, kept, gone))
    return f"{gone.name} into {kept.name}"


def _merge_accounts(firm: Firm, kept: Customer, gone: Customer) -> str:
    firm.crm.org.merge("Account", firm.surviving(kept).crm_account_id, gone.crm_account_id)
    return f"{firm.key}: the account of {gone.name} is merged too"


def _archive(hands: Hands, firm: Firm) -> str | None:
    """A customer who owes nothing is put away, and taken up again some days later."""
    owing = {each.invoice.customer for each in firm.unpaid.values()}
    idle = [each for each in _single(hands, firm) if each.key not in owing]
    if not idle:
        return None
    customer = hands.rng.choice(idle)
    firm.ledger.archive(customer)
    firm.archived.add(customer.key)
    firm.wrote(customer)

    def restored() -> str:
        firm.archived.discard(customer.key)
        if customer.key in firm.organisation.customers:
            firm.ledger.restore(customer)
            firm.wrote(customer)
        return f"{firm.key}: {customer.name} is a customer again"

    hands.later(timedelta(days=hands.rng.randint(1, 5)), "customer restored", restored)
    return customer.name


def _opt_out(hands: Hands, firm: Firm) -> str | None:
    """Somebody asks sales for no more messages."""
    customer = hands.rng.choice(_single(hands, firm))
    firm.crm.org.update("Contact", customer.crm_contact_id, HasOptedOutOfEmail=True)
    at = hands.clock()
    firm.silent[customer.key] = Fact(Source.CRM, at, at)
    return customer.name


def _lose_contact(hands: Hands, firm: Firm) -> str | None:
    """A contact is deleted in the CRM, and fetched out of the bin some days later."""
    customer = hands.rng.choice(_single(hands, firm))
    firm.crm.org.delete("Contact", customer.crm_contact_id)

    def undeleted() -> str:
        firm.crm.org.undelete("Contact", customer.crm_contact_id)
        return f"{firm.key}: the contact of {customer.name} is back"

    hands.later(timedelta(days=hands.rng.randint(0, 3), hours=1), "contact undeleted", undeleted)
    return customer.name


def _lose_record(hands: Hands, firm: Firm) -> str | None:
    """Somebody deletes the record of an invoice in the CRM, about which nobody said anything there."""
    debt = hands.pick(firm, lambda each: not any(fact.source is Source.CRM for fact in each.facts))
    record = firm.crm.invoice(debt.invoice) if debt is not None else None
    if debt is None or record is None:
        return None
    firm.crm.org.delete("TrueDue_Invoice__c", str(record["Id"]))
    return debt.number


def _single(hands: Hands, firm: Firm) -> list[Customer]:
    """Customers who can be written to and belong to no group."""
    customers = hands.customers(firm)
    parents = {each.parent for each in customers}
    return [
        each
        for each in customers
        if firm.may_write(each) and each.parent is None and each.key not in parents and each.key not in firm.archived
    ]


ACTS: Acts = {
    "merge customers": (1, _merge),
    "archive": (1, _archive),
    "opt out": (1, _opt_out),
    "lose contact": (1, _lose_contact),
    "lose record": (1, _lose_record),
}
