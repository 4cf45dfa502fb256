"""Whatever is paid, credited, refused and undone: every Xero document adds up to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.xero import XeroBooks, XeroStandIn
from sandbox.xero.payments import plan_batch, plan_delete_batch
from sandbox.xero.values import Refused

DAY = date(2026, 3, 3)
CENTS = st.integers(min_value=1, max_value=12_000).map(lambda n: Decimal(n) / 100)
STEPS = st.lists(
    st.tuples(st.sampled_from(["pay", "undo", "credit", "batch", "undo batch", "void"]), st.integers(0, 2), CENTS),
    max_size=25,
)


def books_with_invoices() -> tuple[XeroBooks, list[str], list[str]]:
    standin = XeroStandIn(
        clock=lambda: datetime(2026, 3, 3, tzinfo=UTC),
        client_id="client",
        client_secret="client-word",
        webhook_key="word",
    )
    books = standin.add_organisation(name="Demo", base_currency="NZD", short_code="!demo1")
    books.add_account(code="090", name="Bank", type="BANK")
    who = books.add_contact(name="Ridgeway")
    ids = [
        books.add_invoice(
            contact_id=who, number=f"INV-{n}", total=Decimal("100.00"), currency="NZD", issued_on=DAY, due_on=DAY
        )
        for n in range(3)
    ]
    notes = [
        books.add_credit_note(contact_id=who, number=f"CN-{n}", total=Decimal("50.00"), currency="NZD", issued_on=DAY)
        for n in range(3)
    ]
    return books, ids, notes


def do(books: XeroBooks, invoice_id: str, note_id: str, step: str, amount: Decimal) -> None:
    """Try one step; Refused when the books do not allow it."""
    if step == "pay":
        books.add_payment(invoice_id=invoice_id, amount=amount, paid_on=DAY, account_code="090")
    elif step == "undo":
        for payment_id in list(books.payments)[:1]:
            books.delete_payment(payment_id)
    elif step == "credit":
        books.allocate_credit(credit_note_id=note_id, invoice_id=invoice_id, amount=amount)
    elif step == "batch":
        parts = [{"Invoice": {"InvoiceID": one}, "Amount": amount} for one in books.invoices]
        plan_batch(books, {"Account": {"Code": "090"}, "Date": DAY, "Payments": parts}, {})()
    elif step == "undo batch":
        for batch in list(books.batch_payments.values())[:1]:
            plan_delete_batch(books, batch)()
    else:
        books.void_invoice(invoice_id)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_documents_add_up(steps: list[tuple[str, int, Decimal]]) -> None:
    books, ids, notes = books_with_invoices()
    for step, which, amount in steps:
        try:
            do(books, ids[which], notes[which], step, amount)
        except Refused:
            continue
    live = [p for p in books.payments.values() if p["Status"] == "AUTHORISED"]
    for invoice in books.invoices.values():
        mine = [p for p in live if p["Invoice"]["InvoiceID"] == invoice["InvoiceID"]]
        assert invoice["AmountPaid"] == sum(p["Amount"] for p in mine)
        assert len(invoice["Payments"]) == len(mine)
        if invoice["Status"] == "VOIDED":
            assert (invoice["AmountDue"], invoice["AmountPaid"], invoice["AmountCredited"]) == (0, 0, 0)
        else:
            assert invoice["AmountDue"] + invoice["AmountPaid"] + invoice["AmountCredited"] == invoice["Total"]
            assert (invoice["Status"] == "PAID") == (invoice["AmountDue"] == 0)
        assert invoice["AmountDue"] >= 0
    for note in books.credit_notes.values():
        assert note["RemainingCredit"] + sum(a["Amount"] for a in note["Allocations"]) == note["Total"]
        assert note["RemainingCredit"] >= 0
