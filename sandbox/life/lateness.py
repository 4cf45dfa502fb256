"""Late payment: what a firm may charge for an invoice at most, by its own books, and when it may charge nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.life.debts import Debt, Known
from sandbox.life.firm import Firm, Lateness, Verdict
from sandbox.life.hands import CENT

CLOCKS_DIFFER = timedelta(days=1)  # the day of a payment by another clock: the firm's own, the processor's, the bank's


def whole(terms: Lateness, debt: Debt, until: date, known: Known) -> Decimal:
    """What lateness has come to by the end of a day, at most: by the earliest due date that there ever was.

    What is paid bears interest to its day; what was paid and went back was never paid.
    """
    paid = [fact for fact in debt.facts if fact.paid and known(fact)]
    went_back = any(fact.paid < 0 for fact in paid)
    first = min(debt.due_dates()) + timedelta(days=1)
    interest = Decimal(0)
    for day in _days(first, until):
        gone = [fact.paid for fact in paid if fact.at.date() + CLOCKS_DIFFER < day and not went_back]
        interest += debt.invoice.total - sum(gone, Decimal(0))
    fee = terms.fee if debt.invoice.currency == terms.currency else 0
    return (interest * terms.per_cent / 100 / 365).quantize(CENT, ROUND_HALF_UP) + fee


def wrong_to_charge(firm: Firm, debt: Debt, said: Verdict, *, on: date, known: Known) -> str | None:
    """Why what the accountant was shown, and said of, must not be charged on a day; None when it is right.

    What held it and is over holds it no more, whether that could be known or not. An invoice of which nothing ever
    happened must come to the whole, to the cent.
    """
    if firm.lateness is None:
        return "the firm charges nobody"
    state = debt.state(on, known)
    if held := state.held & debt.state(on).held:
        return f"held ({', '.join(sorted(held))})"
    if state.open > 0 and state.due_on >= on:
        return f"not due before {state.due_on}"
    if state.open <= 0 and (why := _wrong_once_paid(firm.lateness, debt, max(state.due_days), known)) is not None:
        return why
    earlier = [each for each in firm.verdicts if each.number == debt.number]
    before = sum((each.amount for each in earlier if each.is_sure), Decimal(0))
    most = whole(firm.lateness, debt, said.until, known)
    is_plain = not debt.facts and all(each.is_sure for each in earlier)
    if before + said.amount > most or (is_plain and before + said.amount != most):
        return f"{before} and {said.amount} through {said.until}, which has come to {most}"
    return None


def _wrong_once_paid(terms: Lateness, debt: Debt, due_on: date, known: Known) -> str | None:
    if not terms.is_charged_paid:
        return "paid"
    last = max((fact.at.date() for fact in debt.facts if fact.paid > 0 and known(fact)), default=due_on)
    return f"paid in time, on {last}" if last + CLOCKS_DIFFER <= due_on else None


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
