"""The page of one customer: balances, the statement on demand, and the link to their own page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from reminders.policy_book import BY_RISK
from reminders.policy_file import write_policies
from runtime.portal_links import LIFETIME_DAYS
from runtime.roles import MemberRole
from runtime.store import tables as t
from tests.web.people import ORIGIN, Browser, PublicSite, public_site

BOLT = "/o/org-a/customers/bolt"
_LINK = re.compile(rf'<input id="link"[^>]* value="{ORIGIN}(/p/[\w-]+)"')


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PublicSite]:
    with public_site(tmp_path) as site:
        yield site


@pytest.fixture
def carla(site: PublicSite) -> Browser:
    return site.browser("carla", org_a=MemberRole.COLLECTOR)


def _events(site: PublicSite, action: str) -> list[tuple[str, str, str]]:
    event = t.event.c
    with site.app.store.read() as db:
        rows = db.execute(select(event.subject, event.actor, event.detail).where(event.action == action))
        return [(row.subject, row.actor, row.detail) for row in rows]


def _made(browser: Browser, customer: str = BOLT) -> str:
    answer = browser.post(f"{customer}/link")
    assert answer.status_code == 200
    found = _LINK.search(answer.text)
    assert found is not None
    return found[1]


def test_the_risk_stands_there_with_its_reasons_and_the_policy_that_counts(site: PublicSite, carla: Browser) -> None:
    site.books.customer("new", "New Ltd")
    shown = carla.get("/o/org-a/customers/new").text
    assert "Not known yet</div>" in shown
    assert "Fewer than 3 invoices have come due in the last year." in shown
    assert "Standard</div>" in shown
    assert "as the CRM tells" not in shown
    site.books.customer("slow", "Slow Ltd", industry="Construction", employees=1_200)
    for number in ("1", "2", "3"):
        site.books.invoice(f"slow-{number}", "slow", late=80, total=1_000, status="paid", balance_minor=0)
        site.books.paid_by_hand(f"slow-{number}", "slow", 1_000, days_ago=20)
    with site.app.store.write() as db:
        policies = {"organisation_id": "org-a", "version": 2, "set_by": "Dana", "set_at": site.app.clock()}
        db.execute(insert(t.policy_book).values(**policies, body=write_policies(BY_RISK)))
    shown = carla.get("/o/org-a/customers/slow").text
    assert "High</div>" in shown
    assert "Pays 60 days late on average, by amount, over 3 invoices of the last year." in shown
    assert "High risk</div>" in shown
    assert "Construction, 1,200 employees, as the CRM tells." in shown


def test_what_a_customer_owes_is_told_by_currency(site: PublicSite, carla: Browser) -> None:
    shown = carla.get(BOLT).text
    assert "Open in GBP" in shown
    assert "£2,319.99</div>" in shown  # INV-4 and INV-5
    assert "Open in EUR" in shown
    assert "€99.00 overdue" in shown
    shown = carla.get("/o/org-a/customers/acme").text
    assert "£2,530.50</div>" in shown  # INV-1, INV-2 and INV-3; INV-7 is paid
    assert "£880.50 overdue, £1,200.00 on its way" in shown
    site.books.customer("none", "Nobody Ltd")
    assert "Nothing</div>" in carla.get("/o/org-a/customers/none").text


def test_the_statement_is_given_to_who_may_take_data_away(site: PublicSite, carla: Browser) -> None:
    auditor = site.browser("audrey", org_a=MemberRole.AUDITOR)
    answer = auditor.get(f"{BOLT}/statement.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-type"] == "application/pdf"
    name = "statement-2026-03-10-Bolt-Sons-script-alert-1-script.pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert f'href="{BOLT}/statement.pdf"' in auditor.get(BOLT).text
    assert carla.get(f"{BOLT}/statement.pdf").status_code == 403
    assert "statement.pdf" not in carla.get(BOLT).text
    assert auditor.get("/o/org-a/customers/zeta/statement.pdf").status_code == 404, "another organisation's"


def test_a_link_is_made_on_request_and_noted_without_being_kept(site: PublicSite, carla: Browser) -> None:
    for _ in range(2):
        assert "/p/" not in carla.get(BOLT).text
    assert _events(site, "link_given") == [], "looking makes none"
    path = _made(carla)
    assert "INV-5" in site.http.get(path).text
    assert _events(site, "link_given") == [
        ("bolt", "carla@example.com", f"a link to the customer's page, good for {LIFETIME_DAYS} days")
    ]
    assert "/p/" not in carla.get(BOLT).text, "it is shown once"
    site.time.now += timedelta(days=LIFETIME_DAYS)
    late = site.http.get(path)
    assert (late.status_code, late.headers["location"]) == (303, path.replace("/p/", "/new-link/", 1))


def test_a_link_is_not_made_by_a_get_nor_by_who_may_only_see(site: PublicSite, carla: Browser) -> None:
    assert carla.get(f"{BOLT}/link").status_code == 405
    for role in (MemberRole.VIEWER, MemberRole.AUDITOR):
        browser = site.browser(role.value, org_a=role)
        assert browser.post(f"{BOLT}/link").status_code == 403
        assert "link to their page" not in browser.get(BOLT).text
    assert carla.post("/o/org-a/customers/zeta/link").status_code == 404, "another organisation's"
    assert _events(site, "link_given") == []


def test_ended_links_open_nothing_and_new_ones_do(site: PublicSite, carla: Browser) -> None:
    path, other = _made(carla), _made(carla, "/o/org-a/customers/acme")
    answer = carla.post(f"{BOLT}/end-links")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BOLT}?notice=links_ended")
    assert site.http.get(path).status_code == 404
    assert site.http.get(other).status_code == 200, "another customer's"
    site.time.now += timedelta(seconds=1)
    assert site.http.get(_made(carla)).status_code == 200
