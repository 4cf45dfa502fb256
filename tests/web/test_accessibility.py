"""What axe finds on each page (WCAG 2.2 AA and good practice): nothing, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, Route

from runtime.app import App
from runtime.operations.reminding.plan import plan_reminders
from runtime.roles import MemberRole
from runtime.store import tables as t
from tests.web.build import NOW, TODAY, fill, ledger_accounts, running
from tests.web.people import ORIGIN, public_site
from tests.web.serving import serving
from tests.web.test_browser import DESK, PHONE, STAFF_PAGES, browser, token_of

__all__ = ["browser"]

pytestmark = pytest.mark.browser
_RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, str]]:
    with running(tmp_path_factory.mktemp("site")) as (app, _):
        books = fill(app)
        books.set_aside("the connection to Stripe broke", "org-a-stripe")
        books.call("rem-call", "acme", "inv-5", minor=12_000)
        books.asked("rpl-asked", "Which delivery is it for?", customer_id="acme", documents=["inv-3"])
        books.asked("rpl-waits", "And the other one?", customer_id="acme", documents=["inv-1"])
        books.answered("rpl-asked", "acme", "That of 2 March.")
        with app.store.write() as db:
            db.execute(
                t.organisation.update().values(
                    card_payments_on=True,
                    transfers_on=True,
                    pay_button_on=True,
                    approvals_on=True,
                    payers_instalments=4,
                )
            )
            # Bolt may be written to today
            db.execute(t.reminder.update().where(t.reminder.c.id == "rem-1").values(sent_at=NOW - timedelta(days=8)))
        plan_reminders(app, "org-a")
        with serving(app) as address:
            yield app, address


def _found(page: Page, path: str) -> list[str]:
    page.goto(path)
    return _violations(page, path)


def _violations(page: Page, path: str) -> list[str]:
    results: dict[str, Any] = Axe().run(page, options=_RULES).response
    return [
        f"{path}: {violation['id']}: {node['failureSummary']} {node['html'][:200]}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(browser: Any, site: tuple[App, str], size: tuple[int, int]) -> None:  # noqa: ANN401
    app, address = site
    page = browser.new_context(
        base_url=address, viewport={"width": size[0], "height": size[1]}, bypass_csp=True
    ).new_page()
    payer = f"/p/{token_of(app)}"
    expired = app.portal_links().link("org-a", "acme", lifetime_days=-1)
    payers = [
        payer,
        f"{payer}/pay/inv-1",
        f"{payer}/pay/inv-2",
        f"{payer}/paid",
        f"{payer}/plan?currency=GBP&count=3&first_on={TODAY}",
        f"{payer}/unsubscribe",
        f"{payer}/contact",
        "/p/nothing",
        f"/new-link/{expired}",
        f"/new-link/{expired}?notice=link_asked",
        f"/pay/{app.button_links().token('org-a')}?invoiceNo=INV-3&currency=GBP&amount=450.00",
        f"/pay/{app.button_links().token('org-a')}?invoiceNo=INV-3&currency=GBP&amount=1",
        "/disconnected/xero",
    ]
    found = [each for path in (*STAFF_PAGES.values(), *payers) for each in _found(page, path)]
    page.goto(f"{payer}/pay/inv-1")
    page.get_by_label("What is wrong?").fill("A door is missing")
    page.get_by_label("Files that show it").set_input_files([{"name": "a", "mimeType": "", "buffer": b"text"}])
    page.get_by_role("button", name="Tell us", exact=True).click()
    page.get_by_role("alert").wait_for()
    found += _violations(page, "a file that is not taken")
    page.goto(f"{payer}/pay/inv-3")
    page.get_by_label("Day of payment").fill(f"{TODAY}")
    page.get_by_label("Amount in GBP, if not all of it").fill("much")
    page.get_by_role("button", name="Tell us the day").click()
    page.get_by_text("write the amount in numbers").wait_for()
    found += _violations(page, "what is refused to a payer")
    page.goto(STAFF_PAGES["texts"])
    page.get_by_role("button", name="See how it reads").click()
    page.get_by_role("status").wait_for()
    found += _violations(page, "how a text reads")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_on_what_a_viewer_is_shown(browser: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """What others change stands there as text for who may only see it."""
    with public_site(tmp_path) as site:
        ledger_accounts(site.app, "org-a", {"610": "Discounts"}, currency=None, purpose="other")
        viewer = site.browser("vera", org_a=MemberRole.VIEWER)
        page = browser.new_context(base_url=ORIGIN, bypass_csp=True).new_page()

        def answer(route: Route) -> None:
            told = viewer.get(route.request.url.removeprefix(ORIGIN))
            route.fulfill(status=told.status_code, body=told.content, content_type=told.headers.get("content-type"))

        page.route("**/*", answer)
        paths = [path for name, path in STAFF_PAGES.items() if path.startswith("/o/") and name != "people"]
        found = [each for path in paths for each in _found(page, path)]
    assert not found, "\n".join(found)
