"""Selling, and what an accountant changes on an invoice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.life.debts import Debt, Source
from sandbox.life.firm import Firm
from sandbox.life.hands import CENT, Acts, Hands
from sandbox.world.model import Customer, TrueInvoice, Truth

TERMS_DAYS = (0, 1, 3, 7, 14, 30)
# A customer whose money comes within a week is not late; others are at times so many times as late as usual.
PUNCTUAL_DAYS, LATEST = 7, 5


def sell(hands: Hands, firm: Firm) -> str | None:
    """Sell to somebody."""
    if len(firm.unpaid) >= firm.most_open:
        return None
    customer = hands.rng.choice([each for each in hands.customers(firm) if each.key not in firm.archived])
    total = _price(hands, customer)
    issued_on = hands.today() - timedelta(days=hands.rng.choice((0, 0, 0, 5, 20)))
    due_on = issued_on + timedelta(days=hands.rng.choice(TERMS_DAYS))
    return _issue(hands, firm, customer, total, issued_on=issued_on, due_on=due_on)


def sell_earlier(hands: Hands, firm: Firm) -> str:
    """Have sold something that is still open today, by how the customer pays: what is late is of who is often late."""
    customer = hands.rng.choice(hands.customers(firm))
    terms, late = customer.terms_days, max(0, customer.late_days - PUNCTUAL_DAYS)
    age = hands.rng.randint(0, terms + hands.rng.randint(0, late * LATEST))
    issued_on = hands.today() - timedelta(days=age)
    due_on = issued_on + timedelta(days=terms)
    return _issue(hands, firm, customer, _price(hands, customer), issued_on=issued_on, due_on=due_on)


def _price(hands: Hands, customer: Customer) -> Decimal:
    drawn = float(customer.scale) * hands.rng.lognormvariate(0, 0.6)
    return Decimal(max(20.0, drawn)).quantize(CENT, ROUND_HALF_UP)


def _issue(hands: Hands, firm: Firm, customer: Customer, total: Decimal, *, issued_on: date, due_on: date) -> str:
    number = firm.profile.invoice_number.format(firm.next_number)
    invoice = TrueInvoice(
        organisation=firm.key,
        number=number,
        customer=customer.key,
        currency=firm.currency_for(customer),
        total=total,
        issued_on=issued_on,
        reference="",
        role="life",
        ledger_open=total,
        truth=Truth(total, due_on),
        reachable=customer.reachable,
    )
    firm.ledger.sell(invoice, customer)
    firm.next_number += 1
    firm.owe(Debt(invoice, hands.clock()))
    return f"{number} of {total} {invoice.currency} to {customer.name}, due {due_on}"


def _void(hands: Hands, firm: Firm) -> str | None:
    debt = hands.pick(firm, lambda each: not each.facts)
    if debt is None:
        return None
    return void(hands, firm, debt)


def void(hands: Hands, firm: Firm, debt: Debt) -> str:
    """Let an accountant void an invoice on which nothing happened."""
    firm.ledger.void(debt.invoice)
    hands.note(firm, debt, Source.LEDGER, holds="void")
    return debt.number


def _credit(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    amount = hands.share(hands.owed(debt))
    customer = firm.customer_of(debt)
    firm.ledger.credit(debt.invoice, customer, amount, f"CN-{debt.number}-{len(debt.facts)}", hands.today())
    if firm.profile.system == "xero":
        hands.note(firm, debt, Source.LEDGER, paid=amount)
    else:
        firm.credit_to(customer, amount, debt.invoice.currency)
    return f"{amount} of {debt.number}"


def _move_due_date(hands: Hands, firm: Firm) -> str | None:
    debt = hands.unheld(firm)
    if debt is None:
        return None
    return move_to_new_day(hands, firm, debt)


def move_to_new_day(hands: Hands, firm: Firm, debt: Debt) -> str:
    """Let an accountant change the due date of an invoice."""
    on = hands.today() + timedelta(days=hands.rng.randint(1, 20))
    move_due_date(hands, firm, debt, on)
    return f"{debt.number} to {on}"


def move_due_date(hands: Hands, firm: Firm, debt: Debt, on: date) -> None:
    """Let the accountant move a due date, beside one that the ledger does not show yet."""
    shown = firm.ledger.due_on(debt.invoice)
    if on == shown:
        return  # who writes what stands there says nothing that anybody could see
    beside = hands.overlooks(firm, debt, shown)
    firm.ledger.move_due_date(debt.invoice, on)
    hands.note(firm, debt, Source.LEDGER, due_on=on, beside=beside, instead_of=shown)


ACTS: Acts = {
    "sell": (30, sell),
    "void": (2, _void),
    "credit": (3, _credit),
    "move due date": (3, _move_due_date),
}
