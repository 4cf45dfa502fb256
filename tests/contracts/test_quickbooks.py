"""QuickBooks' connector and its stand-in against Intuit's XSD."""

from __future__ import annotations

from tests.connectors.ledger_suite import Ledger
from tests.connectors.quickbooks_company import books_of, ledger
from tests.contracts import ledger_traffic
from tests.contracts.deviations import unused
from tests.contracts.witness import Witness

__all__ = ["ledger"]


def test_every_declared_intent_has_a_sample(ledger: Ledger) -> None:
    assert not ledger_traffic.without_sample(ledger)


def test_whatever_is_sent_and_answered_keeps_the_contract(witness: Witness, ledger: Ledger) -> None:
    books_of(ledger).custom_field_names = {"2": "P.O. Number"}
    refused = ledger_traffic.drive(ledger)
    assert not refused, refused
    assert not witness.findings, witness.report()
    assert witness.seen.total() > 100
    assert not unused(witness.used, {"quickbooks"})
