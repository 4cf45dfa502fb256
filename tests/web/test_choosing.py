"""The page on which a person chooses what a receipt pays: as a form, from the keyboard, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Table, event, select

from runtime.app import App
from runtime.operations.matching.choose import choose
from runtime.operations.views import choices
from runtime.operations.views.choices import PAGE_ROWS
from runtime.roles import GRANTS, MemberRole, Permission
from runtime.store import tables as t
from tests.web.build import NOW, Books, fill, running
from tests.web.conftest import Site
from tests.web.people import public_site
from tests.web.serving import serving
from tests.web.test_browser import browser

__all__ = ["browser"]

HERE = "/o/org-a/receipts/rcp-2/choose"  # 7.77 GBP that nothing was found for
PROPOSED = "/o/org-a/receipts/rcp-1/choose"  # 319.99 GBP, for which INV-4 is proposed


def _rows(app: App, table: Table, **where: object) -> list[Any]:
    asked = select(table)
    for name, value in where.items():
        asked = asked.where(table.c[name] == value)
    with app.store.read() as db:
        return list(db.execute(asked.order_by(*table.primary_key.columns)))


def _numbers(answer: httpx.Response) -> list[str]:
    """The invoices that a page offers to tick, in its order."""
    assert answer.status_code == 200, answer.text
    return [each.split('"')[0] for each in answer.text.split('aria-label="Pay ')[1:]]


def _paid(app: App, receipt_id: str) -> dict[str, int]:
    rows = _rows(app, t.allocation, receipt_id=receipt_id, undone_at=None)
    return {row.document_id: row.amount_minor for row in rows}


def test_what_is_proposed_and_what_its_customer_has_open_comes_first_and_no_other_currency(site: Site) -> None:
    assert _numbers(site.http.get(PROPOSED)) == ["INV-4", "INV-5", "INV-2", "INV-1", "INV-3"]


def test_where_nobody_is_known_what_is_open_for_just_the_amount_comes_first(site: Site) -> None:
    Books.of(site.app, "org-a").invoice("inv-10", "acme", late=-30, total=777)
    assert _numbers(site.http.get(HERE)) == ["INV-10", "INV-5", "INV-4", "INV-2", "INV-1", "INV-3"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("INV-5", ["INV-5"]),
        ("inv-5", ["INV-5"]),
        ("acme", ["INV-2", "INV-1", "INV-3"]),
        ("V-4", ["INV-4"]),
        ("880.50", ["INV-2"]),
        ("2,000.00", ["INV-5"]),
        ("2500", ["INV-5"]),
        ("zeta", []),
        ("INV-B", []),
        ("INV-8", []),
        ("INV-6", []),
        ("100%", []),
    ],
)
def test_a_search_finds_numbers_customers_and_amounts_of_the_organisation(
    site: Site, text: str, found: list[str]
) -> None:
    assert _numbers(site.http.get(HERE, params={"q": text})) == found


def test_a_page_of_invoices_is_bounded_and_says_that_there_are_more(site: Site) -> None:
    books = Books.of(site.app, "org-a")
    for at in range(PAGE_ROWS):
        books.invoice(f"many-{at}", "acme", late=0, total=100)
    answer = site.http.get(HERE, params={"q": "many"})
    assert (len(_numbers(answer)), "There may be more" in answer.text) == (PAGE_ROWS, False)
    answer = site.http.get(HERE)
    assert (len(_numbers(answer)), "There may be more" in answer.text) == (PAGE_ROWS, True)


def test_a_whole_number_and_a_customer_are_found_among_any_number_of_open_invoices(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "MAX_SEARCHED", 1)
    found = site.http.get(HERE, params={"q": "inv-3"})
    assert _numbers(found) == ["INV-3"]
    assert "are open: a part of a number" in found.text
    assert _numbers(site.http.get(HERE, params={"q": "acme"})) == ["INV-2", "INV-1", "INV-3"]
    assert _numbers(site.http.get(HERE, params={"q": "V-3"})) == []


def test_the_effect_is_shown_before_anything_changes(site: Site) -> None:
    before = _rows(site.app, t.allocation)
    text = site.http.get(f"{PROPOSED}?pay=inv-4&amount=100.00&pay=inv-5").text
    for shown in ('value="100.00"', 'value="219.99"', "£219.99", "£1,780.01", "Nothing is left", "Current account"):
        assert shown in text, shown
    text = site.http.get(f"{PROPOSED}?pay=inv-4&amount=100.00").text
    assert "£219.99 stays as the credit of Bolt &amp; Sons" in text
    assert _rows(site.app, t.allocation) == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("pay=inv-4&amount=400", "INV-4: 400.00 GBP is more than the 319.99 GBP that are open of it."),
        ("pay=inv-1&amount=320", "The amounts come to 320.00 GBP, and the money is 319.99 GBP."),
        ("pay=inv-1&amount=much", "INV-1: write the amount in numbers, such as 120.50."),
        ("pay=inv-1&amount=-1", "INV-1: write an amount above zero."),
        ("pay=inv-6", "INV-6 is in EUR, and the money in GBP."),
        ("pay=inv-b", "An invoice that was chosen is not open any more: choose again."),
        ("pay=inv-7&amount=1", "INV-7 is not open any more."),  # rcp-3 has paid it
    ],
)
def test_what_cannot_be_is_said_in_a_line_and_cannot_be_applied(site: Site, query: str, said: str) -> None:
    before = _rows(site.app, t.allocation), _rows(site.app, t.event)
    text = site.http.get(f"{PROPOSED}?{query}").text
    assert said in text
    assert 'value="apply"' not in text
    given = dict(each.split("=") for each in query.split("&"))
    form = {"pay": given["pay"], "of": given["pay"], "amount": given.get("amount", ""), "act": "apply"}
    answer = site.http.post(PROPOSED, data=form | {"seen": form["amount"]})
    assert answer.status_code in (400, 409)
    assert said[1:-1] in answer.text and "Nothing was changed." in answer.text
    assert (_rows(site.app, t.allocation), _rows(site.app, t.event)) == before


def test_money_that_waits_for_nothing_says_so_instead_of_a_form(site: Site) -> None:
    text = site.http.get("/o/org-a/receipts/rcp-3/choose").text
    assert "this money pays something already" in text
    assert "<form" not in text.split("<main", 1)[1]


FORM = {
    "pay": ["inv-4", "inv-5"],
    "of": ["inv-4", "inv-5"],
    "amount": ["100.00", "219.99"],
    "seen": ["100.00", "219.99"],
    "act": "apply",
}


def test_a_choice_is_applied_once_however_often_it_is_sent(site: Site) -> None:
    answer = site.http.post(PROPOSED, data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/o/org-a/review?last=rcp-1&notice=chosen")
    again = site.http.post(PROPOSED, data=FORM)
    assert again.status_code == 409
    assert "pays something already" in again.text
    assert _paid(site.app, "rcp-1") == {"inv-4": 100_00, "inv-5": 219_99}
    shown = site.http.get(answer.headers["location"]).text
    assert "Applied as chosen." in shown
    assert "Take the last decision back" in shown
    assert site.http.post("/o/org-a/review/rcp-1/reconsider").status_code == 303
    assert _paid(site.app, "rcp-1") == {}
    assert "It names INV-4." in site.http.get("/o/org-a/review").text, "what was proposed waits again"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": ["100.00", "200.00"]},
        {"amount": ["", "219.99"]},
        {"pay": ["inv-4"]},
        {"pay": ["inv-4", "inv-5", "inv-1"]},
        {"seen": []},
        {"pay": []},
    ],
)
def test_what_was_changed_since_its_effect_was_shown_is_shown_first(site: Site, change: dict[str, list[str]]) -> None:
    answer = site.http.post(PROPOSED, data=FORM | change)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{PROPOSED}?pay=") or not change.get("pay", ["some"])
    assert "Nothing is applied yet" in site.http.get(answer.headers["location"]).text
    assert _paid(site.app, "rcp-1") == {}


def test_what_is_ticked_keeps_its_amounts_through_a_search(site: Site) -> None:
    sent = FORM | {"act": "look", "pay": ["inv-4", "inv-1"], "amount": ["12.34", "219.99"], "q": "acme"}
    answer = site.http.post(PROPOSED, data=sent)
    assert answer.headers["location"] == f"{PROPOSED}?pay=inv-4&pay=inv-1&amount=12.34&amount=&q=acme"
    shown = site.http.get(answer.headers["location"])
    assert _numbers(shown) == ["INV-4", "INV-1", "INV-2", "INV-3"]
    assert 'value="12.34"' in shown.text


def test_the_queue_and_the_receipts_lead_there_for_who_may_match(tmp_path: Path) -> None:
    with public_site(tmp_path) as site:
        for role in MemberRole:
            member = site.browser(role.value, org_a=role)
            may = Permission.MATCH in GRANTS[role]
            for path, receipts in (("review", ("rcp-1", "rcp-2")), ("receipts", ("rcp-1", "rcp-2"))):
                text = member.get(f"/o/org-a/{path}").text
                assert [f"{each}/choose" in text for each in receipts] == [may, may], (role, path)
            assert member.get(PROPOSED).status_code == (200 if may else 403)
            assert member.post(HERE, FORM | {"act": "look"}).status_code == (303 if may else 403)
        assert _paid(site.app, "rcp-2") == {}
        accountant = site.browser("anna", org_a=MemberRole.ACCOUNTANT)
        accountant.post(PROPOSED, FORM)
        (proposal,) = _rows(site.app, t.proposal, receipt_id="rcp-1")
        assert proposal.body["reasons"] == ["Chosen by anna@example.com."]
        applied = _rows(site.app, t.event, action="payment_applied", actor="anna@example.com")
        assert {each.subject for each in applied} == {"inv-4", "inv-5"}


def test_what_was_rejected_is_led_to_its_invoices(site: Site) -> None:
    answer = site.http.post("/o/org-a/review/rcp-1/reject")
    assert "rcp-1/choose" in site.http.get(answer.headers["location"]).text
    assert "rcp-1/choose" not in site.http.get("/o/org-a/review").text


def test_no_query_of_the_page_reads_all_that_is_open(site: Site) -> None:
    """Each asks by an index, or looks at a bounded part of what is open."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:  # noqa: ANN401 - SQLAlchemy's
        asked.append((statement, parameters))

    event.listen(site.app.store.engine, "before_cursor_execute", note)
    for query in ("", "?q=inv-3", "?pay=inv-4&pay=inv-5"):
        assert site.http.get(f"{PROPOSED}{query}").status_code == 200
    event.remove(site.app.store.engine, "before_cursor_execute", note)
    with site.app.store.read() as db:
        for statement, parameters in asked:
            if "document" not in statement:
                continue
            plan = [row[3] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert not [step for step in plan if step.startswith("SCAN") and "anon" not in step], (statement, plan)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[App, str]]:
    with running(tmp_path) as (app, _):
        fill(app)
        with app.store.write() as db:
            db.execute(t.reminder.update().where(t.reminder.c.id == "rem-1").values(sent_at=NOW - timedelta(days=8)))
        with serving(app) as address:
            yield app, address


def _opened(browser: Browser, address: str, *, script: bool) -> Page:
    page = browser.new_context(base_url=address, java_script_enabled=script).new_page()
    page.goto("/o/org-a/review")
    return page


@pytest.mark.browser
def test_an_accountant_chooses_from_the_keyboard_and_takes_it_back(browser: Browser, served: tuple[App, str]) -> None:
    app, address = served
    page = _opened(browser, address, script=True)
    page.keyboard.press("c")
    expect(page.get_by_label("Pay INV-4")).to_be_focused()
    for key in ("Space", "Tab", "Tab", "Space", "Enter"):  # INV-4, its link, INV-5
        page.keyboard.press(key)
    expect(page.get_by_role("alert")).to_contain_text("Nothing of the money is left for INV-5")
    expect(page.get_by_label("Amount for INV-4 in GBP")).to_be_focused()
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Amount for INV-5 in GBP")).to_have_value("219.99")
    page.get_by_role("button", name="Apply").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Applied as chosen.")
    assert _paid(app, "rcp-1") == {"inv-4": 100_00, "inv-5": 219_99}
    expect(page.get_by_role("button", name="Take the last decision back")).to_be_focused()  # no card is left
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The decision is taken back.")
    assert _paid(app, "rcp-1") == {}


@pytest.mark.browser
def test_what_was_chosen_on_its_page_is_taken_back_with_u_on_the_next_card(
    browser: Browser, served: tuple[App, str]
) -> None:
    app, address = served
    books = Books.of(app, "org-a")
    books.receipt("rcp-9", 45_000, payer_name="ACME", state="suggested")
    books.proposal("rcp-9", {"inv-3": 45_000}, customer_id="acme")
    choose(app, organisation_id="org-a", receipt_id="rcp-9", amounts={"inv-1": ""}, actor="owner")
    page = browser.new_context(base_url=address).new_page()
    page.goto("/o/org-a/review?last=rcp-9&notice=chosen")
    expect(page.locator("#rcp-1")).to_be_focused()
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("The decision is taken back.")
    assert _paid(app, "rcp-9") == {}


@pytest.mark.browser
def test_it_works_without_a_script(browser: Browser, served: tuple[App, str]) -> None:
    app, address = served
    page = _opened(browser, address, script=False)
    page.get_by_role("link", name="Choose invoices for £7.77 from UNKNOWN PERSON").click()
    page.get_by_label("Search number, customer or amount").fill("acme")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("Pay INV-1").check()
    page.get_by_role("button", name="Choose what is ticked").click()
    page.get_by_label("Amount for INV-1 in GBP").fill("5")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is applied yet")
    expect(page.get_by_text("£2.77 stays as the credit of Acme Trading Ltd.")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_contain_text("Applied as chosen.")
    assert _paid(app, "rcp-2") == {"inv-1": 5_00}
    page.get_by_role("button", name="Take the last decision back").click()
    expect(page.get_by_text("The decision is taken back.")).to_be_visible()
    assert _paid(app, "rcp-2") == {}
