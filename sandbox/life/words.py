"""What is said: disputes, promises, and what sales people change in the CRM."""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.life.debts import Debt, Source
from sandbox.life.firm import Firm
from sandbox.life.hands import Acts, Hands
from sandbox.life.payments import pay
from sandbox.life.trade import move_due_date
from sandbox.world.bank import reference_to

_PROMISE_KEPT, _SAME_FIELD = 0.5, 0.5


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
    days = hands.rng.randint(1, 5)
    on = hands.today() + timedelta(days=days)
    _set_promise(hands, firm, debt, on)
    if hands.rng.random() < _PROMISE_KEPT:
        hands.later(timedelta(days=days - 1), "promise kept", lambda: _keep(hands, firm, debt))
    return f"{debt.number} by {on}"


def _keep(hands: Hands, firm: Firm, debt: Debt) -> str:
    if not hands.owed(debt) or hands.is_touched(debt):
        return f"{firm.key}: nothing is left to pay on {debt.number} as promised"
    text = reference_to(debt.invoice, hands.rng)
    told = pay(hands, firm, firm.customer_of(debt), [debt], amount=hands.owed(debt), text=text)
    return f"{firm.key}: paid as promised: {told}"


def _pause(hands: Hands, firm: Firm) -> str | None:
    """A CRM user tells the product to leave an invoice alone for some days."""
    debt = hands.shown_in_crm(firm)
    record = firm.crm.invoice(debt.invoice) if debt is not None else None
    if debt is None or record is None or firm.took_over(firm.customer_of(debt)):
        return None
    until = hands.today() + timedelta(days=hands.rng.randint(2, 8))
    firm.crm.org.create(
        "TrueDue_Instruction__c",
        Account__c=record["Account__c"],
        Invoice__c=record["Id"],
        Action__c="pause",
        Until__c=until.isoformat(),
    )
    hands.note(firm, debt, Source.INSTRUCTIONS, holds="paused", until=until)
    return f"{debt.number} until {until}"


def _extend(hands: Hands, firm: Firm) -> str | None:
    debt = hands.shown_in_crm(firm)
    if debt is None:
        return None
    on = hands.today() + timedelta(days=hands.rng.randint(2, 20))
    _move_due_date(hands, firm, debt, on)
    return f"{debt.number} to {on}"


def _edit_in_both(hands: Hands, firm: Firm) -> str | None:
    """Two people change the same invoice at once, neither seeing what the other does: one field, or two."""
    debt = hands.shown_in_crm(firm)
    if debt is None:
        return None
    on = hands.today() + timedelta(days=hands.rng.randint(2, 20))
    move_due_date(hands, firm, debt, on)
    if hands.rng.random() < _SAME_FIELD:
        other = on + timedelta(days=hands.rng.randint(1, 9))
        _move_due_date(hands, firm, debt, other)
        return f"{debt.number} to {on} and to {other}"
    _set_promise(hands, firm, debt, on)
    return f"{debt.number} to {on}, and promised for it"


def _move_due_date(hands: Hands, firm: Firm, debt: Debt, on: date) -> None:
    record = firm.crm.due_on(debt.invoice)
    shown = date.fromisoformat(record) if record else None
    if on == shown:
        return  # as in the ledger
    beside = hands.overlooks(firm, debt, shown)
    firm.crm.edit_invoice(debt.invoice, Due_Date__c=on.isoformat())
    hands.note(firm, debt, Source.CRM, due_on=on, beside=beside, instead_of=shown)


def _set_promise(hands: Hands, firm: Firm, debt: Debt, on: date) -> None:
    firm.crm.edit_invoice(debt.invoice, Promised_On__c=on.isoformat())
    hands.note(firm, debt, Source.CRM, holds="promised", until=on)


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
    "extend in the CRM": (6, _extend),
    "pause": (3, _pause),
    "edit in both": (3, _edit_in_both),
    "correct an address": (2, _correct_address),
}
