"""Autopay on pages: a payer reads, agrees, saves a card and switches it off; a person sees who has it and ends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect, sync_playwright

from runtime.operations.autopay.agree import switch_autopay
from runtime.store import tables as t
from tests.operations.autopay import go_on, hear, mandate, remind
from tests.operations.firm import Firm
from tests.shared import unavailable
from tests.web.firm_site import payers_page, served_firm
from tests.web.test_accessibility import _RULES
from tests.web.test_browser import CHROMIUM, DESK, FLAGS, PHONE


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Firm, str]]:
    with served_firm(tmp_path) as (firm, address):
        firm.switch_sending()
        yield firm, address


def _switch_on(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")


def test_it_is_offered_only_while_it_is_switched_on(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    page = payers_page(firm)
    assert "autopay" not in http.get(page).text
    assert http.get(f"{page}/autopay").headers["location"] == page
    assert http.post(f"{page}/autopay", data={"currency": "GBP", "agreed": "yes"}).status_code == 409
    staff = f"/o/{firm.id}/autopay"
    assert http.post(f"/o/{firm.id}/settings/autopay", data={"autopay": "on"}).headers["location"].startswith(staff)
    assert f'href="{page}/autopay"' in http.get(page).text
    assert http.post(f"/o/{firm.id}/settings/autopay", data={"autopay": "off"}).status_code == 303
    assert "autopay" not in http.get(page).text


def test_what_is_agreed_to_is_what_was_read_in_the_payers_language(
    served: tuple[Firm, str], http: httpx.Client
) -> None:
    firm, _ = served
    _switch_on(firm)
    page, german = f"{payers_page(firm)}/autopay", {"Accept-Language": "de"}
    chosen = {"currency": "GBP", "days_before": "1", "ceiling": "250"}
    shown = http.get(page, params=chosen, headers=german).text
    assert "Eine Rechnung über mehr als 250,00\xa0£ wird nicht eingezogen." in shown
    assert http.post(page, data=chosen, headers=german).status_code == 400, "without the consent"
    for wrong in ({"ceiling": "much"}, {"ceiling": "-5"}, {"currency": "XXQ"}, {"days_before": "9"}):
        assert http.post(page, data={**chosen, **wrong, "agreed": "yes"}).status_code == 400, wrong
    assert firm.rows(t.mandate) == []
    answer = http.post(page, data={**chosen, "agreed": "yes"}, headers=german)
    assert answer.status_code == 200 and "/c/pay/" in answer.text
    row = mandate(firm)
    assert (row.consent_language, row.consent_version, row.ceiling_minor, row.days_before) == ("de", 1, 25_000, 1)
    assert row.consent.startswith("Ich erlaube Firm, Zahlungen von der Karte")
    assert all(sentence in shown for sentence in row.consent.split(". ")[:1])


def test_a_person_sees_who_has_it_what_comes_next_and_ends_it(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    _switch_on(firm)
    http.post(f"{payers_page(firm)}/autopay", data={"currency": "GBP", "ceiling": "100", "agreed": "yes"})
    firm.stripe.complete_setup(next(iter(firm.stripe.checkout_sessions)))
    hear(firm)
    remind(firm)
    shown = http.get(f"/o/{firm.id}/autopay").text
    assert "Card ending 4242" in shown and "I allow Firm to take payments" in shown
    assert "INV-1002" in shown and "Announced" in shown
    assert "120.00 GBP are more than the 100.00 GBP that the payer allows" in shown
    account = http.get(payers_page(firm)).text
    assert "Taken automatically on 12 Mar 2026" in account
    go_on(firm, 2)
    assert "Paid" in http.get(f"/o/{firm.id}/autopay").text
    customer = firm.document("INV-1001").customer_id
    end = f"/o/{firm.id}/customers/{customer}/autopay/end"
    assert http.post(end).status_code == 303
    assert http.post(end).status_code == 409
    assert mandate(firm).ended_by == "owner"


def test_another_link_reaches_only_its_own(served: tuple[Firm, str], http: httpx.Client) -> None:
    firm, _ = served
    _switch_on(firm)
    http.post(f"{payers_page(firm)}/autopay", data={"currency": "GBP", "agreed": "yes"})
    assert http.post(f"{payers_page(firm, 'INV-2001')}/autopay/end").status_code == 303
    assert mandate(firm).state == "begun"
    assert (
        http.post(f"{payers_page(firm)}/autopay/end", headers={"Origin": "https://elsewhere.example"}).status_code
        == 403
    )
    assert http.post(f"{payers_page(firm)}/autopay/end").status_code == 303
    assert mandate(firm).state == "ended"


def _look(page: Page, name: str, folder: Path) -> None:
    """Nothing hangs over the edge, axe finds nothing; a picture for people to look at."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    found: dict[str, Any] = Axe().run(page, options=_RULES).response
    assert not found["violations"], (name, found["violations"])
    page.screenshot(path=folder / f"{name}.png", full_page=True)


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_payer_sets_it_up_and_switches_it_off(
    served: tuple[Firm, str], tmp_path: Path, size: tuple[int, int]
) -> None:
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    firm, address = served
    _switch_on(firm)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        viewport: Any = {"width": size[0], "height": size[1]}
        page = chromium.new_context(base_url=address, viewport=viewport, bypass_csp=True).new_page()
        page.goto(payers_page(firm))
        page.get_by_role("link", name="Automatic payment").click()
        _look(page, "off", tmp_path)
        page.get_by_label("The most for one invoice").fill("500")
        page.get_by_role("button", name="Show what I agree to").click()
        _look(page, "agree", tmp_path)
        page.get_by_label("I agree to this.").check()
        page.get_by_role("button", name="Save a card or account").click()
        page.get_by_role("button", name="Save the card").click()  # on the processor's page
        expect(page.get_by_role("status")).to_contain_text("Automatic payment is on as soon as Stripe confirms it")
        _look(page, "begun", tmp_path)
        hear(firm)
        remind(firm)
        page.goto(f"{payers_page(firm)}/autopay")
        expect(page.get_by_text("Means of payment: card ending 4242.")).to_be_visible()
        _look(page, "on", tmp_path)
        page.goto(payers_page(firm))
        _look(page, "account", tmp_path)
        page.goto(f"/o/{firm.id}/autopay")
        _look(page, "staff", tmp_path)
        with firm.app.store.write() as db:
            db.execute(t.mandate.update().values(state="paused", why="expired_card"))
        page.goto(f"{payers_page(firm)}/autopay")
        _look(page, "paused", tmp_path)
        page.get_by_role("button", name="Switch automatic payment off").click()
        expect(page.get_by_role("status")).to_contain_text("Automatic payment is off.")
        chromium.close()
    firm.work()
    assert mandate(firm).state == "ended"
    assert {each["customer"] for each in firm.stripe.payment_methods.values()} == {None}
