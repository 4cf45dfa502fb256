"""Whatever is paid, moved, refused, voided and deleted: every QuickBooks balance adds up to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.quickbooks import QuickBooksBooks, QuickBooksStandIn
from sandbox.quickbooks.settlement import links_of
from sandbox.quickbooks.values import Fault

DAY = date(2026, 3, 3)
CENTS = st.integers(min_value=0, max_value=12_000).map(lambda n: Decimal(n) / 100)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["pay", "pay", "pay with credit", "journal", "forget", "move", "delete", "void payment", "void", "resize"]
        ),
        st.integers(0, 2), CENTS, CENTS,
    ),
    max_size=25,
)  # fmt: skip


def books_with_invoices() -> tuple[QuickBooksBooks, str, list[str], list[str]]:
    standin = QuickBooksStandIn(
        clock=lambda: datetime(2026, 3, 3, tzinfo=UTC),
        client_id="client",
        client_secret="client-word",
        verifier_token="word",
    )
    books = standin.add_company(name="Demo", home_currency="USD")
    who = books.add_customer(name="Ridgeway")
    fields: dict[str, Any] = {"customer_id": who, "currency": "USD", "issued_on": DAY}
    ids = [books.add_invoice(number=str(n), total=Decimal("100.00"), due_on=DAY, **fields) for n in range(3)]
    memos = [books.add_credit_memo(number=f"C{n}", total=Decimal("50.00"), **fields) for n in range(3)]
    return books, who, ids, memos


def line(kind: str, document_id: str, amount: Decimal) -> dict[str, Any]:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": document_id, "TxnType": kind}]}


def journal_credit(books: QuickBooksBooks, who: str, amount: Decimal) -> dict[str, Any]:
    entity = {"Type": "Customer", "EntityRef": {"value": who}}
    sides: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("Debit", books.undeposited_funds_id, {}),
        ("Credit", books.receivables_account("USD"), {"Entity": entity}),
    )
    return {
        "Line": [
            {
                "Amount": amount,
                "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}, **more},
            }
            for side, account, more in sides
        ]
    }


def do(books: QuickBooksBooks, ids: tuple[str, str, str], step: str, amount: Decimal, more: Decimal) -> None:
    """Try one step; Fault when the books do not allow it."""
    who, invoice_id, memo_id = ids
    first = next(iter(books.payments.values()), None)
    if step == "pay":
        books.add_payment(customer_id=who, lines=[(invoice_id, amount)], total=amount + more, paid_on=DAY)
    elif step == "pay with credit":
        lines = [line("Invoice", invoice_id, amount), line("CreditMemo", memo_id, more)]
        books.create("Payment", {"CustomerRef": {"value": who}, "TotalAmt": "10.00", "Line": lines})
    elif step == "journal":
        entry = books.create("JournalEntry", journal_credit(books, who, amount))
        lines = [line("Invoice", invoice_id, more), line("JournalEntry", entry["Id"], more)]
        books.create("Payment", {"CustomerRef": {"value": who}, "TotalAmt": "0", "Line": lines})
    elif step == "forget":
        entry = next(iter(books.journal_entries.values()), {})
        books.delete("JournalEntry", entry)
    elif step in ("void", "resize"):
        record = books.invoices[invoice_id]
        if step == "void":
            books.void_invoice(invoice_id)
        else:
            books.edit_invoice(
                invoice_id, Line=[{"Amount": amount, "DetailType": "SalesItemLineDetail"}], Id=record["Id"]
            )
    elif first is not None and step == "move":
        books.update("Payment", {**first, "Line": [line("Invoice", invoice_id, amount)], "sparse": True})
    elif first is not None and step == "void payment":
        books.void("Payment", first)
    elif first is not None:
        books.delete_payment(first["Id"])


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_balances_add_up(steps: list[tuple[str, int, Decimal, Decimal]]) -> None:
    books, who, ids, memos = books_with_invoices()
    for step, which, amount, more in steps:
        try:
            do(books, (who, ids[which], memos[which]), step, amount, more)
        except Fault:
            continue
    for kind, documents in (("Invoice", books.invoices), ("CreditMemo", books.credit_memos)):
        for document_id, document in documents.items():
            applied = sum(links_of(p).get((kind, document_id), Decimal(0)) for p in books.payments.values())
            assert document["Balance"] == document["TotalAmt"] - applied
            assert document["Balance"] >= 0
    for payment in books.payments.values():
        signs = {"Invoice": 1, "CreditMemo": -1, "JournalEntry": -1}
        used = sum(signs[kind] * amount for (kind, _), amount in links_of(payment).items())
        assert payment["UnappliedAmt"] == payment["TotalAmt"] - used
        assert payment["UnappliedAmt"] >= 0
    owed = sum(i["TotalAmt"] for i in books.invoices.values()) - sum(m["TotalAmt"] for m in books.credit_memos.values())
    owed -= sum(entry["TotalAmt"] for entry in books.journal_entries.values())
    assert books.customers[who]["Balance"] == owed - sum(p["TotalAmt"] for p in books.payments.values())
    for entry_id, entry in books.journal_entries.items():
        used = sum(links_of(p).get(("JournalEntry", entry_id), Decimal(0)) for p in books.payments.values())
        assert used <= entry["TotalAmt"]
