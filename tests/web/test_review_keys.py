"""The review queue from the keyboard, in Chromium: two hundred proposals without touching the mouse."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select, update

from runtime.app import App
from runtime.operations.views.review import MAX_PROPOSALS
from runtime.store import tables as t
from tests.http_client import client_of
from tests.web.build import Books, filled, running
from tests.web.serving import serving
from tests.web.test_browser import browser

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[tuple[App, str]]:
    with running(tmp_path, filled(_proposals)) as (app, _), serving(app) as address:
        yield app, address


def _proposals(app: App) -> None:
    """As many proposals as the page shows, each of an invoice of its own."""
    books = Books(app, "org-a", "Harbour Joinery Ltd")
    books.customer("acme", "Acme Trading Ltd")
    books.connection("xero", "ledger")
    books.bank(until=app.clock().date())
    for at in range(MAX_PROPOSALS):
        books.invoice(f"inv-{at}", "acme", late=5, total=10_000 + at)
        books.receipt(f"rcp-{at:03}", 10_000 + at, state="suggested", payer_name=f"PAYER {at}", customer_id="acme")
        books.proposal(f"rcp-{at:03}", {f"inv-{at}": 10_000 + at}, customer_id="acme")


@pytest.fixture
def page(browser: Browser, queue: tuple[App, str]) -> Page:
    opened = browser.new_context(base_url=queue[1]).new_page()
    opened.goto("/o/org-a/review")
    return opened


def _states(app: App) -> dict[str, int]:
    with app.store.read() as db:
        rows = db.execute(select(t.proposal.c.state, func.count()).group_by(t.proposal.c.state)).all()
    return {row[0]: row[1] for row in rows}


def test_two_hundred_are_worked_without_the_mouse(page: Page, queue: tuple[App, str], tmp_path: Path) -> None:
    app, _ = queue
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    said = page.locator("#said")
    expect(page.locator("#rcp-000")).to_be_focused()
    page.screenshot(path=tmp_path / "queue.png")
    for key, at in (("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(page.locator(f"#rcp-{at:03}")).to_be_focused()
    for left in range(MAX_PROPOSALS - 1, -1, -1):
        page.keyboard.press("x" if left % 4 == 0 else "Enter")
        expect(said).to_contain_text(f"{left} left.")
    assert _states(app) == {"confirmed": MAX_PROPOSALS * 3 // 4, "rejected": MAX_PROPOSALS // 4}
    assert not complaints


def test_the_last_decisions_are_taken_back_one_after_the_other(page: Page, queue: tuple[App, str]) -> None:
    app, _ = queue
    for key, said in (("Enter", "Confirmed."), ("x", "Rejected.")):
        page.keyboard.press(key)
        expect(page.locator("#said")).to_contain_text(said)
    for at in (1, 0):
        page.keyboard.press("u")
        expect(page.locator(f"#rcp-{at:03}")).to_be_focused()
    assert _states(app) == {"pending": MAX_PROPOSALS}
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("nothing to take back")


def test_what_was_decided_elsewhere_is_said_and_stays(page: Page, queue: tuple[App, str]) -> None:
    with queue[0].store.write() as db:
        db.execute(update(t.proposal).where(t.proposal.c.receipt_id == "rcp-000").values(state="rejected"))
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("decided already: reload the queue")
    expect(page.locator("#rcp-000")).to_be_visible()


def test_keys_are_in_nobodys_way_outside_the_cards(page: Page, queue: tuple[App, str]) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Search payer")).to_be_focused()
    page.keyboard.type("jkxu 150")
    assert _states(queue[0]) == {"pending": MAX_PROPOSALS}
    page.get_by_label("Search payer").fill("payer 150")
    page.keyboard.press("Enter")
    expect(page.locator("#rcp-150")).to_be_focused()
    expect(page.locator("section.decision")).to_have_count(1)
    page.locator("#rcp-150").get_by_role("button", name="It is not this").focus()
    page.keyboard.press("x")
    assert _states(queue[0]) == {"pending": MAX_PROPOSALS}


def test_without_a_script_the_last_decision_is_taken_back_by_a_button(browser: Browser, queue: tuple[App, str]) -> None:
    page = browser.new_context(base_url=queue[1], java_script_enabled=False).new_page()
    page.goto("/o/org-a/review?q=inv-7")
    page.locator("#rcp-007").get_by_role("button", name="Confirm").click()
    assert _states(queue[0])["confirmed"] == 1
    page.get_by_role("button", name="Take the last decision back").click()
    expect(page.get_by_text("The decision is taken back.")).to_be_visible()
    assert _states(queue[0]) == {"pending": MAX_PROPOSALS}


def test_only_this_page_runs_a_script_and_only_its_own(queue: tuple[App, str]) -> None:
    with client_of(queue[1]) as http:
        policy = http.get("/o/org-a/review").headers["content-security-policy"]
        assert "script-src 'self'; connect-src 'self'" in policy and "default-src 'none'" in policy
        assert "script-src" not in http.get("/o/org-a").headers["content-security-policy"]


@pytest.mark.long
def test_how_long_a_decision_takes_is_told(queue: tuple[App, str], capsys: pytest.CaptureFixture[str]) -> None:
    took: dict[str, list[float]] = {"healthz": [], "decision": []}
    with client_of(queue[1]) as http:
        for at in range(MAX_PROPOSALS):  # in turn, so that both meet the same machine
            choice = "reject" if at % 4 == 0 else "confirm"
            for name, method, path in (
                ("healthz", "GET", "/healthz"),
                ("decision", "POST", f"/o/org-a/review/rcp-{at:03}/{choice}"),
            ):
                began = time.perf_counter()
                answer = http.request(method, path)
                took[name].append((time.perf_counter() - began) * 1000)
                assert answer.status_code in (200, 303)
    assert _states(queue[0]) == {"confirmed": MAX_PROPOSALS * 3 // 4, "rejected": MAX_PROPOSALS // 4}
    told = ["", *(_figures(name, each) for name, each in took.items())]
    times = statistics.median(took["decision"]) / statistics.median(took["healthz"])
    with capsys.disabled():
        sys.stdout.write("\n".join([*told, f"decision to healthz, medians: {times:.1f}", ""]))


def _figures(name: str, milliseconds: list[float]) -> str:
    hundredths = statistics.quantiles(milliseconds, n=100)
    longest = max(milliseconds)
    return f"{name}: median {hundredths[49]:.1f} ms, p95 {hundredths[94]:.1f} ms, longest {longest:.1f} ms"
