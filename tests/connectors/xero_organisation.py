"""A small Xero organisation behind the stand-in, consented to and open: the ledger that Xero's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from connectors.ledgers.xero import DECLARATION
from sandbox.xero import XeroBooks, XeroStandIn
from tests.connectors.consent import CLIENT_ID, CLIENT_SECRET, VirtualTime, connected
from tests.connectors.ledger_suite import HUGE, Ledger


def books_of(ledger: Ledger) -> XeroBooks:
    """The organisation's books in the stand-in."""
    assert isinstance(ledger.standin, XeroStandIn)
    return next(iter(ledger.standin.organisations.values()))


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    time = VirtualTime()
    standin = XeroStandIn(clock=time.now, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, webhook_key="not-a-key")
    books = standin.add_organisation(name="Acme", base_currency="GBP", short_code="!acme")
    books.add_account(code="090", name="Bank", type="BANK")
    books.add_account(code="091", name="Stripe clearing", type="BANK")
    books.add_account(code="404", name="Bank fees", type="EXPENSE", enable_payments=True)
    books.add_account(code="429", name="General expenses", type="EXPENSE")
    books.add_account(code="200", name="Consulting fees", type="REVENUE")
    customer = books.add_contact(name="Öz & Söhne", email="pay@example.com", number="C-1")
    invoices = [
        books.add_invoice(
            contact_id=customer,
            number=f"INV-{number}",
            total=Decimal(amount),
            currency="GBP",
            issued_on=date(2026, 10, 1),
            due_on=date(2026, 10, 31),
            reference=f"PO-{number}",
        )
        for number, amount in enumerate((HUGE, "10.10", "100", "100", "100"))
    ]
    books.add_credit_note(
        contact_id=customer, number="CN-1", total=Decimal("7"), currency="GBP", issued_on=date(2026, 10, 2)
    )
    books.add_receive_money(
        account_code="090",
        line_account_code="200",
        amount=Decimal("5.5"),
        currency="GBP",
        received_on=date(2026, 11, 1),
        contact_id=customer,
        reference="coded",
    )

    def live() -> int:
        lists = (books.payments, books.batch_payments, books.bank_transactions)
        return sum(item["Status"] == "AUTHORISED" for items in lists for item in items.values())

    with connected(DECLARATION, standin, time) as (served, given, connector):
        yield Ledger(
            time=time,
            standin=standin,
            served=served,
            consent=given,
            connector=connector,
            customer=customer,
            invoices=invoices,
            bank="090",
            clearing="091",
            fees="404",
            closed_to_fees="429",
            balance=lambda identity: Decimal(books.invoices[identity]["AmountDue"]),
            postings=live,
            void=books.void_invoice,
            add_payment=lambda identity, amount: books.add_payment(
                invoice_id=identity,
                amount=Decimal(amount),
                paid_on=date(2026, 11, 2),
                account_code="090",
                reference="by hand",
            ),
            edit_due=lambda identity, on: books.edit_invoice(identity, DueDate=on),
            list_path="/Invoices",
            write_path="/Payments",
        )
