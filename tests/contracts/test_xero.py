"""Xero's connector and its stand-in against Xero's OpenAPI documents."""

from __future__ import annotations

import pytest

from connectors import registry
from connectors.errors import Reconnect
from connectors.records import Kind
from tests.connectors.ledger_suite import Ledger
from tests.connectors.xero_organisation import ledger
from tests.contracts import ledger_traffic
from tests.contracts.deviations import unused
from tests.contracts.witness import Witness

__all__ = ["ledger"]


def test_every_declared_intent_has_a_sample(ledger: Ledger) -> None:
    assert not ledger_traffic.without_sample(ledger)


def test_whatever_is_sent_and_answered_keeps_the_contract(witness: Witness, ledger: Ledger) -> None:
    refused = ledger_traffic.drive(ledger)
    assert not refused, refused
    ledger.consent.forced = "refused"
    with pytest.raises(Reconnect):
        ledger.connector.fetch(Kind.INVOICE, ledger.invoices)
    assert not witness.findings, witness.report()
    assert witness.seen.total() > 100
    assert not unused(witness.used, {"xero", "xero-identity"})


def test_the_scopes_asked_for_are_those_that_the_calls_want_and_no_others(witness: Witness, ledger: Ledger) -> None:
    """The document knows one scope for invoices and money; apps of today have it in three parts (Xero's page)."""
    ledger_traffic.drive(ledger)
    oauth = registry.declaration("xero").oauth
    asked = {*oauth.scopes, *oauth.more_scopes} - {"offline_access"}
    used = {_part(call) if _WHOLE in wanted else (asked & wanted).pop() for call, wanted in witness.scopes.items()}
    assert used == asked
    assert "GET /TaxRates" in witness.scopes


_WHOLE = "accounting.transactions"


def _part(call: str) -> str:
    of = call.split("/")[1]
    if of in ("Payments", "BatchPayments"):
        return "accounting.payments"
    return f"accounting.{'banktransactions' if of in ('BankTransactions', 'BankTransfers') else 'invoices'}"
