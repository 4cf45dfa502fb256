"""What accountants do in the ledger beside selling: they delete and book by hand what others posted, close periods,
give credit and use it later."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from sandbox.life.bank import Money
from sandbox.life.debts import Debt, Source
from sandbox.life.firm import Credit, Firm
from sandbox.life.hands import REFUSALS, Acts, Hands

_RECENT = 40  # lines of the bank of which something may still be done in the ledger
_LOCKED_DAYS = (1, 2)
BOOKS_OPENED = "books opened"


def _delete_posting(hands: Hands, firm: Firm) -> str | None:
    """By mistake: the money is there all the same."""
    found = _posted(hands, firm)
    if found is None:
        return None
    money, debt, posting = found
    firm.ledger.delete_payment(posting)
    return f"{money.line.amount} on {debt.number}"


def delete_one(firm: Firm, ledger_ids: Collection[str]) -> bool:
    """Delete one of these postings by mistake, if there is one that no person made; False when there is none.

    The ledger may refuse.
    """
    numbers = [debt.number for _, debt in _posted_lately(firm)]
    numbers += [each.invoice for each in firm.charges[-_RECENT:] if not firm.took_less(each.invoice)]
    postings = (each for number in numbers for each in _by_the_product(firm, firm.debts[number]))
    named = next((each for each in postings if each in ledger_ids), None)
    if named is None:
        return False
    with suppress(*REFUSALS):
        firm.ledger.delete_payment(named)
    return True


def _book_instead(hands: Hands, firm: Firm) -> str | None:
    """What was posted is deleted, and the same money booked by hand."""
    found = _posted(hands, firm)
    if found is None or len(found[0].pays) > 1:
        return None
    money, debt, posting = found
    firm.ledger.delete_payment(posting)
    money.booked_as = firm.ledger.record_payment(debt.invoice, money.pays[0][1], money.line.booked_on)
    return f"{money.pays[0][1]} on {debt.number}"


def _posted(hands: Hands, firm: Firm) -> tuple[Money, Debt, str] | None:
    """Draw money of the bank that was posted in the ledger by no person."""
    lines = _posted_lately(firm)
    if not lines:
        return None
    money, debt = hands.rng.choice(lines)
    postings = _by_the_product(firm, debt)
    if "void" in debt.state(hands.today()).held or not postings:
        return None
    return money, debt, postings[-1]


def _posted_lately(firm: Firm) -> list[tuple[Money, Debt]]:
    """The bank's last lines that pay something and were not booked by hand, each with the first debt that it pays."""
    recent = [each for each in firm.booked[-_RECENT:] if not each.exchanged]
    gone = {id(each.takes_back) for each in recent}
    lines = [each for each in recent if each.pays and not each.booked_as and id(each) not in gone]
    return [(each, firm.debts[each.pays[0][0]]) for each in lines if not firm.took_less(each.pays[0][0])]


def _by_the_product(firm: Firm, debt: Debt) -> list[str]:
    by_hand = {each.booked_as for each in firm.booked[-_RECENT:]} | {each.booked_as for each in firm.charges}
    return [each for each in firm.ledger.postings(debt.invoice) if each not in by_hand]


def _void_paid(hands: Hands, firm: Firm) -> str | None:
    """An invoice is voided after it was paid; where payments forbid that, they are removed first."""
    found = _posted(hands, firm)
    if found is None:
        return None
    debt = found[1]
    if debt.state(hands.today()).held:
        return None
    for posting in firm.ledger.postings(debt.invoice):
        firm.ledger.delete_payment(posting)
    firm.ledger.void(debt.invoice)
    hands.note(firm, debt, Source.LEDGER, holds="void")
    firm.credit_to(firm.customer_of(debt), debt.invoice.total, debt.invoice.currency)
    return debt.number


def _close_books(hands: Hands, firm: Firm) -> str | None:
    """Everything until yesterday is closed for a day or two: nothing dated in it can be written."""
    if firm.is_closed:
        return None
    until = hands.today() - timedelta(days=1)
    firm.ledger.close_until(until)
    firm.is_closed = True

    def reopened() -> str:
        firm.ledger.close_until(None)
        firm.is_closed = False
        return f"{firm.key}: the books are open again"

    hands.later(timedelta(days=hands.rng.randint(*_LOCKED_DAYS)), BOOKS_OPENED, reopened)
    return f"until {until}"


def _give_credit(hands: Hands, firm: Firm) -> str | None:
    """A customer gets a credit note that is set against nothing yet; some days later it is."""
    debt = hands.payable(firm)
    if debt is None:
        return None
    customer, currency = firm.customer_of(debt), debt.invoice.currency
    amount, number = hands.share(hands.owed(debt)), f"CR-{debt.number}-{len(firm.credits)}"
    credit = firm.ledger.keep_credit(customer, amount, currency, number, hands.today())
    firm.credits.append(Credit(customer.key, currency, credit, hands.clock()))
    firm.credit_to(customer, amount, currency)

    def used() -> str:
        open_there = [
            each for each in firm.unpaid.values()
            if firm.customer_of(each) is firm.customer_of(debt) and not hands.is_touched(each)
            and each.invoice.currency == currency
        ]  # fmt: skip
        if not open_there:
            return f"{firm.key}: the credit of {customer.name} is kept"
        against = hands.rng.choice(open_there)
        part = min(firm.ledger.credit_left(credit), firm.ledger.balance(against.invoice), hands.owed(against))
        if part <= 0:
            return f"{firm.key}: nothing of the credit of {customer.name} fits"
        firm.ledger.use_credit(credit, against.invoice, part, hands.today())
        hands.note(firm, against, Source.LEDGER, paid=part)
        firm.credit_to(firm.customer_of(debt), -part, currency)
        return f"{firm.key}: {part} of the credit is set against {against.number}"

    hands.later(timedelta(days=hands.rng.randint(1, 4)), "credit used", used)
    return f"{amount} to {customer.name}"


ACTS: Acts = {
    "delete posting": (2, _delete_posting),
    "book instead": (2, _book_instead),
    "void paid": (2, _void_paid),
    "close books": (1, _close_books),
    "give credit": (3, _give_credit),
}
