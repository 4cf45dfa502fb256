"""Each place in Chromium, from the demo's company to a paid invoice and a withdrawn reminder, by what its user does.

The demo's own stage plays: vendors and product on loopback, webhooks, workers. `make pictures` keeps what is seen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from connectors.crm.salesforce.knock import HEADER, key_of
from runtime.demo import people
from runtime.demo.stage import Stage, set_stage
from runtime.demo.story import Story
from runtime.store import tables as t
from runtime.store.links import external_ids
from runtime.web import salesforce_app
from sandbox.xero.books import XeroBooks
from tests.manifest.apex import Panel
from tests.manifest.panel_page import PanelPage, compiled, picture
from tests.web.test_browser import DESK, PHONE, browser

__all__ = ["browser"]

pytestmark = [pytest.mark.long, pytest.mark.browser]
FIRM = "harbour-pine"
SHOWN_WITHIN_SECONDS = 30.0
PANEL = (720, 900)  # the width that the panel has beside a record


class Beginning(Story):
    """The demo until messages are planned: what follows, the people at the places do themselves."""

    STEPS = ("connect", "first_sync", "plan")

    def settle(self) -> None:
        """Wait until all that was told is worked off."""
        self._wait_until_quiet()


@dataclass
class Demo:
    """The company, with reminders planned and the month's bank statement still on the accountant's desk."""

    stage: Stage
    story: Beginning
    statement: Path

    @property
    def id(self) -> str:
        return self.story.ids[FIRM]

    @property
    def ledger(self) -> XeroBooks:
        (books,) = self.stage.estate.xero.organisations.values()
        return books

    def page(self, browser: Browser, size: tuple[int, int] = DESK) -> Page:
        width, height = size
        context = browser.new_context(base_url=self.stage.url, viewport={"width": width, "height": height})
        return context.new_page()

    def reminded(self, document_id: str) -> set[str]:
        """The states of the messages that name an invoice."""
        with self.stage.app.store.read() as db:
            of_it = t.reminder_item.c.document_id == document_id
            return set(db.scalars(select(t.reminder_item.c.state).where(of_it)))

    def planned(self, *, linked: bool) -> Any:  # noqa: ANN401 - a row
        """An invoice about which a message is planned, alone in it; `linked`: its customer is known in Salesforce."""
        item, document = t.reminder_item.c, t.document.c
        with self.stage.app.store.read() as db:
            rows = db.execute(
                select(document.id, document.number, document.customer_id, item.reminder_id)
                .join(t.reminder_item, item.document_id == document.id)
                .where(item.organisation_id == self.id, item.state == "planned", document.currency == "GBP")
                .order_by(document.number)
            ).all()
            together = [row.reminder_id for row in rows]
            alone = [row for row in rows if together.count(row.reminder_id) == 1]
            known = external_ids(db, self.id, "salesforce", "customer", [row.customer_id for row in alone])
        return next(row for row in alone if (row.customer_id in known) is linked or not linked)

    def right_proposal(self) -> tuple[str, str, str]:
        """A receipt that waits for a decision and, as the world knows, pays one invoice wholly; that one."""
        app = self.stage.app
        for row in people.pending_bank_receipts(app, self.id):
            allocations = row["body"]["best"]["allocations"]
            if len(allocations) == 1 and people.verdict(app, self.stage.world, FIRM, row) == "confirm":
                with app.store.read() as db:
                    its = t.document.c.id == allocations[0]["item_id"]
                    document = db.execute(select(t.document).where(its)).one()
                if document.balance_minor == allocations[0]["amount"]["minor"]:
                    return row["id"], document.id, document.number
        raise AssertionError("no proposal is right and whole")

    def account(self, customer_id: str) -> str:
        with self.stage.app.store.read() as db:
            return external_ids(db, self.id, "salesforce", "customer", [customer_id])[customer_id]

    def assert_paid(self, page: Page, document_id: str, number: str) -> None:
        """The ledger has the money, the message is withdrawn, and the invoice's page says both."""
        assert self.ledger.invoices[self.ledger.numbers[number]]["AmountDue"] == 0
        assert self.reminded(document_id) == {"withdrawn"}
        page.goto(f"/o/{self.id}/invoices/{document_id}")
        expect(page.locator(".figure").filter(has_text="Open")).to_contain_text("0.00")
        for title, state in (("Payments", "In the ledger"), ("Reminders", "Withdrawn")):
            section = page.locator("section").filter(has=page.get_by_role("heading", name=title, exact=True))
            expect(section.get_by_role("row").filter(has_text=state)).to_have_count(1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with set_stage(tmp_path_factory.mktemp("demo")) as stage:
        story = Beginning(stage, lambda _: None)
        story.play(lambda _: None)
        files = stage.world.write_statements(stage.folder / "statements")
        yield Demo(stage, story, files[FIRM])


def _pay(demo: Demo, page: Page, invoice: Any) -> float:  # noqa: ANN401 - a row
    """Pay an invoice on the payer's page; returns the seconds from the payment until that page says so."""
    token = demo.stage.app.portal_links().link(demo.id, invoice.customer_id)
    page.goto(f"/p/{token}")
    due = page.get_by_role("link", name=f"Pay {invoice.number}", exact=True)
    expect(due).to_be_visible()
    due.click()
    page.get_by_role("button", name="Pay by card").click()
    page.get_by_role("button", name="Pay by card").click()  # on the processor's page
    paid = time.monotonic()
    open_still = page.locator("main").filter(has_text=invoice.number)
    while page.goto(f"/p/{token}") and open_still.count():
        assert time.monotonic() - paid < SHOWN_WITHIN_SECONDS, "the payment is not shown"
    return time.monotonic() - paid


def test_an_accountant_brings_the_statement_and_decides_what_is_no_proof(browser: Browser, demo: Demo) -> None:
    page = demo.page(browser)
    page.goto("/")
    page.get_by_role("link", name=demo.stage.world.organisations[FIRM].name).click()
    page.get_by_role("link", name="Statements", exact=True).click()
    page.get_by_label("Statement file").set_input_files(demo.statement)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status")).to_contain_text("new receipt")
    demo.story.settle()
    page.get_by_role("link", name="Overview", exact=True).click()
    picture(page, "overview", whole=True)
    right, document_id, number = demo.right_proposal()
    page.get_by_role("link", name="Review", exact=True).click()
    card = page.locator(f"#{right}")
    while "focused" not in card.evaluate("each => each === document.activeElement ? 'focused' : ''"):
        page.keyboard.press("j")
    for effect in ("Open now", "Pays", "Then open", "In the ledger, on"):
        expect(card).to_contain_text(effect)
    picture(page, "review")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Confirmed.")
    demo.story.settle()
    demo.assert_paid(page, document_id, number)
    picture(page, "invoice")
    phone = demo.page(browser, PHONE)
    for name, path in (("overview", ""), ("review", "/review"), ("invoice", f"/invoices/{document_id}")):
        phone.goto(f"/o/{demo.id}{path}")
        picture(phone, f"{name}-phone")


def test_a_payer_pays_on_a_phone_and_is_not_written_to(
    browser: Browser,
    demo: Demo,
    record_property: Any,  # noqa: ANN401 - pytest's
) -> None:
    invoice = demo.planned(linked=False)
    page = demo.page(browser, PHONE)
    token = demo.stage.app.portal_links().link(demo.id, invoice.customer_id)
    page.goto(f"/p/{token}")
    picture(page, "portal-phone")
    desk = demo.page(browser)
    desk.goto(f"/p/{token}")
    picture(desk, "portal")
    record_property("seconds from the payment to the payer's page", round(_pay(demo, page, invoice), 2))
    demo.story.settle()
    demo.assert_paid(desk, invoice.id, invoice.number)


def test_who_sells_pauses_reminders_beside_the_account_and_sees_the_payment(
    browser: Browser, demo: Demo, tmp_path: Path
) -> None:
    script = compiled(tmp_path)
    invoice = demo.planned(linked=True)
    org = demo.stage.world.books[FIRM].crm.org
    key = {HEADER: key_of(demo.stage.app.settings.salesforce_webhook_secret.get_secret_value(), org.org_id)}

    def changed(sobject: str, record_id: str) -> None:
        told = {"org": org.org_id, "knock": f"707-{record_id}", "records": [{"object": sobject, "id": record_id}]}
        address = f"{demo.stage.url}/webhooks/salesforce"
        assert httpx.post(address, content=json.dumps(told), headers=key).status_code == 200
        demo.story.settle()

    def printed(account_id: str) -> str:
        asked = {"org": org.org_id, "account": account_id}
        answer = httpx.post(f"{demo.stage.url}{salesforce_app.PATH}", json=asked, headers=key, timeout=30)
        assert answer.content.startswith(b"%PDF"), answer.text
        return "069000000000001"

    pages = PanelPage(
        Panel(org, demo.stage.clock().date()), script, demo.account(invoice.customer_id), changed, printed
    )
    page = pages.opened(browser, now=demo.stage.clock(), size=PANEL)
    assert demo.reminded(invoice.id) == {"planned"}
    page.get_by_role("button", name=f"Pause reminders of {invoice.number}").click()
    page.get_by_label("Pause through").fill(demo.stage.clock().date().isoformat())
    page.get_by_label("Why").fill("we talk on Friday")
    page.get_by_role("button", name="Pause reminders", exact=True).click()
    expect(page.locator(".timeline")).to_contain_text(f"Reminders of {invoice.number} are paused")
    assert demo.reminded(invoice.id) == {"withdrawn"}
    staff = demo.page(browser)
    _pay(demo, staff, invoice)
    demo.story.settle()
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".timeline")).to_contain_text(": applied")
    expect(page.locator(".body")).not_to_contain_text(f"Pause reminders of {invoice.number}")
    expect(page.locator(".invoices")).not_to_contain_text(invoice.number)
    picture(page.locator("main"), "salesforce-paid")
    page.get_by_role("button", name="Statement").click()
    page.wait_for_url("**/files/069000000000001")
    demo.assert_paid(staff, invoice.id, invoice.number)
