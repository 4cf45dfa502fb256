"""Draft invoices and notes in Xero, with xero-python against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from werkzeug.wrappers import Request, Response

from connectors.contract import ListsTaxCodes
from connectors.errors import Absent, Reject, Retry
from connectors.intents import DraftInvoice, NoteDocument
from connectors.ledgers.xero.notes import MAX_CHARACTERS
from connectors.records import DocumentFields, Kind, TaxCode
from receivables.document import DocumentStatus
from tests.connectors.ledger_suite import Install, Ledger, charge, done, gbp, intercept, read, write_one
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["intercept", "ledger"]


def draft(ledger: Ledger, *, key: str = "d") -> DraftInvoice:
    return DraftInvoice(
        key=key,
        customer_external_id=ledger.customer,
        description="Two days of training",
        amount=gbp("1200.10"),
        issued_on=date(2026, 11, 17),
        due_on=date(2026, 12, 17),
        account="200",
        purchase_order="PO-77",
        reference=f"TrueDue {key}",
    )


def lose_writes(ledger: Ledger) -> Callable[[Request, Callable[[], Response]], Response]:
    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method not in ("PUT", "POST"):
            return handle()
        handle()
        ledger.standin.interceptor = None
        return Response(status=502)

    return lose


def test_a_draft_waits_for_a_person(ledger: Ledger) -> None:
    intent = draft(ledger)
    assert find_one(ledger.connector, intent) is None
    first = done(write_one(ledger, intent))
    assert done(write_one(ledger, intent)) == first
    record = read(ledger, Kind.INVOICE)[first.external_ids[0]]
    assert isinstance(record.fields, DocumentFields)
    assert (record.fields.status, record.fields.total) == (DocumentStatus.DRAFT, gbp("1200.10"))
    assert (record.fields.purchase_order, record.fields.due_on) == ("PO-77", date(2026, 12, 17))
    assert record.fields.number.startswith("INV-")
    lines = books_of(ledger).invoices[first.external_ids[0]]["LineItems"]
    assert [(line["Description"], line["AccountCode"]) for line in lines] == [
        ("Two days of training", "200"),
        ("TrueDue d", ""),
    ]
    assert record.version == first.version


@pytest.mark.parametrize("meanwhile", ["nothing", "edited", "deleted"])
def test_a_draft_whose_answer_was_lost_is_found_whatever_people_did(
    ledger: Ledger, intercept: Install, meanwhile: str
) -> None:
    intercept(lose_writes(ledger))
    intent = draft(ledger)
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    books = books_of(ledger)
    (made,) = [each for each in books.invoices.values() if each["Status"] == "DRAFT"]
    if meanwhile == "edited":
        books.edit_invoice(made["InvoiceID"], Date=date(2026, 11, 20), Reference="PO-78")
    elif meanwhile == "deleted":
        books.edit_invoice(made["InvoiceID"], Status="DELETED")
    ledger.time.sleep(3600)
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert found.external_ids == (made["InvoiceID"],)
    assert find_one(ledger.connector, draft(ledger, key="other")) is None


def test_a_draft_on_an_unknown_account_is_refused(ledger: Ledger) -> None:
    outcome = write_one(ledger, replace(draft(ledger), account="999"))
    assert isinstance(outcome, Reject)
    assert (outcome.code, bool(outcome.remedy)) == ("account", True)


def test_a_note_stands_in_the_history_once(ledger: Ledger, intercept: Install) -> None:
    document = ledger.invoices[2]
    intent = NoteDocument(key="n", document_external_id=document, text="Promised for 5 December (Ö. Söhne)")
    assert find_one(ledger.connector, intent) is None
    intercept(lose_writes(ledger))
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    ledger.time.sleep(3600)
    assert find_one(ledger.connector, intent) is not None
    twin = replace(intent, key="n2")
    assert find_one(ledger.connector, twin) is None, "the same words were said twice"
    done(write_one(ledger, twin))
    notes = [note["Details"] for note in books_of(ledger).history.values()]
    assert len(set(notes)) == len(notes) == 2
    assert all(note.startswith(intent.text) for note in notes)


def test_a_long_note_is_cut_and_a_missing_invoice_is_absent(ledger: Ledger) -> None:
    long = NoteDocument(key="n", document_external_id=ledger.invoices[2], text="x" * 400)
    done(write_one(ledger, long))
    assert find_one(ledger.connector, long) is not None
    (note,) = books_of(ledger).history.values()
    assert len(note["Details"]) == MAX_CHARACTERS
    gone = replace(long, key="g", document_external_id=ledger.customer)
    assert isinstance(write_one(ledger, gone), Absent)
    with pytest.raises(Absent):  # what is not shown may stand all the same
        find_one(ledger.connector, gone)


def test_money_is_what_the_line_says(ledger: Ledger) -> None:
    made = done(write_one(ledger, replace(draft(ledger), amount=gbp("0.30"))))
    assert books_of(ledger).invoices[made.external_ids[0]]["Total"] == Decimal("0.30")


def test_a_charge_under_a_tax_rate_asks_for_what_was_decided_tax_included(ledger: Ledger) -> None:
    books = books_of(ledger)
    intent = charge(ledger, "c", tax_code="OUTPUT2")
    made = books.invoices[done(write_one(ledger, intent)).external_ids[0]]
    assert (made["Total"], made["TotalTax"], made["LineAmountTypes"]) == (
        Decimal("73.22"),
        Decimal("12.21"),
        "Inclusive",
    )
    assert made["Reference"] == "INV-2 c"


def test_only_living_tax_rates_of_sales_can_be_chosen_and_cost_one_call(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.tax_rates["RRINPUT"] = Decimal("5.5")
    assert isinstance(ledger.connector, ListsTaxCodes)
    before = ledger.standin.calls.total()
    assert ledger.connector.tax_codes() == (
        TaxCode("OUTPUT2", "20% (VAT on Income)", Decimal(20)),
        TaxCode("NONE", "No VAT", Decimal(0)),
        TaxCode("RRINPUT", "RRINPUT", Decimal("5.5")),
    ), "what is bought bears INPUT2"
    assert ledger.standin.calls.total() == before + 1
    books.delete_tax_rate("OUTPUT2")
    assert [each.code for each in ledger.connector.tax_codes()] == ["NONE", "RRINPUT"]
