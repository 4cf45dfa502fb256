"""The page of late charges: terms, rates and decisions without a script; the arithmetic that is decided on."""

from __future__ import annotations

import re

import httpx
from sqlalchemy import select

from runtime.app import App
from runtime.operations.reminding.policies import set_policies
from runtime.operations.systems.treatments import LATE_CHARGE, set_treatment
from runtime.store import tables as t
from tests.web.build import Books, ledger_accounts
from tests.web.conftest import Site

PAGE = "/o/org-a/charges"


def _fields(page: str, address: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to `address`."""
    (form,) = re.findall(rf'<form [^>]*action="{re.escape(address)}">(.*?)</form>', page, re.DOTALL)
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def _booked(site: Site) -> None:
    ledger_accounts(site.app, "org-a", {"200": "Sales"}, purpose="income")
    set_treatment(site.app, organisation_id="org-a", kind=LATE_CHARGE, account="200", actor="owner")


def _charges(site: Site) -> set[tuple[str, str]]:
    with site.app.store.read() as db:
        return {(row.document_id, row.state) for row in db.execute(select(t.charge))}


def _send(site: Site, path: str, **fields: str) -> httpx.Response:
    return site.http.post(path, data=fields)


def test_the_page_shows_the_arithmetic_and_what_is_decided_is_what_it_showed(site: Site) -> None:
    page = site.http.get(PAGE).text
    assert "name the account for late charge in the settings" in page
    assert f"{PAGE}/inv-5/approve" not in page
    _booked(site)
    page = site.http.get(PAGE).text
    # 120 days at 8 + 4.25 % of 2,000.00, the rate of the half-year in which it became late; 70.00 of 1,000.00 and more
    for words in ("12.25 %", "£80.55", "£70.00", "£150.55", "Late Payment of Commercial Debts"):
        assert words in page
    shown = _fields(page, f"{PAGE}/inv-5/waive")
    assert shown == _fields(page, f"{PAGE}/inv-5/approve")
    changed = _send(site, f"{PAGE}/inv-5/waive", **{**shown, "interest": "8054"})
    assert (changed.status_code, "look again" in changed.text) == (409, True)
    answer = _send(site, f"{PAGE}/inv-5/waive", **shown)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?notice=charge_waived")
    assert ("inv-5", "waived") in _charges(site)
    assert f"{PAGE}/inv-5/waive" not in site.http.get(PAGE).text


def charge_what_was_paid_late(app: App) -> None:
    """A policy that charges for what was paid late, and an invoice of Bolt's, paid in two parts, the last late."""
    text = "policies:\n  - {name: strict, charge_paid_late: yes, levels: [{days_after_due: 1, tone: friendly}]}\n"
    set_policies(app, organisation_id="org-a", text=text, source="a test", actor="owner")
    books = Books.of(app, "org-a")
    books.invoice("inv-20", "bolt", late=30, total=160_000, status="paid", balance_minor=0)
    books.paid_by_hand("inv-20", "bolt", 60_000, days_ago=31)
    books.paid_by_hand("inv-20", "bolt", 100_000, days_ago=6)


def test_what_was_paid_late_is_shown_with_the_days_and_decided_about_as_well(site: Site) -> None:
    page = site.http.get(PAGE).text
    assert "Invoices that were paid late are not charged for" in page
    charge_what_was_paid_late(site.app)
    page = site.http.get(PAGE).text
    (card,) = [part for part in page.split("<section") if f"{PAGE}/inv-20/waive" in part]
    # 24 days at 8 + 3.75 % of 1,000.00
    for words in ("Paid late", "24 days late", "11.75 %", "£7.73", "£70.00", "£77.73"):
        assert words in card, words
    assert "open" not in re.sub(r"<[^>]*>", "", card)
    assert "under the policy strict" in page
    shown = _fields(page, f"{PAGE}/inv-20/waive")
    assert _send(site, f"{PAGE}/inv-20/waive", **shown).status_code == 303
    assert f"{PAGE}/inv-20/waive" not in site.http.get(PAGE).text
    assert ("inv-20", "waived") in _charges(site)


def test_an_invoice_is_searched_for_by_its_number_or_customer(site: Site) -> None:
    for text, found in (("inv-5", True), ("bolt", True), ("acme", False), ("%", False)):
        page = site.http.get(PAGE, params={"q": text}).text
        assert (f"{PAGE}/inv-5/waive" in page) is found, text


def test_an_approval_needs_the_ledger(site: Site) -> None:
    _booked(site)
    shown = _fields(site.http.get(PAGE).text, f"{PAGE}/inv-5/approve")
    with site.app.store.write() as db:
        db.execute(t.connection.update().values(status="disconnected"))
    answer = _send(site, f"{PAGE}/inv-5/approve", **shown)
    assert (answer.status_code, "no ledger is connected" in answer.text.lower()) == (409, True)
    assert _charges(site) == {("inv-8", "posted"), ("inv-7", "waived")}


def test_terms_rates_and_businesses_are_said_on_the_page(site: Site) -> None:
    assert _send(site, f"{PAGE}/rate", since="2025-07-01", per_cent="").status_code == 303
    assert "2025-07-01 is not known" in site.http.get(PAGE).text
    assert _send(site, f"{PAGE}/terms", contract_rate="18", contract_fee="5.00", due_days="7").status_code == 303
    page = site.http.get(PAGE).text
    assert "as contracted" in page
    assert 'value="18.00"' in page
    assert _send(site, "/o/org-a/customers/bolt/business", business="no").status_code == 303
    assert "Nothing says that this customer is a business" in site.http.get(PAGE).text
    for path, fields in (
        ("terms", {"contract_rate": "many"}),
        ("terms", {"due_days": "0"}),
        ("rate", {"since": "soon"}),
        ("rate", {"since": "2026-07-01", "per_cent": "3.755"}),
        ("inv-5/waive", {"until": "x", "interest": "1", "fixed": "1", "currency": "GBP"}),
    ):
        assert _send(site, f"{PAGE}/{path}", **fields).status_code == 400, (path, fields)


def test_while_it_is_off_nothing_is_worked_out(site: Site) -> None:
    assert _send(site, "/o/org-a/settings/charges", charges="off").status_code == 303
    page = site.http.get(PAGE).text
    assert "inv-5/waive" not in page
    assert "Switch late charges on" in page
    assert f'href="{PAGE}"' not in site.http.get("/o/org-a").text
