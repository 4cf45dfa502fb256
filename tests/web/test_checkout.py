"""Paying by card from the payer's page: what it offers, and the whole way to the processor's page and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from receivables.money import Money
from runtime.operations.payers.pay_by_card import MAX_INVOICES, switch_card_payments
from runtime.operations.payers.pay_by_transfer import switch_transfers
from runtime.operations.plans.agree_plan import agree_plan
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm
from tests.shared import unavailable
from tests.web.firm_site import payers_page, served_firm
from tests.web.test_browser import CHROMIUM, FLAGS, PHONE


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Firm, str]]:
    with served_firm(tmp_path) as (firm, address):
        switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
        yield firm, address


@contextmanager
def _browsing(address: str, **context: Any) -> Iterator[Page]:  # noqa: ANN401 - what a browser's context takes
    """A page of a browser that runs no scripts."""
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium.new_context(base_url=address, java_script_enabled=False, **context).new_page()
        chromium.close()


def _plan(firm: Firm) -> None:
    """Let Acme pay its 195.50 in two instalments."""
    agree_plan(
        firm.app,
        organisation_id=firm.id,
        customer_id=firm.document("INV-1001").customer_id,
        debt=Money(19_550, "GBP"),
        count=2,
        first_on=TODAY + timedelta(days=6),
        consent="I agree.",
        actor="customer",
    )


def test_a_card_is_offered_only_while_it_is_switched_on(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    assert "Pay the chosen ones by card" in http.get(payers_page(firm)).text
    assert "Pay the chosen" not in http.get(payers_page(firm, "INV-2001")).text  # there is just one
    pay = f"{payers_page(firm)}/pay/{firm.document('INV-1001').id}"
    assert "Pay by card" in http.get(pay).text
    answer = http.post(f"/o/{firm.id}/settings/cards", data={"cards": "off"}, follow_redirects=True)
    assert "not offered to pay by card any more" in answer.text
    for path in (payers_page(firm), pay):
        assert "by card" not in http.get(path).text
    refused = http.post(f"{payers_page(firm)}/checkout", data={"invoice": firm.document("INV-1001").id})
    assert (refused.status_code, "bank transfer" in refused.text) == (409, True)


def test_a_transfer_is_offered_only_while_it_is_switched_on(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    pages = (payers_page(firm), f"{payers_page(firm)}/pay/{firm.document('INV-1001').id}")
    for path in pages:
        assert 'value="transfer"' not in http.get(path).text
    answer = http.post(f"/o/{firm.id}/settings/transfers", data={"transfers": "on"}, follow_redirects=True)
    assert "offered to pay by bank transfer beside the card" in answer.text
    for path in pages:
        assert 'value="transfer"' in http.get(path).text
    with firm.app.store.write() as db:
        db.execute(t.document.update().values(currency="CHF"))
    for path in pages:
        assert 'value="transfer"' not in http.get(path).text, "Stripe takes no transfers in francs"


@pytest.mark.browser
def test_a_payer_is_told_where_to_transfer_it_to(served: tuple[Firm, str], tmp_path: Path) -> None:
    firm, address = served
    switch_transfers(firm.app, organisation_id=firm.id, on=True, actor="owner")
    with _browsing(address, viewport={"width": PHONE[0], "height": PHONE[1]}) as page:
        page.goto(payers_page(firm))
        page.screenshot(path=tmp_path / "account.png", full_page=True)
        page.goto(f"{payers_page(firm)}/pay/{firm.document('INV-1001').id}")
        page.screenshot(path=tmp_path / "pay.png", full_page=True)
        page.get_by_role("button", name="Show where to transfer it to").click()
        page.get_by_role("button", name="Show where to transfer it to").click()  # on the processor's page
        expect(page.get_by_role("status")).to_contain_text("once it has arrived")
        (payer,) = firm.rows(t.payer_account)
        firm.stripe.transfer_in(payer.external_id, 12_000, "gbp")
        firm.deliver_webhooks()
        firm.work()
        page.reload()
        expect(page.get_by_text("INV-1001")).to_have_count(0)
        page.screenshot(path=tmp_path / "paid.png", full_page=True)
    assert firm.ledger.balance("INV-1001") == 0


def test_what_is_somebody_elses_opens_no_page(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    for chosen, status in (([firm.document("INV-2001").id], 409), (["nothing"], 409), ([], 400)):
        assert http.post(f"{payers_page(firm)}/checkout", data={"invoice": chosen}).status_code == status
    foreign = {"Origin": "https://elsewhere.example"}
    assert http.post(f"{payers_page(firm)}/checkout", data={"invoice": "x"}, headers=foreign).status_code == 403
    assert not firm.rows(t.checkout)


@pytest.mark.browser
def test_a_payer_pays_two_invoices_on_a_phone(served: tuple[Firm, str], tmp_path: Path) -> None:
    firm, address = served
    with _browsing(address, viewport={"width": PHONE[0], "height": PHONE[1]}) as page:
        page.goto(payers_page(firm))
        page.screenshot(path=tmp_path / "account.png", full_page=True)
        page.get_by_role("button", name="Pay the chosen ones by card").click()
        page.get_by_role("button", name="Pay by card").click()  # on the processor's page
        expect(page.get_by_role("status")).to_contain_text("Your payment shows here as soon as it is confirmed")
        firm.deliver_webhooks()
        firm.work()
        page.reload()
        expect(page.get_by_text("Nothing is open. Thank you!")).to_be_visible()
        page.screenshot(path=tmp_path / "paid.png", full_page=True)
        page.get_by_role("link", name="See which invoices are paid").click()
        for number, amount in (("INV-1001", "£120.00"), ("INV-1002", "£75.50")):
            expect(page.get_by_role("row").filter(has_text=number)).to_contain_text(amount)
        page.screenshot(path=tmp_path / "paid_invoices.png", full_page=True)
    assert firm.ledger.balance("INV-1001") == firm.ledger.balance("INV-1002") == 0
    assert not firm.rows(t.reminder_item, state="planned")


@pytest.mark.browser
def test_a_payer_pays_an_instalment_on_a_phone(served: tuple[Firm, str], tmp_path: Path) -> None:
    firm, address = served
    switch_transfers(firm.app, organisation_id=firm.id, on=True, actor="owner")
    _plan(firm)
    with _browsing(address, viewport={"width": PHONE[0], "height": PHONE[1]}) as page:
        page.goto(payers_page(firm))
        page.screenshot(path=tmp_path / "account.png", full_page=True)
        expect(page.get_by_text("£97.75 to pay by 16 Mar 2026")).to_contain_text("INV-1002: £75.50, INV-1001: £22.25")
        page.get_by_role("button", name="Pay this instalment").click()
        page.get_by_role("button", name="Pay by card").click()  # on the processor's page
        expect(page.get_by_role("status")).to_contain_text("Your payment shows here as soon as it is confirmed")
        firm.deliver_webhooks()
        firm.work()
        page.reload()
        expect(page.get_by_text("£97.75 to pay by 16 Apr 2026")).to_contain_text("INV-1001: £97.75")
        page.screenshot(path=tmp_path / "paid.png", full_page=True)
    assert (firm.ledger.balance("INV-1001"), firm.ledger.balance("INV-1002")) == (Decimal("97.75"), Decimal(0))


def test_an_instalment_is_paid_by_card_or_transfer_while_that_is_offered(
    served: tuple[Firm, str], http: httpx.Client
) -> None:
    firm, _ = served
    _plan(firm)
    page = payers_page(firm)
    account = http.get(page).text
    (form,) = re.findall(r'<form class="actions" method="post" action="([^"]*/plan/[^"]*/pay)">', account)
    assert "Show where to transfer it to" not in account
    switch_transfers(firm.app, organisation_id=firm.id, on=True, actor="owner")
    assert "Show where to transfer it to" in http.get(page).text
    for means in ("card", "transfer"):
        assert http.post(form, data={"means": means}).status_code == 200
    assert [row.by_transfer for row in sorted(firm.rows(t.checkout), key=lambda row: row.begun_at)] == [False, True]
    german = {"Accept-Language": "de"}
    assert "97,75\xa0£ zu zahlen bis 16.03.2026" in http.get(page, headers=german).text
    foreign = f"{payers_page(firm, 'INV-2001')}{form.removeprefix(page)}"
    refused = http.post(foreign, headers=german)
    assert (refused.status_code, "Diese Ratenzahlung ist beendet" in refused.text) == (409, True)
    switch_card_payments(firm.app, organisation_id=firm.id, on=False, actor="owner")
    assert "Pay this instalment" not in http.get(page).text


@pytest.mark.browser
def test_a_payer_who_gave_up_can_go_on(served: tuple[Firm, str], tmp_path: Path) -> None:
    firm, address = served
    with _browsing(address) as page:
        pay = f"{payers_page(firm)}/pay/{firm.document('INV-1001').id}"
        page.goto(pay)
        page.get_by_label("Amount in GBP", exact=True).fill("20.00")
        page.screenshot(path=tmp_path / "pay.png", full_page=True)
        page.get_by_role("button", name="Pay by card").click()
        expect(page.get_by_text("2000 GBP")).to_be_visible()  # the processor's page; the payer turns back
        begun = page.url
        page.goto(payers_page(firm))
        page.screenshot(path=tmp_path / "begun.png", full_page=True)
        page.get_by_role("link", name="You began to pay: go on").click()
        assert page.url == begun
        page.goto(pay)
        page.screenshot(path=tmp_path / "anew.png", full_page=True)
        expect(page.get_by_role("link", name="You began to pay: go on")).to_have_attribute("href", begun)
        page.get_by_label("Amount in GBP", exact=True).fill("500")
        page.get_by_role("button", name="Pay by card").click()
        expect(page.get_by_text("at most 120.00 GBP")).to_be_visible()


def test_of_many_invoices_as_many_are_chosen_as_one_payment_can_name(
    served: tuple[Firm, str], http: httpx.Client
) -> None:
    firm, _ = served
    for number in range(MAX_INVOICES):
        firm.invoice("Acme", f"INV-90{number:02}", "10.00", late=number)
    firm.settle()
    page = http.get(payers_page(firm)).text
    assert len(re.findall(r'name="invoice" value="[^"]+"[^>]* checked', page)) == MAX_INVOICES
    assert "One payment can be for up to 12 invoices. The oldest are chosen." in page
