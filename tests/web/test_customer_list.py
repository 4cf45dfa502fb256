"""The list of customers: what each owes by currency, in two orders, searched, in pages by a key, and as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from runtime.operations.reminding import figures
from runtime.operations.reminding.figures import count_figures
from runtime.operations.views import customers
from runtime.roles import MemberRole
from runtime.store import tables as t
from tests.web.build import NOW
from tests.web.people import Browser, PublicSite, public_site

PAGE = "/o/org-a/customers"
_ROW = re.compile(r'<a href="/o/org-a/customers/([\w-]+)">.*?</tr>', re.DOTALL)
_CELL = re.compile(r'<td data-label="(.*?)".*?>(.*?)</td>', re.DOTALL)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PublicSite]:
    with public_site(tmp_path) as site:
        yield site


@pytest.fixture
def carla(site: PublicSite) -> Browser:
    return site.browser("carla", org_a=MemberRole.COLLECTOR)


def _listed(browser: Browser, query: str = "") -> list[str]:
    answer = browser.get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    return [found[1] for found in _ROW.finditer(answer.text)]


def _cells(browser: Browser, customer_id: str, query: str = "") -> dict[str, str]:
    row = next(found[0] for found in _ROW.finditer(browser.get(f"{PAGE}?{query}").text) if found[1] == customer_id)
    return {name: re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text)).strip() for name, text in _CELL.findall(row)}


def _walked(browser: Browser, query: str) -> list[str]:
    """What all pages list, one after the other, by the links between them."""
    path, found = f"{PAGE}?{query}", list[str]()
    for _ in range(20):
        shown = browser.get(path).text
        found += [each[1] for each in _ROW.finditer(shown)]
        following = re.search(r'<a href="([^"]*)">Next', shown)
        if following is None:
            return found
        path = following[1].replace("&amp;", "&")
    raise AssertionError("the pages do not end")


def test_what_a_customer_owes_is_told_by_currency_with_what_stands_against_reminding(
    site: PublicSite, carla: Browser
) -> None:
    bolt = _cells(carla, "bolt")
    assert bolt["Open"] == "£2,319.99 €99.00"
    assert bolt["Overdue"] == "£2,319.99 €99.00"
    assert bolt["Oldest due"] == "10 Nov 2025 120 days late"
    assert bolt["Held"] == "–"
    assert bolt["Last reminded"] == "8 Mar 2026"
    acme = _cells(carla, "acme")
    assert acme["Open"] == "£2,530.50", "what is paid and being posted is open no more"
    assert acme["Overdue"] == "£2,080.50", "what is due later is not overdue"
    assert acme["Held"] == "1 of 4 open: 1 contested"
    assert acme["Last reminded"] == "–"
    assert acme["Risk"] == "Not known yet"
    site.books.customer("calm", "Calm Ltd")
    calm = _cells(carla, "calm", "sort=name")
    assert (calm["Open"], calm["Overdue"], calm["Oldest due"]) == ("–", "–", "–")


def test_those_of_whom_most_is_overdue_come_first_in_the_currency_that_is_chosen(
    site: PublicSite, carla: Browser
) -> None:
    assert _listed(carla) == ["bolt", "acme"]
    assert _listed(carla, "currency=EUR") == ["bolt"]
    site.books.invoice("inv-10", "acme", late=1, total=9_901, currency="EUR")
    site.books.invoice("inv-11", "acme", late=1, total=23_950)
    assert _listed(carla) == ["acme", "bolt"], "by a penny"
    assert _listed(carla, "currency=EUR") == ["acme", "bolt"]
    assert _listed(carla, "currency=XXX") == ["acme", "bolt"], "that of the organisation"
    site.books.customer("early", "Early Ltd")
    site.books.invoice("inv-12", "early", late=0, total=10**9)
    assert "early" not in _listed(carla), "the day on which it is due is not late"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sort=name", ["acme", "bolt", "calm"]),
        ("sort=name&q=ACME", ["acme"]),
        ("sort=name&q=k-77", ["calm"]),
        ("sort=name&q=bolt%40example", ["bolt"]),
        ("sort=name&q=%25", []),
        ("q=bolt", ["bolt"]),
        ("q=calm", []),
    ],
)
def test_they_are_searched_by_name_number_or_email(
    site: PublicSite, carla: Browser, query: str, found: list[str]
) -> None:
    site.books.customer("calm", "calm and low ltd", number="K-77")
    site.books.customer("gone", "Gone Ltd", deleted=True)
    assert _listed(carla, query) == found


def test_pages_begin_behind_a_customer_whatever_is_equal_or_comes_between(
    site: PublicSite, carla: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "PAGE_ROWS", 2)
    for number in range(5):
        site.books.customer(f"same-{number}", "Same Name" if number % 2 else "same name")
        site.books.invoice(f"same-inv-{number}", f"same-{number}", late=2, total=100)
    same = [f"same-{number}" for number in range(5)]
    assert _walked(carla, "sort=name") == ["acme", "bolt", *same]
    assert _walked(carla, "sort=name&q=same") == same
    assert _walked(carla, "sort=overdue") == ["bolt", "acme", *same]
    site.books.customer("aaa", "AAA")
    assert _listed(carla, "sort=name&after=acme")[0] == "bolt", "who came before moves nobody"
    assert _listed(carla, "sort=name&after=nobody")[0] == "aaa"
    assert _listed(carla, "sort=overdue&after=nobody")[0] == "bolt"


def test_of_many_invoices_the_order_is_the_one_that_was_counted(
    site: PublicSite, carla: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _walked(carla, "")
    monkeypatch.setattr(figures, "COUNTED_WHEN_ASKED", 2)
    monkeypatch.setattr(figures, "CUSTOMERS_A_HEAP", 1)
    assert "is being counted for the first time" in carla.get(PAGE).text
    count_figures(site.app, "org-a")
    assert _walked(carla, "") == asked
    site.books.invoice("inv-10", "acme", late=1, total=10**7)
    assert _walked(carla, "") == asked
    assert _cells(carla, "acme")["Overdue"] == "£102,080.50", "the amounts are those of now"
    monkeypatch.setattr(figures, "MAX_RANKED", 1)
    monkeypatch.setattr(customers, "MAX_RANKED", 1)
    count_figures(site.app, "org-a")
    assert _walked(carla, "") == ["acme"]
    assert "in the order of 10 Mar 2026" in carla.get(PAGE).text


def test_what_an_earlier_version_counted_has_no_order(
    site: PublicSite, carla: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "COUNTED_WHEN_ASKED", 2)
    row = {"organisation_id": "org-a", "body": {}, "counted_at": NOW, "took_seconds": 1}
    with site.app.store.write() as db:
        db.execute(insert(t.open_figures).values(row))
    assert "is being counted for the first time" in carla.get(PAGE).text


def test_only_their_own_organisations_customers_are_there(carla: Browser) -> None:
    assert "zeta" not in _listed(carla, "sort=name")
    assert carla.get("/o/org-b/customers").status_code == 404


def test_they_are_taken_away_as_a_file_a_line_a_currency_and_no_cell_is_a_formula(
    site: PublicSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.books.customer("evil", '=HYPERLINK("http://evil.example")')
    answer = site.browser("audrey", org_a=MemberRole.AUDITOR).get("/o/org-a/customers.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["customer"][:7], row["currency"], row["open"], row["overdue"]) for row in rows] == [
        ("'=HYPER", "", "", ""),
        ("Acme Tr", "GBP", "2530.50", "2080.50"),
        ("Bolt & ", "GBP", "2319.99", "2319.99"),
        ("Bolt & ", "EUR", "99.00", "99.00"),
    ]
    assert rows[1]["oldest_due"] == "2026-01-24"
    assert rows[1]["held"] == "1 of 4 open: 1 contested"
    assert rows[2]["last_reminded"] == "2026-03-08"
    owner = site.browser("owner", org_a=MemberRole.OWNER)
    assert 'href="/o/org-a/customers.csv?q=acme" download' in owner.get(f"{PAGE}?q=acme").text
    assert len(owner.get("/o/org-a/customers.csv?q=acme").text.splitlines()) == 2
    viewer = site.browser("vera", org_a=MemberRole.VIEWER)
    assert "customers.csv" not in viewer.get(PAGE).text
    assert viewer.get("/o/org-a/customers.csv").status_code == 403
    monkeypatch.setattr(customers, "MAX_TAKEN", 2)
    refused = owner.get("/o/org-a/customers.csv")
    assert (refused.status_code, "search for a part of a name" in refused.text) == (409, True)


def test_the_way_there(carla: Browser) -> None:
    assert f'href="{PAGE}" aria-current="page"' in carla.get(PAGE).text, "it is in the navigation"
    assert f'href="{PAGE}" aria-current="page"' in carla.get(f"{PAGE}/acme").text
    assert f'<a href="{PAGE}?currency=EUR">by customer</a>' in carla.get("/o/org-a").text


@pytest.mark.parametrize("query", ["sort=luck", "q=" + "x" * 101, "currency=EURO", "after=" + "x" * 65])
def test_a_bad_question_is_refused(carla: Browser, query: str) -> None:
    assert carla.get(f"{PAGE}?{query}").status_code == 400
