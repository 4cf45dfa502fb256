"""Xero's connector and its stand-in against Xero's OpenAPI documents."""

from __future__ import annotations

import pytest

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
