"""Sales people ask for invoices of what they won, and accountants finish what was drafted for them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from sandbox.life.debts import Debt
from sandbox.life.firm import Firm
from sandbox.life.hands import Acts, Hands
from sandbox.world.model import TrueInvoice, Truth

_WON = "Closed Won"


def _ask(hands: Hands, firm: Firm) -> str | None:
    """Win a deal and ask for its invoice."""
    customer = hands.rng.choice([each for each in hands.customers(firm) if each.key not in firm.archived])
    account, today = customer.crm_account_id, hands.today()
    amount = Decimal(hands.rng.randint(10_000, 900_000)).scaleb(-2)
    opportunity = firm.crm.org.create(
        "Opportunity", Name=f"Deal {len(firm.asked) + 1}", AccountId=account, StageName=_WON, CloseDate=today
    )
    request = firm.crm.org.create(
        "TrueDue_Invoice__c",
        Account__c=account,
        Opportunity__c=opportunity,
        Requested_Amount__c=str(amount),
        Currency__c=customer.currency,
        Due_Date__c=today + timedelta(days=hands.rng.randint(1, 14)),
    )
    firm.asked[request] = amount
    return f"{amount} for {customer.name}"


def _finish(hands: Hands, firm: Firm) -> str | None:
    """Approve the first draft that lies there."""
    number = firm.profile.invoice_number.format(firm.next_number)
    draft = firm.ledger.finish_draft(number)
    if draft is None:
        return None
    firm.next_number += 1
    customer = next(each for each in firm.organisation.customers.values() if each.ledger_id == draft.customer_id)
    invoice = TrueInvoice(
        organisation=firm.key,
        number=number,
        customer=customer.key,
        currency=customer.currency,
        total=draft.total,
        issued_on=draft.issued_on,
        reference="",
        role="life",
        ledger_open=draft.total,
        truth=Truth(draft.total, draft.due_on),
        reachable=customer.reachable,
        ledger_id=draft.invoice_id,
    )
    firm.owe(Debt(invoice, hands.clock()))
    return f"{number} of {draft.total} to {customer.name}, due {draft.due_on}"


ACTS: Acts = {"ask for an invoice": (2, _ask), "finish a draft": (3, _finish)}
