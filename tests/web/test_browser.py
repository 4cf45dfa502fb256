"""The pages in Chromium: what a person sees and can do, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from runtime.app import App
from runtime.portal_links import PortalLinks
from tests.shared import unavailable
from tests.web.build import fill, running
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
    "problems": "/o/org-a/problems",
    "statements": "/o/org-a/statements",
    "connections": "/o/org-a/connections",
    "missing": "/o/org-a/invoices/nothing",
}

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


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
        fill(app)
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

    page.on("console", note)
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    return page, complaints


def _token(app: App) -> str:
    return PortalLinks(app.settings.encryption_key(), app.clock).link("org-a", "acme")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_renders_within_its_width_and_loads_nothing_foreign(
    browser: Browser, site: tuple[App, str], size: tuple[int, int], tmp_path: Path
) -> None:
    app, address = site
    page, complaints = _open(browser, address, size)
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(address) else foreign.append(request.url))
    token = _token(app)
    portal = {"portal": f"/p/{token}", "pay": f"/p/{token}/pay/inv-2", "stop": f"/p/{token}/unsubscribe"}
    for name, path in {**STAFF_PAGES, **portal}.items():
        page.goto(path)
        page.screenshot(path=tmp_path / f"{name}-{size[0]}.png", full_page=True)
        assert page.title().strip(" –"), f"{name} has no title"
        assert page.locator("h1").count() == 1, name
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] <= size[0], name
        wide = [
            cell.bounding_box()
            for cell in page.locator("td, dd, h1, h2, button, .mark").all()
            if (at := cell.bounding_box()) is not None and at["x"] + at["width"] > size[0] + 1
        ]
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
    assert page.get_by_role("status").inner_text().startswith("Confirmed.")
    assert page.get_by_text("Nothing waits for a decision.").is_visible()
    page.goto("/o/org-a/receipts")
    row = page.get_by_role("row").filter(has_text="BOLT AND SONS")
    assert "Applied" in row.inner_text()
    row.get_by_role("button", name="Take back").click()
    row = page.get_by_role("row").filter(has_text="BOLT AND SONS")
    assert "Application taken back" in row.inner_text()


def test_a_payer_promises_a_day_on_a_phone(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page, _ = _open(browser, address, PHONE)
    page.goto(f"/p/{_token(app)}")
    assert page.get_by_text("Your payment of £1,200.00 is on its way").is_visible()
    page.get_by_role("link", name="Pay INV-3").click()
    page.get_by_label("Day of payment").fill("2026-03-20")
    page.get_by_role("button", name="Tell us the day").click()
    assert page.get_by_role("status").inner_text().startswith("Thank you.")
    assert page.get_by_text("You will pay by 20 Mar 2026").is_visible()


def test_a_payer_contests_and_staff_settle_it(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page, _ = _open(browser, address, DESK)
    page.goto(f"/p/{_token(app)}/pay/inv-1")
    page.get_by_label("What is wrong?").fill("The price is not what we agreed <b>")
    page.get_by_role("button", name="Tell us", exact=True).click()
    page.goto("/o/org-a/problems")
    assert page.get_by_text("The price is not what we agreed <b>").is_visible()
    page.get_by_role("link", name="Open the invoice").first.click()
    page.get_by_role("button", name="Mark the dispute as settled").click()
    assert page.get_by_role("status").inner_text().startswith("The dispute is settled.")
