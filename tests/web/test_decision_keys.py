"""Messages and charges are decided from the keyboard like receipts: what a card's form says travels with the key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Table, select

from runtime.app import App
from runtime.operations.reminding.plan import plan_reminders
from runtime.store import tables as t
from tests.web.build import NOW, fill, running
from tests.web.serving import serving
from tests.web.test_browser import browser

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[App, str]]:
    with running(tmp_path) as (app, _):
        fill(app)
        with app.store.write() as db:
            db.execute(t.organisation.update().values(approvals_on=True))
            # Bolt may be written to today
            db.execute(t.reminder.update().where(t.reminder.c.id == "rem-1").values(sent_at=NOW - timedelta(days=8)))
        plan_reminders(app, "org-a")
        with serving(app) as address:
            yield app, address


def _rows(app: App, table: Table) -> list[Any]:
    with app.store.read() as db:
        return list(db.execute(select(table)))


def _opened(browser: Browser, address: str, path: str) -> Page:
    page = browser.new_context(base_url=address).new_page()
    page.goto(path)
    return page


def test_a_message_is_approved_with_its_note_and_taken_back(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page = _opened(browser, address, "/o/org-a/approvals")
    page.get_by_label("A note to them").fill("x is no key while somebody writes")
    expect(page.locator("section.decision")).to_be_visible()
    page.locator("section.decision").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Approved. Press u to take it back. 0 left.")
    (row,) = _rows(app, t.approval)
    assert (row.decision, row.note) == ("approved", "x is no key while somebody writes")
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("Taken back")
    assert _rows(app, t.approval) == []


def test_a_charge_is_waived_as_it_was_shown(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page = _opened(browser, address, "/o/org-a/charges")
    page.keyboard.press("x")
    expect(page.locator("#said")).to_contain_text("Waived.")
    (row,) = [each for each in _rows(app, t.charge) if each.document_id == "inv-5"]
    assert (row.state, row.interest_minor, row.fixed_minor) == ("waived", 8_055, 7_000)
