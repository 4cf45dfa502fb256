"""QuickBooks' connector with python-quickbooks against the stand-in, over loopback HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Absent, Reject, Retry, Stale
from connectors.intents import EditDocument
from connectors.ledgers.quickbooks.convert import payment
from connectors.ledgers.quickbooks.refusals import fault_of
from connectors.records import (
    AccountFields,
    AccountPurpose,
    CodedReceiptFields,
    CustomerFields,
    DocumentFields,
    Kind,
    PaymentFields,
    PaymentLine,
)
from tests.connectors.ledger_suite import (
    Install,
    Ledger,
    LedgerSuite,
    always,
    gbp,
    intercept,
    read,
    receipt,
    write_one,
)
from tests.connectors.quickbooks_company import books_of, ledger

__all__ = ["intercept", "ledger"]


class TestQuickBooks(LedgerSuite):
    """The suite of all ledgers."""

    def test_a_refused_second_step_takes_back_the_first(self, ledger: Ledger) -> None:
        refusal = '{"Fault":{"Error":[{"Message":"Invalid Reference Id","code":"2500"}],"type":"ValidationFault"}}'

        def refuse(request: Request, handle: Callable[[], Response]) -> Response:
            return Response(refusal, status=400) if request.path.endswith("/deposit") else handle()

        ledger.standin.interceptor = refuse
        before = ledger.postings()
        outcome = write_one(ledger, receipt(ledger, "half", {2: "100"}, fee="2.50"))
        assert isinstance(outcome, Reject)
        assert outcome.code == "2500"
        assert ledger.postings() == before
        assert ledger.balance(ledger.invoices[2]) == Decimal(100)


def test_the_company_is_named(ledger: Ledger) -> None:
    assert [account.name for account in ledger.consent.accounts] == ["Acme Ö"]


def test_accounts_have_a_purpose(ledger: Ledger) -> None:
    fields = [record.fields for record in read(ledger, Kind.ACCOUNT).values()]
    purposes = {each.name: each.purpose for each in fields if isinstance(each, AccountFields)}
    assert purposes["Bank"] is AccountPurpose.BANK
    assert purposes["Stripe clearing"] is AccountPurpose.CLEARING
    assert purposes["Bank fees"] is AccountPurpose.FEES
    assert purposes["Consulting fees"] is AccountPurpose.INCOME


def test_a_customer_billed_with_its_parent_names_it(ledger: Ledger) -> None:
    books = books_of(ledger)
    billed = books.add_customer(name="Billed", parent_id=ledger.customer, bill_with_parent=True)
    own = books.add_customer(name="Own", parent_id=ledger.customer)
    records = read(ledger, Kind.CUSTOMER)
    customers = [each.fields for each in (records[billed], records[own]) if isinstance(each.fields, CustomerFields)]
    assert [each.parent_external_id for each in customers] == [ledger.customer, None]


def test_a_deleted_payment_is_read_as_deleted(ledger: Ledger) -> None:
    identity = ledger.add_payment(ledger.invoices[2], "12.34")
    fields = read(ledger, Kind.PAYMENT)[identity].fields
    assert isinstance(fields, PaymentFields)
    assert (fields.amount, fields.reference) == (gbp("12.34"), "by hand")
    ledger.time.sleep(60)
    since = ledger.time.now()
    books_of(ledger).delete_payment(identity)
    assert read(ledger, Kind.PAYMENT, since)[identity].deleted
    assert read(ledger, Kind.INVOICE, since)[ledger.invoices[2]].fields.balance == gbp("100")  # type: ignore[union-attr]


def test_a_cut_answer_of_changes_loses_no_deletion(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("connectors.ledgers.quickbooks.read", "sandbox.quickbooks.api"):
        monkeypatch.setattr(f"{module}.CDC_OBJECTS", 2)
    since = ledger.time.now()
    gone = [ledger.add_payment(ledger.invoices[2], "1") for _ in range(5)]
    for identity in gone:
        ledger.time.sleep(2)
        books_of(ledger).delete_payment(identity)
    ledger.time.sleep(2)
    kept = ledger.add_payment(ledger.invoices[2], "1")
    found = read(ledger, Kind.PAYMENT, since)
    assert {identity for identity, record in found.items() if record.deleted} == set(gone)
    assert not found[kept].deleted


def test_deletions_that_quickbooks_no_longer_tells_are_a_problem(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = ledger.time.now() - timedelta(days=40)
    pages = list(ledger.connector.read(Kind.INVOICE, since=long_ago))
    assert {record.external_id for page in pages for record in page.records} == set(ledger.invoices)
    assert [problem.code for page in pages for problem in page.problems] == ["deletions_unknown"]
    for module in ("connectors.ledgers.quickbooks.read", "sandbox.quickbooks.api"):
        monkeypatch.setattr(f"{module}.CDC_OBJECTS", 2)
    pages = list(ledger.connector.read(Kind.INVOICE, since=ledger.time.now() - timedelta(days=1)))  # all in one second
    assert {record.external_id for page in pages for record in page.records} == set(ledger.invoices)
    assert [problem.code for page in pages for problem in page.problems] == ["deletions_unknown"]


def test_nothing_of_a_deposit_of_payments_is_coded(ledger: Ledger) -> None:
    before = read(ledger, Kind.CODED_RECEIPT)
    write_one(ledger, receipt(ledger, "fee", {4: "100"}, fee="2.50"))
    (ours,) = [record for each, record in read(ledger, Kind.CODED_RECEIPT).items() if each not in before]
    assert isinstance(ours.fields, CodedReceiptFields)
    assert (ours.fields.amount.minor, ours.deleted) == (0, False)


def test_edits_send_only_what_they_change(ledger: Ledger, intercept: Install) -> None:
    sent: list[dict[str, object]] = []

    def listen(request: Request, handle: Callable[[], Response]) -> Response:
        if request.path.endswith("/invoice"):
            assert "requestid" not in request.args  # the version keeps it from happening twice
            assert request.args["minorversion"] == "75"
            sent.append(json.loads(request.get_data(cache=True)))
        return handle()

    intercept(listen)
    edit = EditDocument("k", ledger.invoices[2], "0", date(2026, 12, 5))
    write_one(ledger, edit)
    expected = {"Id": ledger.invoices[2], "SyncToken": "0", "sparse": True, "DueDate": "2026-12-05"}
    assert sent == [expected]


def test_a_throttle_dressed_as_a_validation_fault_is_a_retry(ledger: Ledger, intercept: Install) -> None:
    body = '{"Fault":{"Error":[{"Message":"message=ThrottleExceeded; errorCode=003001","code":"003001"}],"type":"X"}}'
    for status in (200, 400):
        intercept(always(body, status=status))
        outcome = write_one(ledger, receipt(ledger, "t", {2: "10"}))
        assert isinstance(outcome, Retry)
        assert (outcome.after_seconds, outcome.ambiguous) == (60, False)
        ledger.time.sleep(61)


def test_faults_are_named() -> None:
    stale = fault_of(b'{"Fault":{"Error":[{"Message":"Stale Object Error","code":"5010"}]}}')
    assert stale is not None
    assert isinstance(stale.error(), Stale)
    gone = fault_of(b'{"fault":{"error":[{"message":"Object Not Found","code":"610"}]}}')
    assert gone is not None
    assert isinstance(gone.error(), Absent)
    assert fault_of(b"<html>") is None
    assert fault_of(b'{"Invoice":{}}') is None
    empty = fault_of(b'{"Fault":{"Error":[]}}')
    assert empty is not None
    assert empty.code == ""


def test_a_credit_memo_used_by_a_payment_is_a_negative_line() -> None:
    item = {
        "Id": "1",
        "SyncToken": "0",
        "MetaData": {"LastUpdatedTime": "2026-11-01T10:00:00-07:00"},
        "TxnDate": "2026-11-01",
        "CurrencyRef": {"value": "GBP"},
        "CustomerRef": {"value": "7"},
        "TotalAmt": 0,
        "UnappliedAmt": 0,
        "Line": [
            {"Amount": Decimal("7.00"), "LinkedTxn": [{"TxnId": "2", "TxnType": "Invoice"}]},
            {"Amount": Decimal("7.00"), "LinkedTxn": [{"TxnId": "3", "TxnType": "CreditMemo"}]},
        ],
    }
    record = payment(item)
    assert isinstance(record.fields, PaymentFields)
    assert record.fields.lines == (PaymentLine("2", gbp("7")), PaymentLine("3", gbp("-7")))
    assert not record.deleted


def test_an_invoice_to_be_sent_is_not_sent(ledger: Ledger) -> None:
    books_of(ledger).edit_invoice(ledger.invoices[1], EmailStatus="NeedToSend")
    fields = [each.fields for each in read(ledger, Kind.INVOICE).values()]
    unsent = [each.number for each in fields if isinstance(each, DocumentFields) and not each.sent]
    assert unsent == ["INV-1"]
