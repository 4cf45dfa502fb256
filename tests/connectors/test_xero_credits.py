"""Credits set against invoices and write-downs in Xero, with xero-python against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Absent, Reject, Retry
from connectors.intents import AllocateCredit, UndoPosting, WriteDown
from connectors.records import Kind, PaymentFields, PaymentLine
from tests.connectors.ledger_suite import Install, Ledger, done, gbp, intercept, read, receipt, write_one
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["intercept", "ledger"]

ON = date(2026, 11, 16)


def allocation(ledger: Ledger, credit: str, lines: dict[int, str], *, key: str = "set") -> AllocateCredit:
    parts = tuple(PaymentLine(ledger.invoices[index], gbp(amount)) for index, amount in lines.items())
    return AllocateCredit(key=key, customer_external_id=ledger.customer, credit_external_id=credit, on=ON, lines=parts)


def write_down(ledger: Ledger, amount: str, *, tax_code: str = "", key: str = "wd") -> WriteDown:
    return WriteDown(
        key=key,
        customer_external_id=ledger.customer,
        document_external_id=ledger.invoices[2],
        on=ON,
        amount=gbp(amount),
        reason="discount",
        account="429",
        tax_code=tax_code,
        reference=f"TrueDue {key}",
    )


def credit_of(ledger: Ledger, kind: str) -> str:
    """A credit of seven pounds, made by people."""
    books = books_of(ledger)
    if kind == "credit note":
        return next(iter(books.credit_notes))
    books.add_prepaid(
        account_code="090",
        contact_id=ledger.customer,
        amount=Decimal(7),
        received_on=ON,
        kind=f"RECEIVE-{kind.upper()}",
    )
    return next(iter(books.overpayments if kind == "overpayment" else books.prepayments))


@pytest.mark.parametrize("kind", ["credit note", "overpayment", "prepayment"])
def test_a_credit_is_set_against_invoices_and_taken_back(ledger: Ledger, kind: str) -> None:
    credit = credit_of(ledger, kind)
    intent = allocation(ledger, credit, {1: "2.50", 2: "4.50"})
    assert find_one(ledger.connector, intent) is None
    first = done(write_one(ledger, intent))
    assert (ledger.balance(ledger.invoices[1]), ledger.balance(ledger.invoices[2])) == (
        Decimal("7.60"),
        Decimal("95.50"),
    )
    assert done(write_one(ledger, intent)).external_ids == first.external_ids
    ledger.time.sleep(3600)
    assert find_one(ledger.connector, intent) == first
    undo = UndoPosting(key="undo", external_ids=first.external_ids)
    assert find_one(ledger.connector, undo) is None
    done(write_one(ledger, undo))
    assert find_one(ledger.connector, undo) is not None
    assert find_one(ledger.connector, intent) is None
    assert (ledger.balance(ledger.invoices[1]), ledger.balance(ledger.invoices[2])) == (Decimal("10.10"), Decimal(100))
    assert isinstance(write_one(ledger, UndoPosting(key="again", external_ids=first.external_ids)), Absent)


def test_a_posting_that_a_lagging_answer_does_not_show_is_undone_later(ledger: Ledger, intercept: Install) -> None:
    written = done(write_one(ledger, receipt(ledger, "r", {1: "10.10"}))).external_ids
    undo = UndoPosting("undo", written)

    def lag(request: Request, handle: Callable[[], Response]) -> Response:
        return Response("", 404) if request.method == "GET" else handle()

    intercept(lag)
    assert isinstance(write_one(ledger, undo), Retry)
    with pytest.raises(Retry):
        find_one(ledger.connector, undo)
    intercept(lambda _request, handle: handle())
    done(write_one(ledger, undo))
    assert ledger.balance(ledger.invoices[1]) == Decimal("10.10")


def test_credit_kept_and_used_is_read_with_what_it_pays(ledger: Ledger) -> None:
    kept = done(write_one(ledger, receipt(ledger, "kept", {}, unapplied="25.00")))
    overpayment = kept.external_ids[1]
    done(write_one(ledger, allocation(ledger, overpayment, {2: "20.00"})))
    fields = read(ledger, Kind.PAYMENT)[overpayment].fields
    assert isinstance(fields, PaymentFields)
    assert (fields.lines, fields.unapplied) == ((PaymentLine(ledger.invoices[2], gbp("20")),), gbp("5"))
    refused = write_one(ledger, UndoPosting(key="undo kept", external_ids=kept.external_ids))
    assert isinstance(refused, Reject)
    assert refused.code == "allocated"
    assert ledger.balance(ledger.invoices[2]) == Decimal(80)


@pytest.mark.parametrize(("amount", "code"), [("7.01", "credit_used"), ("10.11", "credit_used")])
def test_more_than_is_left_is_refused_whole(ledger: Ledger, amount: str, code: str) -> None:
    refused = write_one(ledger, allocation(ledger, credit_of(ledger, "credit note"), {2: "1.00", 1: amount}))
    assert isinstance(refused, Reject)
    assert refused.code == code
    assert refused.remedy
    assert ledger.balance(ledger.invoices[2]) == Decimal(100)


def test_a_credit_that_is_gone_is_absent(ledger: Ledger) -> None:
    assert isinstance(write_one(ledger, allocation(ledger, ledger.customer, {2: "1.00"})), Absent)


@pytest.mark.parametrize(("tax_code", "tax"), [("", "0.00"), ("OUTPUT2", "2.00")])
def test_a_write_down_closes_part_of_an_invoice_and_is_undone(ledger: Ledger, tax_code: str, tax: str) -> None:
    intent = write_down(ledger, "12.00", tax_code=tax_code)
    first = done(write_one(ledger, intent))
    note = books_of(ledger).credit_notes[first.external_ids[0]]
    assert (note["Total"], note["TotalTax"], note["RemainingCredit"]) == (Decimal(12), Decimal(tax), 0)
    assert (note["LineItems"][0]["AccountCode"], note["Reference"]) == ("429", "TrueDue wd")
    assert ledger.balance(ledger.invoices[2]) == Decimal(88)
    assert done(write_one(ledger, intent)).external_ids == first.external_ids
    ledger.time.sleep(3600)
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert found.external_ids == first.external_ids
    done(write_one(ledger, UndoPosting(key="undo", external_ids=first.external_ids)))
    assert (note["Status"], ledger.balance(ledger.invoices[2])) == ("VOIDED", Decimal(100))
    assert find_one(ledger.connector, intent) is None


def test_a_refused_write_down_leaves_no_credit_behind(ledger: Ledger) -> None:
    before = dict(books_of(ledger).credit_notes)
    outcome = write_one(ledger, write_down(ledger, "100.01"))
    assert isinstance(outcome, Reject)
    made = [note for key, note in books_of(ledger).credit_notes.items() if key not in before]
    assert [note["Status"] for note in made] == ["VOIDED"]
    unknown = write_one(ledger, write_down(ledger, "1.00", tax_code="NEVER", key="tax"))
    assert isinstance(unknown, Reject)
    assert unknown.code == "tax_code"
    assert ledger.balance(ledger.invoices[2]) == Decimal(100)


def test_a_refusal_that_cannot_be_taken_back_now_is_looked_up_later(ledger: Ledger, intercept: Install) -> None:
    def refuse_then_fail(request: Request, handle: Callable[[], Response]) -> Response:
        voiding = request.method == "POST" and "/CreditNotes/" in request.path
        return Response(status=503) if voiding else handle()

    intercept(refuse_then_fail)
    intent = write_down(ledger, "100.01")
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    ledger.standin.interceptor = None
    ledger.time.sleep(3600)
    with pytest.raises(Reject):
        find_one(ledger.connector, intent)
    assert [note["Status"] for note in books_of(ledger).credit_notes.values()] == ["AUTHORISED", "VOIDED"]


@pytest.mark.parametrize("lost", ["/CreditNotes", "/Allocations"])
@pytest.mark.parametrize("arrives", [True, False])
def test_a_write_down_whose_answer_was_lost_is_completed_once(
    ledger: Ledger, intercept: Install, lost: str, arrives: bool
) -> None:
    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method == "PUT" and request.path.endswith(lost):
            if arrives:
                handle()
            ledger.standin.interceptor = None
            return Response(status=502)
        return handle()

    intercept(lose)
    intent = write_down(ledger, "12.00")
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    ledger.time.sleep(3600)
    found = find_one(ledger.connector, intent)
    if found is None:
        assert (lost, arrives) == ("/CreditNotes", False)
        found = done(write_one(ledger, intent))
    assert ledger.balance(ledger.invoices[2]) == Decimal(88)
    live = [note for note in books_of(ledger).credit_notes.values() if note["Reference"] == "TrueDue wd"]
    assert [note["CreditNoteID"] for note in live] == [found.external_ids[0]]


def test_a_lost_allocation_is_found(ledger: Ledger, intercept: Install) -> None:
    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method == "PUT":
            handle()
            return Response(status=503)
        return handle()

    intercept(lose)
    intent = allocation(ledger, credit_of(ledger, "credit note"), {2: "3.00"})
    assert isinstance(write_one(ledger, intent), Retry)
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert ledger.balance(ledger.invoices[2]) == Decimal(97)


def test_an_answer_that_names_no_allocation_is_looked_up(ledger: Ledger, intercept: Install) -> None:
    """The contract's own example of the answer has no ids."""

    def strip(request: Request, handle: Callable[[], Response]) -> Response:
        response = handle()
        if request.method == "PUT":
            response.set_data(response.get_data().replace(b'"AllocationID"', b'"Unnamed"'))
        return response

    intercept(strip)
    intent = allocation(ledger, credit_of(ledger, "credit note"), {2: "3.00"})
    assert done(write_one(ledger, intent)) == find_one(ledger.connector, intent)


def test_a_write_down_that_people_used_otherwise_is_theirs_to_free(ledger: Ledger) -> None:
    first = done(write_one(ledger, write_down(ledger, "12.00")))
    books = books_of(ledger)
    note = first.external_ids[0]
    books.free_credit(credit_note_id=note)
    books.allocate_credit(credit_note_id=note, invoice_id=ledger.invoices[1], amount=Decimal(5))
    refused = write_one(ledger, UndoPosting(key="undo", external_ids=first.external_ids))
    assert isinstance(refused, Reject)
    assert refused.code == "allocated"
    assert books.credit_notes[note]["Status"] == "AUTHORISED"
