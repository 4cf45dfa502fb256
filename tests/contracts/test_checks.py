"""The checks themselves: real calls, each spoiled in one place, must be found; the rows of the table must be true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from werkzeug.wrappers import Request, Response

from connectors.records import Kind
from sandbox.standin import StandIn
from tests.connectors.ledger_suite import Ledger, read, receipt
from tests.connectors.quickbooks_company import ledger as quickbooks
from tests.connectors.test_stripe import PAYMENT, World, world
from tests.connectors.xero_organisation import ledger as xero
from tests.contracts.deviations import DEVIATIONS, excuse
from tests.contracts.findings import Exchange, Finding
from tests.contracts.witness import Contracts, contracts, exchange_of
from tests.shared import shared_specs

__all__ = ["quickbooks", "world", "xero"]

Spoil = tuple[str, bytes, bytes, str, str]  # side, text, what it becomes, place and rule of the finding

XERO: tuple[tuple[str, Spoil], ...] = (
    ("GET /api.xro/2.0/Invoices", ("answer", b'"AmountDue"', b'"AmountDues"', "/Invoices/[]/AmountDues", "unknown")),
    ("GET /api.xro/2.0/Invoices", ("answer", b'"AUTHORISED"', b'"AUTHORIZED"', "/Invoices/[]/Status", "enum")),
    ("GET /api.xro/2.0/Invoices", ("answer", b"/Date(", b"/Day(", "/Invoices/[]/Date", "pattern")),
    ("PUT /api.xro/2.0/Payments", ("body", b'"Amount":10.10', b'"Amount":"10.10"', "/Payments/[]/Amount", "type")),
    ("PUT /api.xro/2.0/Payments", ("body", b'"Reference"', b'"Referance"', "/Payments/[]/Referance", "unknown")),
)
QUICKBOOKS: tuple[tuple[str, Spoil], ...] = (
    ("POST payment", ("answer", b'"UnappliedAmt"', b'"UnappliedAmount"', "/Payment/UnappliedAmount", "unknown")),
    ("POST payment", ("body", b'"Invoice"', b"17", "/Line/[]/LinkedTxn/[]/TxnType", "type")),
    ("POST payment", ("body", b'"TxnDate":"2026', b'"TxnDate":"26', "/TxnDate", "xsd")),
    ("POST query", ("answer", b'"EmailSent"', b'"EmailSend"', "/QueryResponse/Invoice/EmailStatus", "xsd")),
    ("POST query", ("body", b"FROM Invoice", b"FROM Invoices", "query", "unknown")),
    ("POST query", ("body", b"ORDERBY Id", b"ORDERBY Ids", "query/Invoice.Ids", "unknown")),
)
STRIPE: tuple[tuple[str, Spoil], ...] = (
    ("GET /v1/payment_intents/", ("answer", b'"succeeded"', b'"paid"', "/status", "enum")),
    ("GET /v1/payment_intents/", ("answer", b'"amount_received"', b'"received"', "/received", "unknown")),
    (
        "GET /v1/payment_intents/",
        ("answer", b'"fee_details"', b'"fees"', "/latest_charge/balance_transaction/fees", "unknown"),
    ),
)


@pytest.fixture
def seen() -> Iterator[list[Exchange]]:
    """What passed, as it was."""
    kept: list[Exchange] = []

    def keep(_: StandIn, request: Request, response: Response) -> None:
        kept.append(exchange_of(request, response))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StandIn, "witness", keep)
        yield kept


@pytest.fixture(scope="module")
def all_contracts() -> Contracts:
    return contracts(shared_specs())


def _found(
    seen: list[Exchange], judge: Callable[[Exchange], list[Finding]], which: str, spoil: Spoil
) -> set[tuple[str, str]]:
    """Findings of the first call that can be spoiled so; as it was, it has none that the table does not explain."""
    side, text, instead, _, _ = spoil
    method, path = which.split(" ")
    for exchange in seen:
        whole: bytes = getattr(exchange, side)
        if exchange.method == method and path in exchange.path and text in whole and exchange.status == 200:
            assert not [found for found in judge(exchange) if excuse(found) is None]
            spoiled = replace(exchange, **{side: whole.replace(text, instead)})  # type: ignore[arg-type]
            return {(found.place, found.rule) for found in judge(spoiled) if excuse(found) is None}
    raise AssertionError(f"no call {which} holds {text!r}")


def _ledger_calls(ledger: Ledger) -> None:
    read(ledger, Kind.INVOICE)
    ledger.connector.write([receipt(ledger, "one", {1: "10.10"})])


def test_xeros_faults_are_found(seen: list[Exchange], xero: Ledger, all_contracts: Contracts) -> None:
    _ledger_calls(xero)
    for which, spoil in XERO:
        assert spoil[3:] in _found(seen, all_contracts.xero.findings, which, spoil), spoil


def test_quickbooks_faults_are_found(seen: list[Exchange], quickbooks: Ledger, all_contracts: Contracts) -> None:
    _ledger_calls(quickbooks)
    for which, spoil in QUICKBOOKS:
        assert spoil[3:] in _found(seen, all_contracts.quickbooks.findings, which, spoil), spoil


def test_stripes_faults_are_found(seen: list[Exchange], world: World, all_contracts: Contracts) -> None:
    world.connector.fetch(PAYMENT, [world.stripe.pay(amount=120_00, currency="gbp")])
    for which, spoil in STRIPE:
        assert spoil[3:] in _found(seen, all_contracts.stripe.findings, which, spoil), spoil


def test_a_parameter_or_header_that_is_not_there_is_found(all_contracts: Contracts) -> None:
    asked = Exchange(
        "GET", "/api.xro/2.0/Accounts", (("pageSize", "many"),), {"idempotency-key": "k"}, b"", 429, {}, b""
    )
    found = {(each.place, each.rule) for each in all_contracts.xero.findings(asked)}
    assert {
        ("query/pageSize", "unknown"),
        ("header/xero-tenant-id", "missing"),
        ("header/idempotency-key", "unknown"),
        ("", "status"),
    } <= found
    nested = Exchange("GET", "/v1/events", (("created[since]", "5"), ("limit", "x")), {}, b"", 200, {}, b"")
    found = {(each.place, each.rule) for each in all_contracts.stripe.findings(nested)}
    assert {("query/created/since", "unknown"), ("query/limit", "type")} <= found


def test_the_examples_that_rows_name_are_in_the_contracts(all_contracts: Contracts) -> None:
    named = {"xero": all_contracts.xero, "xero-identity": all_contracts.xero_identity}
    shown = [(row.contract, example) for row in DEVIATIONS for example in row.examples]
    assert len(shown) > 10
    assert [each for each in shown if not named[each[0]].shows(each[1])] == []


def test_every_row_names_its_evidence() -> None:
    assert all(row.contract_says and row.vendor_does and row.evidence for row in DEVIATIONS)
