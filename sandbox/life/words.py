"""What is said: disputes, promises, and what sales people change in the CRM."""

from __future__ import annotations

from datetime import timedelta

from sandbox.life.debts import Source
from sandbox.life.firm import Firm
from sandbox.life.hands import Acts, Hands


def _contest(hands: Hands, firm: Firm) -> str | None:
    debt = hands.shown_in_crm(firm)
    if debt is None:
        return None
    firm.crm.edit_invoice(debt.invoice, Disputed__c=True, Dispute_Reason__c="Two boxes arrived damaged")
    hands.note(firm, debt, Source.CRM, holds="disputed")

    def settled() -> str:
        firm.crm.edit_invoice(debt.invoice, Disputed__c=False, Dispute_Reason__c=None)
        hands.note(firm, debt, Source.CRM, frees="disputed")
        return f"{firm.key}: the dispute about {debt.number} is settled"

    hands.later(timedelta(days=hands.rng.randint(1, 6)), "dispute settled", settled)
    return debt.number


def _promise(hands: Hands, firm: Firm) -> str | None:
    debt = hands.shown_in_crm(firm)
    if debt is None:
        return None
    on = hands.today() + timedelta(days=hands.rng.randint(1, 5))
    firm.crm.edit_invoice(debt.invoice, Promised_On__c=on.isoformat())
    hands.note(firm, debt, Source.CRM, holds="promised", until=on)
    return f"{debt.number} by {on}"


def _extend(hands: Hands, firm: Firm) -> str | None:
    debt = hands.shown_in_crm(firm)
    if debt is None:
        return None
    on = hands.today() + timedelta(days=hands.rng.randint(2, 20))
    firm.crm.edit_invoice(debt.invoice, Due_Date__c=on.isoformat())
    hands.note(firm, debt, Source.CRM, due_on=on)
    return f"{debt.number} to {on}"


def _correct_address(hands: Hands, firm: Firm) -> str | None:
    reachable = [each for each in hands.customers(firm) if each.reachable and each.parent is None]
    if not reachable:
        return None
    customer = hands.rng.choice(reachable)
    box, _, host = (customer.email or "").partition("@")
    stem, _, number = box.partition("+")
    email = f"{stem}+{int(number or 0) + 1}@{host}"
    firm.crm.edit_email(customer, email)
    customer.change_email(email)
    return f"{customer.name} at {email}"


ACTS: Acts = {
    "contest": (7, _contest),
    "promise": (7, _promise),
    "extend in the CRM": (3, _extend),
    "correct an address": (2, _correct_address),
}
