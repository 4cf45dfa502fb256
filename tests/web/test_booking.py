"""What closes an item without cash, in a browser: the account it is booked to, and a small rest that is given up."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import Table, delete, insert, select, update

from runtime.store import tables as t
from tests.web.build import NOW, Books, ledger_accounts
from tests.web.conftest import Site

BAD_DEBTS = "429"
BOOKED = {"kind": "write_off", "account": BAD_DEBTS, "tax_code": " NONE "}
REST = {"minor": "100", "currency": "GBP"}


@pytest.fixture
def firm(site: Site) -> Site:
    """An organisation whose invoice REST-1 has a small rest, and whose ledger has an account for such."""
    books = Books(site.app, "org-c", "Small Rests Ltd")
    books.connection("xero", "ledger")
    ledger_accounts(site.app, "org-c", {"090": "Current account"}, currency="GBP")
    ledger_accounts(site.app, "org-c", {BAD_DEBTS: "Bad debts"}, currency=None, purpose="other")
    with site.app.store.write() as db:
        db.execute(update(t.connection).where(t.connection.c.organisation_id == "org-c").values(tax_codes_read_at=NOW))
        db.execute(insert(t.tax_code).values(organisation_id="org-c", code="NONE", name="No VAT", per_cent="0"))
    books.customer("cole", "Cole Ltd")
    books.invoice("rest-1", "cole", late=30, total=10_000, balance_minor=100)
    books.invoice("whole-1", "cole", late=30, total=10_000)
    return site


def _treat(site: Site, **form: str) -> httpx.Response:
    return site.http.post("/o/org-c/settings/treatment", data=BOOKED | form)


def _give_up(site: Site, document_id: str = "rest-1", organisation_id: str = "org-c", **form: str) -> httpx.Response:
    return site.http.post(f"/o/{organisation_id}/invoices/{document_id}/write-off", data=REST | form)


def _rows(site: Site, table: Table, organisation_id: str = "org-c") -> list[Any]:
    with site.app.store.read() as db:
        return list(db.execute(select(table).where(table.c.organisation_id == organisation_id)))


def _treatments(site: Site) -> list[tuple[str, str, str]]:
    return [(row.kind, row.account, row.tax_code) for row in _rows(site, t.treatment)]


def test_an_account_is_kept_shown_and_forgotten(firm: Site) -> None:
    chosen = f'<option value="{BAD_DEBTS}" selected>Bad debts ({BAD_DEBTS})</option>'
    before = firm.http.get("/o/org-c/settings").text
    assert (chosen in before, "Bad debts (429)" in before) == (False, True)
    assert "Current account (090)</option>" not in before, "money itself lies there: nothing is booked to it"
    answer = _treat(firm)
    assert (answer.status_code, answer.headers["location"]) == (303, "/o/org-c/settings?notice=declared")
    assert _treatments(firm) == [("write_off", BAD_DEBTS, "NONE")]
    page = firm.http.get("/o/org-c/settings").text
    assert page.count(chosen) == 1
    assert page.count('<option value="NONE" selected>No VAT, 0 % (NONE)</option>') == 1
    with firm.app.store.write() as db:
        db.execute(delete(t.tax_code))
    assert "The ledger no longer has the tax code NONE." in firm.http.get("/o/org-c/settings").text
    _treat(firm, account="")
    assert _treatments(firm) == []
    assert [row.actor for row in _rows(firm, t.event) if row.action == "treatment_set"] == ["owner", "owner"]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"kind": "bribe"}, "is not one of"),
        ({"account": "999"}, "the ledger has no account 999"),
        ({"tax_code": "x" * 65}, "longer than 64 characters"),
        ({"tax_code": "TYPED"}, "the ledger has no tax code TYPED for sales"),
        ({"account": "4\0"}, "or no text"),
    ],
)
def test_a_wrong_treatment_is_answered_in_one_line_and_keeps_nothing(
    firm: Site, wrong: dict[str, str], line: str
) -> None:
    answer = _treat(firm, **wrong)
    assert answer.status_code == 400
    assert line in answer.text
    assert _treatments(firm) == []


def test_a_rest_is_offered_only_where_it_is_small_and_has_an_account(firm: Site) -> None:
    page = firm.http.get("/o/org-c/invoices/rest-1").text
    assert "Not possible yet: name the account for write off in the settings" in page
    assert "/rest-1/write-off" not in page
    _treat(firm)
    page = firm.http.get("/o/org-c/invoices/rest-1").text
    assert f"is booked to the account {BAD_DEBTS}" in page
    assert 'action="/o/org-c/invoices/rest-1/write-off"' in page
    assert '<input type="hidden" name="minor" value="100"><input type="hidden" name="currency" value="GBP">' in page
    assert "Write off the rest" not in firm.http.get("/o/org-c/invoices/whole-1").text


def test_a_rest_is_given_up_once(firm: Site) -> None:
    _treat(firm)
    answer = _give_up(firm)
    assert (answer.status_code, answer.headers["location"]) == (303, "/o/org-c/invoices/rest-1?notice=written_off")
    (promised,) = _rows(firm, t.outbox)
    assert promised.intent["intent"] == "write_down"
    page = firm.http.get(answer.headers["location"]).text
    assert "Write off the rest" not in page
    assert _give_up(firm).status_code == 409
    assert len(_rows(firm, t.outbox)) == 1


@pytest.mark.parametrize(
    ("document_id", "form", "status", "line"),
    [
        ("rest-1", {"minor": "99"}, 409, "look again, then decide"),
        ("rest-1", {"currency": "EUR"}, 409, "look again, then decide"),
        ("rest-1", {"currency": "XXQ"}, 400, "XXQ"),
        ("rest-1", {"minor": "1.5"}, 400, ""),
        ("whole-1", {"minor": "10000"}, 409, "no small rest"),
        ("nowhere", {}, 404, ""),
        ("inv-1", {}, 404, ""),
    ],
)
def test_nothing_else_is_given_up(firm: Site, document_id: str, form: dict[str, str], status: int, line: str) -> None:
    _treat(firm)
    answer = _give_up(firm, document_id, **form)
    assert (answer.status_code, line in answer.text) == (status, True)
    assert _rows(firm, t.allocation) == []
    assert _rows(firm, t.outbox) == []


def test_what_is_another_organisations_is_not_given_up_under_its_name(firm: Site) -> None:
    _treat(firm)
    assert _give_up(firm, organisation_id="org-a").status_code == 404
    assert _rows(firm, t.outbox) == []
