"""The page on which a person says what the columns of a bank file mean: looked at first, taken in once, kept."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from runtime.store import tables as t
from tests.web.conftest import Site

FILE = "Konto;DE77\n\nTag;Wer;Zweck;Wert\n26.02.2026;ACME;INV-1;120,00\n27.02.2026;VERMIETER;Miete;-900,50\n"
SAID: dict[str, Any] = {
    "headings": "1",
    "means": ["booked_on", "counterparty", "description", "amount"],
    "account": "DE 77",
    "currency": "eur",
}


def upload(site: Site, content: str = FILE, name: str = "feb.csv") -> str:
    answer = site.http.post("/o/org-a/statements", files={"file": (name, content.encode())})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def counts(site: Site) -> tuple[int, ...]:
    tables = (t.receipt, t.statement, t.statement_columns, t.pending_statement)
    with site.app.store.read() as db:
        return tuple(len(db.execute(select(table)).all()) for table in tables)


def test_columns_are_looked_at_then_taken_and_the_next_file_is_read_by_itself(site: Site) -> None:
    receipts, _, _, waiting = counts(site)
    page = upload(site)
    begun = site.http.get(page).text
    assert "Row 2" in begun
    assert "VERMIETER" in begun
    looked = site.http.get(page, params=SAID | {"step": "look"})
    assert looked.status_code == 200, looked.text
    text = " ".join(re.sub(r"<[^>]+>", " ", looked.text).split())
    assert "2 lines, 26 Feb 2026 to 27 Feb 2026" in text
    assert "Money in 1 line, €120.00" in text
    assert "Money out 1 line, -€900.50" in text
    assert counts(site) == (receipts, 0, 0, waiting + 1)
    hidden: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', looked.text):
        hidden.setdefault(name, []).append(value)
    taken = site.http.post(page, data=hidden)
    assert "feb.csv: 2 lines, 1 new receipt" in taken.text
    assert counts(site) == (receipts + 1, 1, 1, waiting)
    again = site.http.post("/o/org-a/statements", files={"file": ("mar.csv", FILE.encode())})
    assert "mar.csv: 2 lines, 0 new receipts" in again.text
    assert "DE77" in again.text
    assert site.http.get(page).status_code == 404


def test_a_wrong_column_says_which_row_and_changes_nothing(site: Site) -> None:
    page = upload(site)
    before = counts(site)
    wrong = SAID | {"means": ["booked_on", "counterparty", "amount", "description"]}
    for answer in (site.http.get(page, params=wrong | {"step": "look"}), site.http.post(page, data=wrong)):
        assert answer.status_code == 400
        assert "feb.csv, line 4: &#39;INV-1&#39; is not an amount" in answer.text
    assert counts(site) == before


def test_a_file_that_the_kept_columns_cannot_read_asks_again_with_them(site: Site) -> None:
    site.http.post(upload(site), data=SAID)
    page = upload(site, FILE.replace("27.02", "27.Zwo"), "bad.csv")
    shown = site.http.get(page).text
    assert "could not be read by the columns that are kept" in shown
    assert 'value="DE77"' in shown


def test_a_file_that_waits_is_the_organisations_own_and_can_be_dropped(site: Site) -> None:
    *_, waiting = counts(site)
    page = upload(site)
    theirs = page.replace("org-a", "org-b")
    for answer in (site.http.get(theirs), site.http.post(theirs, data=SAID), site.http.post(f"{theirs}/drop")):
        assert answer.status_code == 404
    assert counts(site)[-1] == waiting + 1
    assert "feb.csv" not in site.http.get("/o/org-b/statements").text
    assert site.http.post(f"{page}/drop").status_code == 303
    assert counts(site)[-1] == waiting


def test_kept_columns_are_forgotten(site: Site) -> None:
    site.http.post(upload(site), data=SAID)
    (found,) = re.findall(r"/o/org-a(/columns/[^/]+/forget)", site.http.get("/o/org-a/statements").text)
    assert site.http.post(f"/o/org-b{found}").status_code == 400
    assert site.http.post(f"/o/org-a{found}").status_code == 303
    upload(site)


@pytest.mark.parametrize(
    "wrong",
    [{"headings": "-1"}, {"headings": "x"}, {"means": ["nothing"]}, {"means": ["amount", "amount"]}, {"means": []}],
)
def test_what_no_column_can_be_is_refused(site: Site, wrong: dict[str, Any]) -> None:
    page = upload(site)
    before = counts(site)
    assert site.http.get(page, params=SAID | wrong | {"step": "look"}).status_code == 400
    assert site.http.post(page, data=SAID | wrong).status_code == 400
    assert counts(site) == before


def test_a_file_without_headings_is_looked_at_taken_and_read_by_itself_from_then_on(site: Site) -> None:
    content = "26 fév 2026;ACME;INV-1;120,00\n27 fév 2026;VERMIETER;Miete;-900,50\n"
    receipts, *_ = counts(site)
    page = upload(site, content)
    begun = site.http.get(page).text
    assert re.search(r'<option value="none" selected>', begun)
    assert "Column 4" in begun
    assert "ACME" in begun
    said = SAID | {"headings": "none"}
    lost = site.http.get(page, params=SAID | {"headings": "0", "step": "look"})
    assert lost.status_code == 400
    assert "is no heading but a date" in lost.text
    looked = site.http.get(page, params=said | {"step": "look"}).text
    assert "2 lines, 26 Feb 2026 to 27 Feb 2026" in " ".join(re.sub(r"<[^>]+>", " ", looked).split())
    assert 'name="headings" value="none"' in looked
    assert "2 lines, 1 new receipt" in site.http.post(page, data=said).text
    again = site.http.post("/o/org-a/statements", files={"file": ("mar.csv", content.encode())})
    assert "mar.csv: 2 lines, 0 new receipts" in again.text
    assert counts(site)[0] == receipts + 1
