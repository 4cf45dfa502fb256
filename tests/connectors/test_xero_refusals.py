"""What only a person can change in Xero is refused with a remedy: locked periods, reconciled money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from connectors.errors import Reject
from connectors.intents import (
    AllocateCredit,
    DraftInvoice,
    EditDocument,
    Intent,
    PostPayout,
    UndoPosting,
    WriteDown,
)
from connectors.records import Kind, PaymentLine
from tests.connectors.ledger_suite import PAID_ON, Ledger, done, gbp, read, receipt, write_one
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["ledger"]


def _receipt(ledger: Ledger) -> Intent:
    return receipt(ledger, "r", {2: "10"})


def _batch(ledger: Ledger) -> Intent:
    return receipt(ledger, "b", {2: "10", 3: "10"})


def _credit_kept(ledger: Ledger) -> Intent:
    return receipt(ledger, "k", {}, unapplied="10")


def _payout(ledger: Ledger) -> Intent:
    return PostPayout("p", PAID_ON, "TrueDue p", ledger.clearing, ledger.bank, ledger.fees, gbp("9"), gbp("1"))


def _allocation(ledger: Ledger) -> Intent:
    credit = next(iter(books_of(ledger).credit_notes))
    return AllocateCredit("a", ledger.customer, credit, PAID_ON, (PaymentLine(ledger.invoices[2], gbp("1")),))


def _write_down(ledger: Ledger) -> Intent:
    return WriteDown("w", ledger.customer, ledger.invoices[2], PAID_ON, gbp("1"), "discount", "429", "", "TrueDue w")


def _draft(ledger: Ledger) -> Intent:
    return DraftInvoice("d", ledger.customer, "work", gbp("1"), PAID_ON, PAID_ON, "200", None, "TrueDue d")


def _edit(ledger: Ledger) -> Intent:
    version = read(ledger, Kind.INVOICE)[ledger.invoices[2]].version
    return EditDocument("e", ledger.invoices[2], version, due_on=date(2026, 12, 1))


INTENTS = (_receipt, _batch, _credit_kept, _payout, _allocation, _write_down, _draft, _edit)
UNDONE = (_receipt, _batch, _credit_kept, _payout, _allocation, _write_down)


@pytest.mark.parametrize("lock", ["period_lock_date", "end_of_year_lock_date"])
@pytest.mark.parametrize("make", INTENTS)
def test_a_locked_period_is_a_persons_to_open(ledger: Ledger, make: Callable[[Ledger], Intent], lock: str) -> None:
    intent = make(ledger)
    setattr(books_of(ledger), lock, PAID_ON)
    before = ledger.postings()
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Reject), repr(outcome)
    assert outcome.code == "locked_period"
    assert "16-Nov-2026" in str(outcome)
    assert "lock date" in outcome.remedy
    assert ledger.postings() == before


@pytest.mark.parametrize("make", UNDONE)
def test_what_was_locked_meanwhile_is_not_undone(ledger: Ledger, make: Callable[[Ledger], Intent]) -> None:
    written = done(write_one(ledger, make(ledger)))
    books_of(ledger).end_of_year_lock_date = PAID_ON
    before = ledger.postings()
    outcome = write_one(ledger, UndoPosting("undo", written.external_ids))
    assert isinstance(outcome, Reject), repr(outcome)
    assert outcome.code == "locked_period"
    assert ledger.postings() == before
    books_of(ledger).end_of_year_lock_date = None
    done(write_one(ledger, UndoPosting("undo", written.external_ids)))


def test_a_posting_reconciled_in_part_stays_whole(ledger: Ledger) -> None:
    """The payment is confirmed against its bank line; the credit kept beside it could still be deleted, and is not."""
    written = done(write_one(ledger, receipt(ledger, "r", {2: "100"}, unapplied="3.33"))).external_ids
    books_of(ledger).reconcile(written[0])
    before = ledger.postings()
    outcome = write_one(ledger, UndoPosting("undo", written))
    assert isinstance(outcome, Reject)
    assert (outcome.code, "Unreconcile" in outcome.remedy) == ("reconciled", True)
    assert ledger.postings() == before


def test_reconciled_money_is_refused_by_xero_itself(ledger: Ledger) -> None:
    (transaction, _) = done(write_one(ledger, _credit_kept(ledger))).external_ids
    books = books_of(ledger)
    books.reconcile(transaction)
    outcome = write_one(ledger, UndoPosting("undo", (transaction,)))
    assert isinstance(outcome, Reject)
    assert outcome.code == "reconciled"


def test_a_payout_is_undone(ledger: Ledger) -> None:
    before = ledger.postings()
    written = done(write_one(ledger, _payout(ledger))).external_ids
    undo = UndoPosting("undo", written)
    assert find_one(ledger.connector, undo) is None
    done(write_one(ledger, undo))
    assert ledger.postings() == before
    assert find_one(ledger.connector, undo) is not None
