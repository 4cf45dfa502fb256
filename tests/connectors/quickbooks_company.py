"""A QuickBooks company at its stand-in, connected as a person would, for the tests of its connector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from connectors.ledgers.quickbooks import DECLARATION
from sandbox.quickbooks import QuickBooksBooks, QuickBooksStandIn
from tests.connectors.consent import CLIENT_ID, CLIENT_SECRET, VirtualTime, connected
from tests.connectors.ledger_suite import HUGE, Ledger


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    time = VirtualTime()
    standin = QuickBooksStandIn(
        clock=time.now, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, verifier_token="not-a-token"
    )
    books = standin.add_company(name="Acme Ö", home_currency="GBP")
    books.custom_field_names = {"2": "P.O. Number"}
    bank = books.add_account(name="Bank", type="Bank")
    clearing = books.add_account(name="Stripe clearing", type="Other Current Asset")
    fees = books.add_account(name="Bank fees", type="Expense")
    income = books.add_account(name="Consulting fees", type="Income")
    customer = books.add_customer(name="Öz & Söhne", email="pay@example.com")
    invoices = [
        books.add_invoice(
            customer_id=customer,
            number=f"INV-{number}",
            total=Decimal(amount),
            currency="GBP",
            issued_on=date(2026, 10, 1),
            due_on=date(2026, 10, 31),
        )
        for number, amount in enumerate((HUGE, "10.10", "100", "100", "100"))
    ]
    books.add_credit_memo(
        customer_id=customer, number="CN-1", total=Decimal("7"), currency="GBP", issued_on=date(2026, 10, 2)
    )
    books.add_deposit(
        account_id=bank,
        line_account_id=income,
        amount=Decimal("5.5"),
        currency="GBP",
        deposited_on=date(2026, 11, 1),
        customer_id=customer,
        memo="coded",
    )
    with connected(DECLARATION, standin, time) as (served, given, connector):
        yield Ledger(
            time=time,
            standin=standin,
            served=served,
            consent=given,
            connector=connector,
            customer=customer,
            invoices=invoices,
            bank=bank,
            clearing=clearing,
            fees=fees,
            closed_to_fees="987654",
            balance=lambda identity: Decimal(books.invoices[identity]["Balance"]),
            postings=lambda: len(books.payments) + len(books.deposits) + len(books.journal_entries),
            void=books.void_invoice,
            add_payment=lambda identity, amount: books.add_payment(
                customer_id=customer,
                lines=[(identity, Decimal(amount))],
                total=Decimal(amount),
                paid_on=date(2026, 11, 2),
                deposit_to=bank,
                reference="by hand",
            ),
            edit_due=lambda identity, on: books.edit_invoice(identity, DueDate=on.isoformat()),
            list_path="/query",
            write_path="/payment",
        )


def books_of(ledger: Ledger) -> QuickBooksBooks:
    standin = ledger.standin
    assert isinstance(standin, QuickBooksStandIn)
    (books,) = standin.companies.values()
    return books
