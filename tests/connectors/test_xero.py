"""Xero's connector with xero-python against the stand-in, over loopback HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from connectors.contract import TellsOfReminders
from connectors.errors import Fatal, Reject
from connectors.intents import Done, PostReceipt, UndoPosting
from connectors.ledgers import exact
from connectors.ledgers.xero import DECLARATION
from connectors.ledgers.xero.client import _TIMEOUT, XeroClient
from connectors.ledgers.xero.convert import invoice as invoice_record
from connectors.ledgers.xero.convert import moment
from connectors.ledgers.xero.refusals import refusal
from connectors.ledgers.xero.steps import receipt_steps, split_fee
from connectors.records import (
    AccountFields,
    AccountPurpose,
    CustomerFields,
    DocumentFields,
    Kind,
    PaymentFields,
    PaymentLine,
)
from receivables.money import Money, total
from sandbox.xero import XeroStandIn
from tests.connectors.consent import consent
from tests.connectors.ledger_suite import Install, Ledger, LedgerSuite, gbp, intercept, read
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["intercept", "ledger"]


class TestXero(LedgerSuite):
    """The suite of all ledgers."""


def test_accounts_have_a_purpose(ledger: Ledger) -> None:
    fields = [record.fields for record in read(ledger, Kind.ACCOUNT).values()]
    purposes = {each.handle: each.purpose for each in fields if isinstance(each, AccountFields)}
    assert purposes["090"] is AccountPurpose.BANK
    assert purposes["091"] is AccountPurpose.CLEARING
    assert purposes["404"] is AccountPurpose.FEES
    assert purposes["429"] is AccountPurpose.OTHER
    assert purposes["200"] is AccountPurpose.INCOME  # its type goes before the word in its name


def test_xero_says_whether_it_reminds(ledger: Ledger) -> None:
    assert isinstance(ledger.connector, TellsOfReminders)
    assert not ledger.connector.reminds()
    books_of(ledger).sends_reminders = True
    assert ledger.connector.reminds()


@pytest.mark.off_contract
@pytest.mark.parametrize("told", ["[]", "null", '[{"Enabled": "yes"}]', '["on"]'])
def test_an_unclear_answer_about_reminders_is_none(ledger: Ledger, intercept: Install, told: str) -> None:
    intercept(lambda _request, _handle: Response(f'{{"InvoiceReminders": {told}}}'))
    assert isinstance(ledger.connector, TellsOfReminders)
    with pytest.raises(Fatal, match="reminders"):
        ledger.connector.reminds()


def test_several_lines_are_one_batch_payment(ledger: Ledger, intercept: Install) -> None:
    bodies: list[object] = []

    def listen(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method in ("PUT", "POST"):
            bodies.append((request.path.rsplit("/", 1)[-1], request.headers["Idempotency-Key"]))
        return handle()

    intercept(listen)
    lines = tuple(PaymentLine(each, gbp("1.00")) for each in ledger.invoices[1:])
    intent = PostReceipt("k" * 300, ledger.customer, date(2026, 11, 16), "090", "ref", lines, gbp("0"), gbp("0"))
    ledger.connector.write([intent])
    ((path, key),) = [body for body in bodies if isinstance(body, tuple)]
    assert path == "BatchPayments"
    assert len(key) <= 128


def test_a_payment_by_hand_and_its_deletion_are_read(ledger: Ledger) -> None:
    identity = ledger.add_payment(ledger.invoices[2], "12.34")
    fields = read(ledger, Kind.PAYMENT)[identity].fields
    assert isinstance(fields, PaymentFields)
    assert (fields.amount, fields.reference, fields.customer_external_id) == (gbp("12.34"), "by hand", ledger.customer)
    ledger.time.sleep(60)
    since = ledger.time.now()
    books_of(ledger).delete_payment(identity)
    assert read(ledger, Kind.PAYMENT, since)[identity].deleted


def test_a_merged_contact_names_the_one_that_took_its_place(ledger: Ledger) -> None:
    books = books_of(ledger)
    kept = books.add_contact(name="Söhne GmbH")
    archived = books.add_contact(name="Asleep")
    books.edit_contact(archived, ContactStatus="ARCHIVED")
    books.merge_contact(ledger.customer, into=kept)
    page = ledger.connector.fetch(Kind.CUSTOMER, [ledger.customer, archived])
    for records in (read(ledger, Kind.CUSTOMER), {record.external_id: record for record in page.records}):
        merged = records[ledger.customer]
        assert isinstance(merged.fields, CustomerFields)
        assert (merged.deleted, merged.fields.merged_into_external_id) == (True, kept)
        assert not records[archived].deleted
    moved = read(ledger, Kind.INVOICE)[ledger.invoices[1]].fields
    assert isinstance(moved, DocumentFields)
    assert moved.customer_external_id == kept


def test_currencies_and_order_numbers_are_read(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.add_account(code="092", name="Euro", type="BANK", currency="EUR")
    books.edit_contact(ledger.customer, DefaultCurrency="EUR")
    accounts = [record.fields for record in read(ledger, Kind.ACCOUNT).values()]
    assert {each.handle: each.currency for each in accounts if isinstance(each, AccountFields)} == {
        "090": "GBP", "091": "GBP", "092": "EUR", "200": None, "404": None, "429": None,
    }  # fmt: skip
    customer = read(ledger, Kind.CUSTOMER)[ledger.customer].fields
    assert isinstance(customer, CustomerFields)
    assert customer.currency == "EUR"
    invoice = read(ledger, Kind.INVOICE)[ledger.invoices[3]].fields
    assert isinstance(invoice, DocumentFields)
    assert (invoice.purchase_order, invoice.references) == ("PO-3", ("PO-3",))


def test_a_deleted_batch_is_read_as_deleted(ledger: Ledger) -> None:
    lines = tuple(PaymentLine(each, gbp("1.00")) for each in ledger.invoices[1:])
    intent = PostReceipt("b", ledger.customer, date(2026, 11, 16), "090", "ref", lines, gbp("0"), gbp("0"))
    (written,) = ledger.connector.write([intent])
    assert isinstance(written, Done)
    ledger.time.sleep(60)
    since = ledger.time.now()
    ledger.connector.write([UndoPosting("u", written.external_ids)])
    fetched = ledger.connector.fetch(Kind.PAYMENT, written.external_ids)
    assert not fetched.problems
    for record in (*fetched.records, read(ledger, Kind.PAYMENT, since)[written.external_ids[0]]):
        assert (record.external_id, record.deleted) == (written.external_ids[0], True)


def test_one_consent_opens_several_organisations(ledger: Ledger) -> None:
    """They share one token set: a rotation for one of them is a rotation for all."""
    standin = ledger.standin
    assert isinstance(standin, XeroStandIn)
    standin.add_organisation(name="Second", base_currency="EUR", short_code="!second")
    given_consent = consent(DECLARATION, ledger.served.url, ledger.time)
    assert [account.name for account in given_consent.accounts] == ["Acme", "Second"]
    access = given_consent.access()
    for _ in range(2):
        seen = []
        for account in given_consent.accounts:
            connector = DECLARATION.open(replace(access, account=account))
            seen.append(sum(len(page.records) for page in connector.read(Kind.INVOICE, since=None)))
            connector.close()
        assert seen == [5, 0]
        ledger.time.sleep(3600)  # the access token is over


def test_threads_of_several_organisations_never_mix(ledger: Ledger) -> None:
    """Eight threads over four tenants: each request carries the token and the tenant of one consent."""
    time = ledger.time
    standin = ledger.standin
    assert isinstance(standin, XeroStandIn)
    connectors = []
    for number in range(4):
        books = standin.add_organisation(name=f"Org {number}", base_currency="GBP", short_code=f"!{number}")
        contact = books.add_contact(name=f"Customer {number}")
        books.add_invoice(
            contact_id=contact,
            number=f"ONLY-{number}",
            total=Decimal(number + 1),
            currency="GBP",
            issued_on=date(2026, 10, 1),
            due_on=date(2026, 10, 31),
        )
        given_consent = consent(DECLARATION, ledger.served.url, time, hint=books.tenant_id)
        assert [account.external_id for account in given_consent.accounts] == [books.tenant_id]
        connectors.append((number, given_consent.open()))
    seen: set[tuple[str, str]] = set()

    def listen(request: Request, handle: Callable[[], Response]) -> Response:
        seen.add((request.headers["Authorization"], request.headers["xero-tenant-id"]))
        return handle()

    standin.interceptor = listen
    wrong: list[object] = []
    read_pages: list[int] = []

    def work(number: int, connector: object) -> None:
        for _ in range(5):
            pages = list(connector.read(Kind.INVOICE, since=None))  # type: ignore[attr-defined]
            numbers = [record.fields.number for page in pages for record in page.records]
            read_pages.append(len(pages))
            if numbers != [f"ONLY-{number}"]:
                wrong.append((number, numbers))

    threads = [threading.Thread(target=work, args=each) for each in connectors * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    standin.interceptor = None
    assert not wrong
    assert len(read_pages) == 40
    assert len(seen) == 4


def test_clients_share_no_token(ledger: Ledger) -> None:
    """The SDK's configuration is a hidden singleton: two clients made as documented would share its token object."""
    first, second = (XeroClient(ledger.consent.access()) for _ in range(2))
    tokens = [client._client.configuration.oauth2_token for client in (first, second)]
    assert tokens[0] is not tokens[1]
    assert isinstance(_TIMEOUT, int)  # the SDK ignores a float, without a word


def test_a_posting_is_recognised_by_reference_date_and_amounts() -> None:
    lines = (PaymentLine("i", gbp("1")),)
    intent = PostReceipt("k", "c", date(2026, 11, 16), "090", "ref k", lines, gbp("0"), gbp("0"))
    (step,) = receipt_steps(intent)
    item = {"Reference": "ref k", "Date": "2026-11-16", "Status": "AUTHORISED", "Amount": 1}
    item |= {"Invoice": {"InvoiceID": "i"}}
    assert step.made(item)
    for change in (
        {"Date": "2026-11-17"},
        {"Reference": "ref"},
        {"Amount": 2},
        {"Status": "DELETED"},
        {"Invoice": {"InvoiceID": "j"}},
        {"Invoice": None},
    ):
        assert not step.made(item | change)


@given(st.integers(min_value=1, max_value=2**62))
def test_any_amount_is_read_from_its_digits(minor: int) -> None:
    amount = Money(minor, "GBP")
    body = (
        '{"Type":"ACCREC","InvoiceID":"i","InvoiceNumber":"n","Status":"AUTHORISED","CurrencyCode":"GBP",'
        '"Contact":{"ContactID":"c"},"Date":"/Date(1790812800000+0000)/","DueDate":"/Date(1790812800000)/",'
        f'"UpdatedDateUTC":"/Date(1790812800123+0000)/","Total":{amount.text()},"AmountDue":{exact.dumps(amount)}}}'
    )
    record = invoice_record(exact.loads(body))
    assert record is not None
    assert getattr(record.fields, "total", None) == getattr(record.fields, "balance", None) == amount
    assert record.modified_at is not None and record.modified_at.microsecond == 123_000


@given(
    amounts=st.lists(st.integers(min_value=1, max_value=10**12), min_size=1, max_size=6),
    share=st.fractions(min_value=0, max_value=1),
)
def test_a_fee_is_divided_without_loss(amounts: list[int], share: object) -> None:
    fee = int(sum(amounts) * share)  # type: ignore[operator]
    lines = tuple(PaymentLine(f"i{index}", Money(amount, "GBP")) for index, amount in enumerate(amounts))
    intent = PostReceipt("k", "c", date(2026, 1, 1), "090", "r", lines, gbp("0"), Money(fee, "GBP"), "404")
    cash, kept = split_fee(intent)
    assert total([line.amount for line in kept], "GBP") == intent.fee
    for line in lines:
        parts = [part.amount for part in (*cash, *kept) if part.document_external_id == line.document_external_id]
        assert total(parts, "GBP") == line.amount
    assert all(part.amount.minor > 0 for part in (*cash, *kept))


def test_a_fee_without_account_is_refused() -> None:
    lines = (PaymentLine("i", gbp("1")),)
    for fee, account in (("2", "404"), ("1", None)):
        intent = PostReceipt("k", "c", date(2026, 1, 1), "090", "r", lines, gbp("0"), gbp(fee), account)
        with pytest.raises(Reject):
            split_fee(intent)


def test_refusals_are_named() -> None:
    body = b'{"ErrorNumber":10,"Type":"ValidationException","Message":"A validation exception occurred","Elements":[{"ValidationErrors":[{"Message":"The document date cannot be before the end of year lock date"}]}]}'  # noqa: E501
    error = refusal(400, body)
    assert isinstance(error, Reject)
    assert (error.code, "lock date" in error.remedy) == ("locked_period", True)
    assert isinstance(refusal(400, b'{"Title":"Bad","Detail":"Idempotency key was used for another request"}'), Fatal)


def test_dates_are_read_as_utc() -> None:
    assert moment("/Date(1573755038314)/").isoformat() == "2019-11-14T18:10:38.314000+00:00"
    assert moment("/Date(-1000+1300)/").isoformat() == "1969-12-31T23:59:59+00:00"
    assert moment("2019-11-14T18:10:38").isoformat() == "2019-11-14T18:10:38+00:00"
    with pytest.raises(ValueError, match="Invalid isoformat"):
        moment(None)
