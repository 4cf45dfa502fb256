"""The pay-now button on Xero's invoices: made once, put where no other is, and only with the scope for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.errors import Reconnect, Reject
from connectors.intents import OfferPayment
from connectors.ledgers.xero import DECLARATION
from connectors.oauth import OAuthFlow
from tests.connectors.consent import consent
from tests.connectors.ledger_suite import Ledger, done, write_one
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["ledger"]

BUTTON = OfferPayment("button", "TrueDue", "https://pay.example.com/pay/key", "Pay now")


def test_the_service_is_made_once_and_stands_on_every_theme_without_another(ledger: Ledger) -> None:
    books = books_of(ledger)
    theirs = books.keep_payment_service(name="Their own", url="https://elsewhere.example/pay")
    paypal = books.keep_payment_service(name="them@example.com", url="https://paypal.example", kind="PayPal")
    taken = books.add_branding_theme("Special Projects", theirs["PaymentServiceID"])
    beside = books.add_branding_theme("Retail", paypal["PaymentServiceID"])
    assert find_one(ledger.connector, BUTTON) is None
    first = done(write_one(ledger, BUTTON))
    ours = first.external_ids[0]
    assert first.left == ("Special Projects",)
    assert books.branding_themes[taken]["Services"] == [theirs["PaymentServiceID"]]
    assert books.branding_themes[beside]["Services"] == [paypal["PaymentServiceID"], ours]
    assert [each["PayNowText"] for each in books.payment_services.values()][-1] == "Pay now"
    again = done(write_one(ledger, BUTTON))
    assert (again, find_one(ledger.connector, BUTTON)) == (first, first)
    assert len(books.payment_services) == 3
    later = books.add_branding_theme("New")
    assert find_one(ledger.connector, BUTTON) is None
    assert done(write_one(ledger, BUTTON)).external_ids[-1] == later


def test_the_button_leads_to_our_page_with_what_xero_fills_in(ledger: Ledger) -> None:
    ours = done(write_one(ledger, BUTTON)).external_ids[0]
    assert books_of(ledger).press_pay_now("INV-1", ours) == (
        "https://pay.example.com/pay/key?invoiceNo=INV-1&currency=GBP&amount=10.10&shortCode=%21acme"
    )


def test_a_service_of_our_name_that_leads_elsewhere_is_left_to_a_person(ledger: Ledger) -> None:
    books_of(ledger).keep_payment_service(name="TrueDue", url="https://old.example.com/pay")
    refused = write_one(ledger, BUTTON)
    assert isinstance(refused, Reject)
    assert "Remove it in Xero" in refused.remedy
    assert not next(iter(books_of(ledger).branding_themes.values()))["Services"]


def test_what_xero_refuses_changes_nothing(ledger: Ledger) -> None:
    assert isinstance(write_one(ledger, replace(BUTTON, words="x" * 256)), Reject)
    assert not books_of(ledger).payment_services


def test_without_the_scope_xero_refuses(ledger: Ledger) -> None:
    few = replace(DECLARATION, oauth=replace(DECLARATION.oauth, more_scopes=()))
    connector = consent(few, ledger.served.url, ledger.time).open()
    (outcome,) = connector.write([BUTTON])
    connector.close()
    assert isinstance(outcome, Reconnect)


@pytest.mark.parametrize(("more", "asked"), [(True, True), (False, False)])
def test_the_scope_is_asked_for_only_where_xero_lets_us(ledger: Ledger, more: bool, asked: bool) -> None:
    endpoint = replace(ledger.consent.endpoint, more_scopes=more)
    page = OAuthFlow(DECLARATION.oauth, endpoint, ledger.time.now).begin("http://127.0.0.1:1/callback").url
    assert ("paymentservices" in page) is asked
