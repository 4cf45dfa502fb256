"""The page behind a ledger's pay-now button: an invoice, to who brings its number and amount."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import update

from connectors.contract import Role
from runtime.button_links import ButtonLinks
from runtime.operations.payers.pay_button import button_address, switch_pay_button
from runtime.operations.payers.pay_by_card import switch_card_payments
from runtime.operations.systems.disconnect import disconnect
from runtime.portal_links import PortalLinks
from runtime.signed_tokens import LinkError
from runtime.store import tables as t
from runtime.web import pay_button
from runtime.web.pace import Pace
from tests.http_client import client_of
from tests.operations.copied import synced
from tests.operations.firm import Firm, XeroLedger, open_firm
from tests.shared import unavailable
from tests.web.firm_site import served_firm
from tests.web.people import public_site
from tests.web.serving import serving
from tests.web.test_browser import CHROMIUM, DESK, FLAGS, PHONE

KEY = bytes(range(32))
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Firm, str]]:
    with served_firm(tmp_path, xero_payment_services=True) as (firm, address):
        switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
        yield firm, address


def _pressed(firm: Firm, number: str = "INV-1001") -> str:
    """The path and query to which the button of an invoice leads, as the ledger fills it in."""
    assert isinstance(firm.ledger, XeroLedger)
    (service,) = firm.ledger.books.payment_services
    return _path(firm.ledger.books.press_pay_now(number, service))


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _named(firm: Firm, number: str, amount: str, currency: str = "GBP") -> str:
    named = {"invoiceNo": number, "currency": currency, "amount": amount, "shortCode": "!x"}
    return f"{_path(button_address(firm.app, firm.id))}?{urlencode(named)}"


@given(IDS, st.integers(0, 999), st.integers(1, 255))
def test_an_address_names_its_organisation_and_a_changed_one_nobody(organisation: str, place: int, change: int) -> None:
    links = ButtonLinks(KEY)
    assert links.read(links.token(organisation)) == organisation
    raw = bytearray(base64.urlsafe_b64decode(links.token(organisation) + "=="))
    raw[place % len(raw)] ^= change
    with pytest.raises(LinkError):
        links.read(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))
    with pytest.raises(LinkError):
        ButtonLinks(b"k" * 32).read(links.token(organisation))
    assert ButtonLinks(b"k" * 32, (KEY,)).read(links.token(organisation)) == organisation


def test_a_payers_link_opens_no_button_and_the_other_way_round(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    switch_pay_button(firm.app, organisation_id=firm.id, on=True, actor="owner")
    links = PortalLinks(firm.app.settings.encryption_key(), firm.app.clock)
    assert http.get(f"/pay/{links.link(firm.id, firm.document('INV-1001').customer_id)}").status_code == 404
    assert http.get(f"/p/{firm.app.button_links().token(firm.id)}").status_code == 404


def test_it_is_closed_until_a_person_opens_it(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    assert http.get(_named(firm, "INV-1001", "120.00")).status_code == 404
    settings = f"/o/{firm.id}/settings"
    assert "Open the page behind the button" in http.get(settings).text
    answer = http.post(f"{settings}/pay-button", data={"button": "on"}, follow_redirects=True)
    assert "The page behind the pay-now button is open." in answer.text
    assert "£120.00" in http.get(_pressed(firm)).text
    assert (
        "closed. A person removes"
        in http.post(f"{settings}/pay-button", data={"button": "off"}, follow_redirects=True).text
    )
    assert http.get(_pressed(firm)).status_code == 404


def test_who_names_the_amount_too_sees_that_invoice_and_nothing_of_its_customer(
    served: tuple[Firm, str], http: httpx.Client
) -> None:
    firm, _ = served
    switch_pay_button(firm.app, organisation_id=firm.id, on=True, actor="owner")
    page = http.get(_pressed(firm)).text
    assert "INV-1001" in page and "£120.00" in page
    for foreign in ("Acme", "acme@", "INV-1002", "INV-2001", "75.50"):
        assert foreign not in page
    assert http.get(_named(firm, "INV-1001", "120")).status_code == 200
    unknown = http.get(_named(firm, "INV-9999", "120.00"))
    assert (unknown.status_code, "INV-1001" in unknown.text) == (404, False)
    for number, amount, currency in (
        ("INV-1001", "119.99", "GBP"),
        ("INV-1001", "120.00", "EUR"),
        ("INV-1001", "0", "GBP"),
        ("INV-1001", "", "GBP"),
        ("INV-1001", "many", "GBP"),
        ("INV-1002", "120.00", "GBP"),
        ("", "120.00", "GBP"),
    ):
        wrong = http.get(_named(firm, number, amount, currency))
        assert (wrong.status_code, wrong.text) == (404, unknown.text), (number, amount, currency)


def test_what_is_on_its_way_in_part_leaves_the_rest_to_pay(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    switch_pay_button(firm.app, organisation_id=firm.id, on=True, actor="owner")
    metadata = {"invoice_number": "INV-1001"}
    firm.stripe.pay(amount=2_000, currency="GBP", method="bacs_debit", metadata=metadata)
    firm.deliver_webhooks()
    firm.work()
    page = http.get(_pressed(firm)).text
    assert "£20.00 on its way, £100.00 still open" in page
    assert "Pay £100.00 by card" in page
    firm.stripe.pay(amount=10_000, currency="GBP", method="bacs_debit", metadata=metadata)
    firm.deliver_webhooks()
    firm.work()
    page = http.get(_pressed(firm)).text
    assert "do not pay it twice" in page and "by card" not in page


def test_what_is_open_now_is_asked_for_whatever_the_paper_says(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    switch_pay_button(firm.app, organisation_id=firm.id, on=True, actor="owner")
    printed = _pressed(firm)
    firm.ledger.pay_by_hand("INV-1001", "50.00", on=firm.time().date())
    firm.settle()
    for path in (printed, _pressed(firm)):
        assert "£70.00" in http.get(path).text
    firm.ledger.pay_by_hand("INV-1001", "70.00", on=firm.time().date())
    firm.settle()
    assert "This invoice is paid" in http.get(printed).text
    named = {"invoiceNo": "INV-1001", "currency": "GBP", "amount": "120.00"}
    refused = http.post(urlsplit(printed).path, data=named)
    assert (refused.status_code, "paid already" in refused.text) == (409, True)


def test_an_invoice_that_the_ledger_does_not_mark_as_sent_can_be_paid_by_who_has_it(
    served: tuple[Firm, str], http: httpx.Client
) -> None:
    firm, _ = served
    switch_pay_button(firm.app, organisation_id=firm.id, on=True, actor="owner")
    with firm.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.number == "INV-1001").values(sent=False))
    answer = http.post(
        urlsplit(_pressed(firm)).path, data={"invoiceNo": "INV-1001", "currency": "GBP", "amount": "120.00"}
    )
    assert (answer.status_code, "To the payment page" in answer.text) == (200, True)


def test_themes_that_have_another_button_are_told_of(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    assert isinstance(firm.ledger, XeroLedger)
    theirs = firm.ledger.books.keep_payment_service(name="Theirs", url="https://elsewhere.example/pay")
    firm.ledger.books.add_branding_theme("Projects", theirs["PaymentServiceID"])
    answer = http.post(f"/o/{firm.id}/settings/pay-button", data={"button": "on"}, follow_redirects=True)
    assert "Branding themes that have another button keep it" in answer.text


def test_what_the_ledger_refuses_switches_nothing(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.keep_payment_service(name="TrueDue", url="https://old.example/pay")
    answer = http.post(f"/o/{firm.id}/settings/pay-button", data={"button": "on"})
    assert (answer.status_code, "Remove it in Xero" in answer.text) == (409, True)
    assert not firm.rows(t.organisation)[0].pay_button_on
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")
    refused = http.post(f"/o/{firm.id}/settings/pay-button", data={"button": "on"})
    assert (refused.status_code, "connect Xero first" in refused.text) == (409, True)


def test_an_app_that_xero_has_not_certified_has_the_address_pasted_by_a_person(tmp_path: Path) -> None:
    with open_firm(tmp_path) as firm, serving(synced(firm).app) as address, client_of(address) as http:
        assert isinstance(firm.ledger, XeroLedger)
        page = http.get(f"/o/{firm.id}/settings").text
        pasted = re.search(r"<code>(http[^<]*SHORTCODE\])</code>", page)
        assert pasted is not None
        assert http.post(f"/o/{firm.id}/settings/pay-button", data={"button": "on"}).status_code == 303
        assert not firm.ledger.books.payment_services
        service = firm.ledger.books.keep_payment_service(name="Pay", url=pasted[1].replace("&amp;", "&"))
        path = _path(firm.ledger.books.press_pay_now("INV-1001", service["PaymentServiceID"]))
        assert "£120.00" in http.get(path).text


def test_who_names_too_many_wrongly_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay_button, "_wrong", Pace(burst=3, per_second=0.001))
    with public_site(tmp_path) as site:
        with site.app.store.write() as db:
            db.execute(t.organisation.update().values(pay_button_on=True))
        path = f"/pay/{site.app.button_links().token('org-a')}?invoiceNo=INV-3&currency=GBP&amount="

        def ask(client: str, amount: str) -> int:
            return site.http.get(path + amount, headers={"X-Forwarded-For": client}).status_code

        assert ask("203.0.113.9", "450.00") == 200
        assert [ask("203.0.113.9", f"{wrong}.00") for wrong in range(1, 6)] == [404, 404, 404, 429, 429]
        assert ask("203.0.113.9", "450.00") == 429
        assert ask("203.0.113.10", "450.00") == 200


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_somebody_pays_from_the_invoice_that_xero_shows(
    served: tuple[Firm, str], tmp_path: Path, size: tuple[int, int]
) -> None:
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    firm, address = served
    switch_pay_button(firm.app, organisation_id=firm.id, on=True, actor="owner")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = chromium.new_context(
            base_url=address, viewport={"width": size[0], "height": size[1]}, java_script_enabled=False
        ).new_page()
        page.goto(_pressed(firm))
        page.screenshot(path=tmp_path / "asked.png", full_page=True)
        page.get_by_role("button", name="Pay £120.00 by card").click()
        page.get_by_role("button", name="Pay by card").click()  # on the processor's page
        expect(page.get_by_text("Your payment is being confirmed")).to_be_visible()
        page.screenshot(path=tmp_path / "done.png", full_page=True)
        firm.deliver_webhooks()
        firm.work()
        page.goto(_named(firm, "INV-1001", "120.00"))
        expect(page.get_by_text("This invoice is paid")).to_be_visible()
        page.goto(_named(firm, "INV-1001", "1"))
        page.screenshot(path=tmp_path / "unknown.png", full_page=True)
        chromium.close()
    assert firm.ledger.balance("INV-1001") == 0
