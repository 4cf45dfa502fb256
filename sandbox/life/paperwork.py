"""What is not finished in the office: invoices that were not sent yet, credit that is set against nothing yet."""

from __future__ import annotations

from datetime import timedelta

from sandbox.life.debts import Source
from sandbox.life.firm import Credit, Firm
from sandbox.life.hands import Acts, Hands
from sandbox.life.trade import sell

NOT_SENT = "not_sent"


def _sell_unsent(hands: Hands, firm: Firm) -> str | None:
    """An invoice is written and sent to the customer days later: until then nobody has to pay it."""
    told = sell(hands, firm)
    if told is None:
        return None
    debt = next(reversed(firm.debts.values()))
    firm.ledger.mark_sent(debt.invoice, False)
    hands.note(firm, debt, Source.LEDGER, holds=NOT_SENT)

    def send() -> str:
        firm.ledger.mark_sent(debt.invoice, True)
        hands.note(firm, debt, Source.LEDGER, frees=NOT_SENT)
        return f"{firm.key}: {debt.number} is sent to the customer"

    hands.later(timedelta(days=hands.rng.randint(1, 6), hours=hands.rng.randint(0, 12)), "invoice sent", send)
    return told


def _credit_in_full(hands: Hands, firm: Firm) -> str | None:
    """The oldest invoice of a customer is credited by a note that nobody sets against it yet."""
    debt = hands.unheld(firm)
    if debt is None:
        return None
    customer = firm.customer_of(debt)
    currency = debt.invoice.currency
    open_there = (each for each in firm.unpaid.values() if each.invoice.customer == customer.key)
    theirs = [each for each in open_there if each.invoice.currency == currency]
    oldest = min(theirs, key=lambda each: (each.invoice.due_on, each.number))
    number = f"CN-{oldest.number}-{len(firm.credits) + 1}F"
    note = firm.ledger.keep_credit(customer, oldest.invoice.total, currency, number, hands.today())
    firm.credits.append(Credit(customer.key, currency, note, hands.clock()))
    firm.credit_to(customer, oldest.invoice.total, currency)
    return f"{oldest.invoice.total} to {customer.name} for {oldest.number}"


ACTS: Acts = {
    "sell and send later": (3, _sell_unsent),
    "credit in full": (2, _credit_in_full),
}
