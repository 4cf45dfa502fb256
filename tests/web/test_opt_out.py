"""The customer's page says who wants no messages, and lets a person write to them again, with a reason."""

from __future__ import annotations

from sqlalchemy import select, update

from runtime.store import tables as t
from tests.web.conftest import Site

ACME = "/o/org-a/customers/acme"


def test_a_payers_click_is_a_task_and_is_taken_back_on_their_page(site: Site) -> None:
    assert "Write to them again" not in site.http.get(ACME).text
    site.http.post(f"/p/{site.token()}/unsubscribe", data={"List-Unsubscribe": "One-Click"})
    tasks = site.http.get("/o/org-a/tasks").text
    assert "Ask who wants no messages" in tasks
    assert "Acme Trading Ltd asked for no more messages and owes" in tasks
    page = site.http.get(ACME).text
    assert "the customer asked for no more messages" in page and "Write to them again" in page
    assert site.http.post(f"{ACME}/take-opt-out-back", data={"reason": " "}).status_code == 400
    answer = site.http.post(f"{ACME}/take-opt-out-back", data={"reason": "They rang"}, follow_redirects=True)
    assert "Noted, with your reason" in answer.text and "Write to them again" not in answer.text
    assert "asked for no more messages and owes" not in site.http.get("/o/org-a/tasks").text
    with site.app.store.read() as db:
        assert db.scalar(select(t.customer.c.opted_out).where(t.customer.c.id == "acme")) is False
    assert site.http.post(f"{ACME}/take-opt-out-back", data={"reason": "They rang"}).status_code == 409


def test_what_only_the_crm_says_is_shown_as_its_word(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "acme").values(opted_out=True))
    assert "The CRM says so of their contact" in site.http.get(ACME).text
    assert site.http.post("/o/org-a/customers/nobody/take-opt-out-back", data={"reason": "x"}).status_code == 404
