"""Signatures and bodies of webhooks against what the vendors publish."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

from connectors.ledgers.quickbooks import DECLARATION as QUICKBOOKS
from sandbox.quickbooks.standin import sign
from tests.connectors.ledger_suite import Ledger
from tests.connectors.quickbooks_company import books_of as quickbooks_books
from tests.connectors.quickbooks_company import ledger as quickbooks
from tests.connectors.xero_organisation import books_of as xero_books
from tests.connectors.xero_organisation import ledger as xero
from tests.contracts.deviations import unused
from tests.contracts.witness import Witness
from tests.shared import shared_specs

__all__ = ["quickbooks", "xero"]

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
NOBODY = "http://127.0.0.1:1/webhooks"


def test_intuits_own_signature_is_verified() -> None:
    vector = json.loads((shared_specs() / "intuit" / "webhook_signature_vector.json").read_text())
    token, body, signature = vector["verifier_token"], vector["body"].encode(), vector["intuit_signature"]
    assert QUICKBOOKS.verify(token, {"intuit-signature": signature}, body, NOW)
    assert sign(token, body) == signature
    assert not QUICKBOOKS.verify(token, {"intuit-signature": signature}, body.replace(b"Create", b"Update"), NOW)
    assert not QUICKBOOKS.verify(token[:-1] + "b", {"intuit-signature": signature}, body, NOW)
    assert not QUICKBOOKS.verify(token, {"intuit-signature": signature[:-2] + "A="}, body, NOW)
    (notice,) = QUICKBOOKS.notices(body)
    assert (notice.account, notice.external_id) == ("1185883450", "1")


def test_what_xero_posts_keeps_the_contract(witness: Witness, xero: Ledger) -> None:
    books, standin = xero_books(xero), xero.standin
    standin.subscribe(NOBODY, check_intent=False)  # type: ignore[attr-defined]
    contact = books.add_contact(name="Alder", email="ap@alder.example", number="C-9")
    books.edit_contact(contact, EmailAddress="new@alder.example")
    xero.void(xero.invoices[3])
    xero.add_payment(xero.invoices[2], "10")
    books.add_credit_note(contact_id=contact, number="CN-9", total=Decimal(7), currency="GBP", issued_on=NOW.date())
    assert witness.seen["webhook"] >= 5
    assert not witness.findings, witness.report()
    assert not unused(witness.used, {"xero-webhooks"})


def test_what_intuit_posts_is_a_cloud_event(witness: Witness, quickbooks: Ledger) -> None:
    books, standin = quickbooks_books(quickbooks), quickbooks.standin
    standin.subscribe(NOBODY)  # type: ignore[attr-defined]
    books.add_customer(name="Alder", email="ap@alder.example")
    quickbooks.void(quickbooks.invoices[3])
    payment = quickbooks.add_payment(quickbooks.invoices[2], "10")
    books.delete_payment(payment)
    assert witness.seen["webhook"] >= 4
    assert not witness.findings, witness.report()
