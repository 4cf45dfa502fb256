"""The pages in Chromium: what a person sees and can do, at a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Page, Request, expect, sync_playwright

from runtime.app import App
from runtime.portal_links import PortalLinks
from tests.shared import unavailable
from tests.web.build import fill, ledger_accounts, running
from tests.web.sent_files import picture
from tests.web.serving import serving

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = (1280, 900), (390, 844)
STAFF_PAGES = {
    "overview": "/o/org-a",
    "invoices": "/o/org-a/invoices",
    "invoice": "/o/org-a/invoices/inv-5",
    "held": "/o/org-a/invoices/inv-2",
    "review": "/o/org-a/review",
    "receipts": "/o/org-a/receipts",
    "choose": "/o/org-a/receipts/rcp-1/choose",
    "chosen": "/o/org-a/receipts/rcp-1/choose?pay=inv-4&amount=100.00&pay=inv-5&q=inv",
    "chosen wrongly": "/o/org-a/receipts/rcp-1/choose?pay=inv-4&amount=much",
    "nothing to choose": "/o/org-a/receipts/rcp-3/choose",
    "problems": "/o/org-a/problems",
    "replies": "/o/org-a/replies?state=all",
    "tasks": "/o/org-a/tasks",
    "payouts": "/o/org-a/payouts",
    "payout": "/o/org-a/payouts/po_1",
    "statements": "/o/org-a/statements",
    "columns": "/o/org-a/statements/pst-1",
    "columns looked at": "/o/org-a/statements/pst-1?step=look&means=booked_on&means=counterparty&means=description"
    "&means=counterparty_account&means=amount&currency=EUR&account=DE77",
    "connections": "/o/org-a/connections",
    "settings": "/o/org-a/settings",
    "charges": "/o/org-a/charges",
    "discounts": "/o/org-a/discounts",
    "approvals": "/o/org-a/approvals",
    "plans": "/o/org-a/plans?customer=bolt",
    "autopay": "/o/org-a/autopay",
    "replay": "/o/org-a/settings?from=2026-01-01&to=2026-03-09",
    "policies": "/o/org-a/policies",
    "messages": "/o/org-a/messages?language=de&tone=firm",
    "texts": "/o/org-a/messages?kind=text&language=fr&tone=final",
    "call script": "/o/org-a/messages?kind=call",
    "channels": "/o/org-a/channels",
    "calls": "/o/org-a/calls",
    "call": "/o/org-a/calls/rem-call",
    "customer": "/o/org-a/customers/acme",
    "customers": "/o/org-a/customers",
    "customers by name": "/o/org-a/customers?sort=name&q=ltd",
    "conflicts": "/o/org-a/conflicts",
    "links": "/o/org-a/links",
    "owners": "/o/org-a/owners",
    "history": "/o/org-a/history",
    "people": "/o/org-a/people",
    "sign in": "/sign-in",
    "unclaimed": "/unclaimed",
    "new": "/organisations/new",
    "missing": "/o/org-a/invoices/nothing",
}
# Pages that ask the ledger, which this site has none of: tests/operations/test_invoice_formats.py opens them on one.
LEDGER_PAGES = {"formats": "/o/org-a/invoices/inv-5/formats"}

# What reaches beyond a width, in pixels: asked in one call a page, where one a cell took most of this file's time.
_WIDER = """(all, width) => all.map(each => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().right])
    .filter(([_, right]) => right > width + 1)"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[App, str]]:
    with running(tmp_path) as (app, _):
        books = fill(app)
        books.set_aside("the connection to Stripe broke", "org-a-stripe")
        books.call("rem-call", "acme", "inv-5", minor=12_000)
        books.set_aside("no organisation has connected the stripe account acct_9", "acct_9")
        with serving(app) as address:
            yield app, address


def _open(browser: Browser, address: str, size: tuple[int, int]) -> tuple[Page, list[str]]:
    """A page without JavaScript that notes every refusal of the content policy and every failed load."""
    context = browser.new_context(
        base_url=address, viewport={"width": size[0], "height": size[1]}, java_script_enabled=False
    )
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    def note_failed(request: Request) -> None:
        # A load that the browser itself gave up, because the next page was opened or another size of the picture
        # fits, is no failed load; one that the content policy or the server refused has another reason.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"failed: {request.url}: {request.failure}")

    page.on("console", note)
    page.on("requestfailed", note_failed)
    return page, complaints


def token_of(app: App) -> str:
    return PortalLinks(app.settings.encryption_key(), app.clock).link("org-a", "acme")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_renders_within_its_width_and_loads_nothing_foreign(
    browser: Browser, site: tuple[App, str], size: tuple[int, int]
) -> None:
    app, address = site
    page, complaints = _open(browser, address, size)
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(address) else foreign.append(request.url))
    token = token_of(app)
    portal = {
        "portal": f"/p/{token}",
        "pay": f"/p/{token}/pay/inv-2",
        "paid": f"/p/{token}/paid",
        "stop": f"/p/{token}/unsubscribe",
    }
    for name, path in {**STAFF_PAGES, **portal}.items():
        page.goto(path)
        assert page.title().strip(" –"), f"{name} has no title"
        assert page.locator("h1").count() == 1, name
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] <= size[0], name
        wide = page.eval_on_selector_all("td, dd, h1, h2, button, .mark, input, label", _WIDER, size[0])
        assert not wide, f"{name} is wider than the screen: {wide[:3]}"
    assert not foreign
    assert [text for text in complaints if "404" not in text] == []


def test_the_chart_is_drawn(browser: Browser, site: tuple[App, str]) -> None:
    _, address = site
    page = browser.new_context(base_url=address).new_page()
    page.goto("/o/org-a")
    assert page.eval_on_selector_all("img.chart", "all => all.map(each => each.naturalWidth > 0)") == [True, True]


def test_a_person_confirms_a_proposal_and_takes_it_back(browser: Browser, site: tuple[App, str]) -> None:
    _, address = site
    page, _ = _open(browser, address, DESK)
    page.goto("/o/org-a/review")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed.")
    expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()
    page.goto("/o/org-a/receipts")
    row = page.get_by_role("row").filter(has_text="BOLT AND SONS")
    assert "Applied" in row.inner_text()
    row.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back.")
    row = page.get_by_role("row").filter(has_text="BOLT AND SONS")
    assert "Applied" not in row.inner_text()


def test_a_payer_promises_a_day_on_a_phone(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page, _ = _open(browser, address, PHONE)
    page.goto(f"/p/{token_of(app)}")
    expect(page.get_by_text("Your payment of £1,200.00 is on its way")).to_be_visible()
    page.get_by_role("link", name="Pay INV-3").click()
    page.get_by_label("Day of payment").fill("2026-03-20")
    page.get_by_role("button", name="Tell us the day").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you.")
    expect(page.get_by_text("You will pay by 20 Mar 2026")).to_be_visible()


def test_a_payer_contests_and_staff_settle_it(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page, _ = _open(browser, address, DESK)
    page.goto(f"/p/{token_of(app)}/pay/inv-1")
    page.get_by_label("What is wrong?").fill("The price is not what we agreed <b>")
    page.get_by_role("button", name="Tell us", exact=True).click()
    page.goto("/o/org-a/problems")
    expect(page.get_by_text("The price is not what we agreed <b>")).to_be_visible()
    page.get_by_role("link", name="Open the invoice").first.click()
    page.get_by_role("button", name="Mark the dispute as settled").click()
    expect(page.get_by_role("status")).to_contain_text("The dispute is settled.")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_payer_sends_files_with_a_dispute(
    browser: Browser, site: tuple[App, str], size: tuple[int, int], tmp_path: Path
) -> None:
    app, address = site
    page, complaints = _open(browser, address, size)
    reason, photo = "A door is missing", FilePayload(name="door.png", mimeType="image/png", buffer=picture())
    text = FilePayload(name="a.txt", mimeType="image/png", buffer=b"text")
    page.goto(f"/p/{token_of(app)}/pay/inv-3")
    page.get_by_label("What is wrong?").fill(reason)
    page.get_by_label("Files that show it").set_input_files([photo, text])
    page.get_by_role("button", name="Tell us", exact=True).click()
    said = page.get_by_role("alert")
    expect(said).to_contain_text("“a.txt”: only PDF, PNG and JPEG files are taken, without a password.")
    expect(said).to_be_in_viewport()
    expect(page.get_by_label("What is wrong?")).to_have_value(reason)
    form = page.locator("#dispute").bounding_box()
    assert form is not None
    assert form["x"] + form["width"] <= size[0]
    page.screenshot(path=tmp_path / f"dispute-refused-{size[0]}.png", full_page=True)
    page.get_by_label("Files that show it").set_input_files([photo])
    page.get_by_role("button", name="Tell us", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Thank you.")
    page.goto("/o/org-a/invoices/inv-3")
    page.screenshot(path=tmp_path / f"dispute-files-{size[0]}.png", full_page=True)
    with page.expect_download() as fetched:
        page.get_by_role("link", name="door.png").click()
    assert fetched.value.path().read_bytes() == picture()
    assert [text for text in complaints if "400" not in text] == []


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_person_sets_an_organisation_up(browser: Browser, tmp_path: Path, size: tuple[int, int]) -> None:
    with running(tmp_path) as (app, _), serving(app) as address:
        page, complaints = _open(browser, address, size)
        page.goto("/")
        page.screenshot(path=tmp_path / f"welcome-{size[0]}.png", full_page=True)
        for label, value in (("Name", "Quay & Sons"), ("Base currency", "eur"), ("Country", "ie")):
            page.get_by_label(label).fill(value)
        page.get_by_label("Time zone").fill("Mars/Base")
        page.get_by_role("button", name="Begin").click()
        page.screenshot(path=tmp_path / f"wrong-{size[0]}.png", full_page=True)
        expect(page.get_by_role("alert")).to_have_text("'Mars/Base' is not a time zone such as Europe/Dublin.")
        page.get_by_label("Time zone").fill("Europe/Dublin")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("status")).to_have_text("The organisation is there. Connect its ledger first.")
        found = re.search("/o/([^/]+)/connections", page.url)
        assert found is not None
        ledger_accounts(app, found[1], {"090": "Current account", "091": "Deposit account"})
        page.get_by_role("link", name="Settings", exact=True).click()
        expect(page.get_by_text("Nothing declared", exact=True)).to_have_count(2)
        page.get_by_label("Account number or IBAN of Current account").fill("GB29 NWBK 6016 1331 9268 19")
        page.get_by_role("button", name="Save", exact=True).first.click()
        expect(page.get_by_text("of GB29NWBK60161331926819; none was imported yet")).to_be_visible()
        page.get_by_label("A person attests").nth(1).check()
        page.get_by_label("Name of who attests for Deposit account").fill("Dana Fenwick")
        page.get_by_role("button", name="Save", exact=True).nth(1).click()
        expect(page.get_by_text("Dana Fenwick attests that the ledger is complete.")).to_be_visible()
        page.get_by_role("button", name="Switch sending on").click()
        expect(page.get_by_role("status")).to_have_text("Sending is switched on.")
        expect(page.get_by_text("Nothing declared", exact=True)).to_have_count(0)
        page.screenshot(path=tmp_path / f"settings-{size[0]}.png", full_page=True)
        page.get_by_role("link", name="Overview").click()
        line = page.get_by_text("Nothing is sent:").inner_text()
        assert line == "Nothing is sent: no ledger is connected; no mail server is set up. Open the settings"
        page.screenshot(path=tmp_path / f"overview-{size[0]}.png", full_page=True)
        assert [text for text in complaints if "400" not in text] == []
