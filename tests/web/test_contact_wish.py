"""A payer says how to reach them: a person is asked, nothing is changed, and the table of open invoices is harmless."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select, update

from runtime.operations.payers.contact_wish import MAX_A_DAY
from runtime.store import tables as t
from tests.web.build import Books
from tests.web.conftest import Site


def _tasks(site: Site) -> list[str]:
    with site.app.store.read() as db:
        wanted = (t.task.c.subject == "acme") & t.task.c.closed_at.is_(None)
        return list(db.scalars(select(t.task.c.text).where(wanted)))


def _customer(site: Site) -> tuple[object, ...]:
    with site.app.store.read() as db:
        return tuple(db.execute(select(t.customer).where(t.customer.c.id == "acme")).one())


def test_a_wish_is_a_task_and_changes_nothing(site: Site) -> None:
    before = _customer(site)
    said = {"name": "Ada  Byron", "email": "Ada@Acme.example", "telephone": "020 7946 0018", "channel": "sms"}
    answer = site.http.post(f"/p/{site.token()}/contact", data=said, follow_redirects=True)
    assert "A person looks at it and asks you" in answer.text
    (text,) = _tasks(site)
    for part in ("Acme Trading Ltd", "Ada Byron", "ada@acme.example", "+442079460018", "preferably by text"):
        assert part in text
    assert _customer(site) == before
    with site.app.store.read() as db:
        assert not db.execute(select(t.contact_point).where(t.contact_point.c.customer_id == "acme")).all()
    page = site.http.get("/o/org-a/tasks").text
    assert "/o/org-a/customers/acme" in page and "ada@acme.example" in page


@pytest.mark.parametrize(
    "said",
    [{}, {"email": "no address"}, {"telephone": "12"}, {"channel": "pigeon"}, {"name": "   "}, {"name": "a\x07b"}],
)
def test_what_says_nothing_or_nonsense_is_refused(site: Site, said: dict[str, str]) -> None:
    assert site.http.post(f"/p/{site.token()}/contact", data=said).status_code == 400
    assert not _tasks(site)


def test_saying_it_again_makes_no_second_task_and_there_is_an_end_to_it(site: Site) -> None:
    for number in range(MAX_A_DAY):
        assert (
            site.http.post(f"/p/{site.token()}/contact", data={"email": f"a{number}@acme.example"}).status_code == 303
        )
    assert len(_tasks(site)) == 1 and f"a{MAX_A_DAY - 1}@" in _tasks(site)[0]
    assert site.http.post(f"/p/{site.token()}/contact", data={"email": "b@acme.example"}).status_code == 409


def test_open_invoices_are_taken_away_as_a_table(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-3").values(number="=1+1"))
    answer = site.http.get(f"/p/{site.token()}/statement.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="open-invoices.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["invoice"] for row in rows} == {"INV-1", "INV-2", "'=1+1"}
    assert {row["invoice"]: (row["currency"], row["open"]) for row in rows}["'=1+1"] == ("GBP", "450.00")


def _credit(site: Site, minor: int, currency: str = "GBP") -> None:
    books = Books.of(site.app, "org-a")
    books.invoice("cn-1", "acme", late=0, total=minor, kind="credit_note", currency=currency)


def test_credit_is_used_by_a_person_and_nothing_reminds_meanwhile(site: Site) -> None:
    pay = f"/p/{site.token()}/pay/inv-3"
    assert "Use your credit" not in site.http.get(pay).text
    _credit(site, 60_000)
    assert "£600.00 stand to your credit" in site.http.get(pay).text
    answer = site.http.post(f"/p/{site.token()}/credit/inv-3", follow_redirects=True)
    assert "A person sets your credit against the invoice." in answer.text
    assert "Use your credit" not in site.http.get(pay).text
    page = site.http.get("/o/org-a/replies?state=all").text
    assert "Please set our credit of 450.00 GBP against invoice INV-3." in page
    assert "holds" in page or "Held" in page
    assert site.http.post(f"/p/{site.token()}/credit/inv-3").status_code == 409


def test_without_credit_in_its_currency_nothing_is_asked(site: Site) -> None:
    _credit(site, 60_000, "USD")
    assert site.http.post(f"/p/{site.token()}/credit/inv-3").status_code == 409
    assert site.http.post(f"/p/{site.token()}/credit/inv-5").status_code == 404


def test_money_kept_for_them_is_credit_of_theirs_too(site: Site) -> None:
    books = Books.of(site.app, "org-a")
    books.receipt("rcp-more", 60_000, state="applied", customer_id="acme", unapplied_minor=60_000)
    assert "£600.00 stand to your credit" in site.http.get(f"/p/{site.token()}/pay/inv-3").text
