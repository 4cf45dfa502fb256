"""The panel of an account's page, compiled by LWC's own compiler, in Chromium over an org that the product fills.

`make test-salesforce` runs it: it needs Node and what `npm install` brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.web import salesforce_app
from tests.manifest.apex import Panel, queries, told_to_pages
from tests.manifest.panel_page import PAGE, PanelPage, compiled, picture
from tests.operations.firm import TODAY, Firm, money_in, open_firm
from tests.operations.test_instructions import key, knock
from tests.shared import unavailable
from tests.web.serving import serving
from tests.web.test_browser import CHROMIUM, DESK, FLAGS, PHONE
from tests.web.test_statement_of_account import text_of

pytestmark = pytest.mark.long


@dataclass
class Org:
    """A firm whose account pages show the panel; what people do there comes to the product by a knock."""

    firm: Firm
    pages: PanelPage = field(init=False)
    knocks: int = 0
    files: list[bytes] = field(default_factory=list)

    def show(self, script: str, record: str) -> None:
        """Let the pages of the org show the panel."""
        self.pages = PanelPage(Panel(self.firm.crm, TODAY), script, record, self._changed, self._printed)

    @property
    def record(self) -> str:
        """The account whose page is opened."""
        return self.pages.record

    def _printed(self, account_id: str) -> str:
        """The callout that the package makes, to the running product."""
        knock(self.firm, name="707-0")  # so that the secret is set
        with serving(self.firm.app) as address:
            asked = {"org": self.firm.crm.org_id, "account": account_id}
            answer = httpx.post(f"{address}{salesforce_app.PATH}", json=asked, headers=key(self.firm), timeout=30)
        assert answer.status_code == 200, answer.text
        self.files.append(answer.content)
        return f"069{len(self.files):012}"

    def _changed(self, sobject: str, record_id: str) -> None:
        """What the package's trigger does, and the product's worker."""
        self.knocks += 1
        knock(self.firm, (sobject, record_id), name=f"707-{self.knocks}")
        self.firm.work()


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compiled(tmp_path_factory.mktemp("panel"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def org(script: str, tmp_path: Path) -> Iterator[Org]:
    with open_firm(tmp_path) as firm:
        for number, amount, late in (
            ("INV-1001", "1250.00", 12),
            ("INV-1002", "480.40", 45),
            ("INV-1003", "96.15", 100),
            ("INV-1004", "2100.00", -20),
        ):
            firm.invoice("Acme", number, amount, late=late)
        firm.connect_all()
        firm.first_sync()
        firm.import_lines(money_in("L1", "480.40", "ACME LTD", "INV-1002"))
        firm.settle()
        firm.switch_sending()
        plan_reminders(firm.app, firm.id)
        send_reminders(firm.app, firm.id)
        firm.settle()
        (account,) = [str(each["Id"]) for each in firm.crm.records["Account"].values() if each["Name"] == "Acme"]
        org = Org(firm)
        org.show(script, account)
        yield org


def opened(browser: Browser, org: Org, *, record: str = "", size: tuple[int, int] = DESK) -> Page:
    return org.pages.opened(browser, now=org.firm.app.clock(), record=record, size=size)


def test_the_panel_shows_what_the_product_showed_in_the_org(browser: Browser, org: Org) -> None:
    page = opened(browser, org, size=(720, 900))
    text = page.locator(".body").inner_text()
    for shown in (
        "£3,446.15",
        "£1,346.15",
        "INV-1001",
        "INV-1003",
        "INV-1004",
        "100 days late",
        "£480.40 from ACME LTD: applied",
    ):
        assert shown in text, shown
    assert "INV-1002" not in page.locator(".invoices").inner_text(), "it was paid"
    assert "Reminder by email" in text
    picture(page.locator("main"), "salesforce-panel")
    narrow = opened(browser, org, size=PHONE)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= PHONE[0], "nothing is cut off on a phone"
    picture(narrow.locator("main"), "salesforce-panel-phone")


def test_nothing_of_it_keeps_anybody_out(browser: Browser, org: Org) -> None:
    page = opened(browser, org)
    page.get_by_role("button", name="Pause reminders of INV-1001").click()
    found = Axe().run(page, options={"rules": {"page-has-heading-one": {"enabled": False}}})
    assert found.violations_count == 0, found.generate_report()


def test_a_pause_travels_to_the_reminders_and_its_answer_comes_back(browser: Browser, org: Org) -> None:
    page = opened(browser, org)
    until = TODAY + timedelta(days=14)
    page.get_by_role("button", name="Pause reminders of INV-1001").click()
    page.get_by_label("Pause through").fill(until.isoformat())
    page.get_by_label("Why").fill("they are merging")
    page.get_by_role("button", name="Pause reminders", exact=True).click()
    expect(page.locator(".invoices")).to_contain_text("reminders paused through 24 Mar 2026")
    expect(page.locator(".timeline")).to_contain_text(f"Reminders of INV-1001 are paused through {until}.")
    page.get_by_role("button", name="Resume reminders of INV-1001").click()
    expect(page.locator(".timeline")).to_contain_text("Reminders of INV-1001 go on.")


def test_a_reminder_that_did_not_arrive_is_asked_for_again(browser: Browser, org: Org) -> None:
    page = opened(browser, org)
    page.get_by_role("button", name="Send again the last reminder of INV-1001").click()
    expect(page.locator(".timeline")).to_contain_text("The last reminder of INV-1001 is sent again")


def test_a_promise_travels_to_the_ledgers_side(browser: Browser, org: Org) -> None:
    page = opened(browser, org)
    page.get_by_role("button", name="Log promise to pay INV-1003").click()
    page.get_by_label("Will be paid on").fill((TODAY + timedelta(days=3)).isoformat())
    page.get_by_role("button", name="Log the promise").click()
    expect(page.locator(".invoices")).to_contain_text("promised for 13 Mar 2026")
    assert org.firm.document("INV-1003").promised_on == TODAY + timedelta(days=3)


def test_a_statement_of_account_is_printed_from_the_panel(browser: Browser, org: Org) -> None:
    page = opened(browser, org)
    page.get_by_role("button", name="Statement").click()
    page.wait_for_url(f"{PAGE}/files/069000000000001")
    text = text_of(org.files[0])
    for words in ("Acme", "INV-1001", "INV-1003", "INV-1004"):
        assert words in text, words
    assert "INV-1002" not in text, "it was paid"


def test_a_won_opportunity_is_invoiced_from_its_own_page(browser: Browser, org: Org) -> None:
    deal = org.firm.crm.create(
        "Opportunity", Name="Doors", AccountId=org.record, StageName="Closed Won", CloseDate=TODAY, Amount="450.10"
    )
    page = opened(browser, org, record=deal)
    assert page.get_by_label("Amount without tax").input_value() == "450.1"
    page.get_by_label("Due on").fill((TODAY + timedelta(days=30)).isoformat())
    page.get_by_role("button", name="Ask for an invoice").click()
    expect(page.get_by_role("status")).to_contain_text("becomes a draft in the ledger")
    org.firm.settle()
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".invoices")).to_contain_text("Draft in the ledger")


def test_the_class_asks_for_what_is_there_in_user_mode_and_hands_over_what_the_panel_reads(org: Org) -> None:
    asked = queries()
    assert len(asked) == 7 and all(" WITH USER_MODE" in each and " LIMIT " in each for each in asked)
    view = org.pages.panel.show(org.record)
    names = set(view) | set(view["customer"]) | {name for each in view["invoices"] for name in each}
    names |= {name for each in view["happenings"] for name in each} | {name for each in view["ageing"] for name in each}
    assert names <= told_to_pages()
