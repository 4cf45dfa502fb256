"""Money that went back through a processor, on the pages: the invoice says so, a task leads there, a button ends it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reminders.replies.routing import TaskKind
from runtime.operations.people.tasks import open_task
from runtime.operations.reminding.standing_holds import place_hold
from runtime.store import connections
from tests.web.conftest import Site

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _question(site: Site, code: str, kind: TaskKind, *, document_id: str) -> None:
    with site.app.store.write() as db:
        organisation = connections.organisation(db, "org-a")
        assert organisation is not None
        place_hold(
            db,
            organisation_id="org-a",
            document_id=document_id,
            code=code,
            reason="It went back",
            placed_by="stripe",
            at=AT,
        )
        open_task(db, organisation, kind=kind, subject=document_id, customer_id="acme", text="Ask them", at=AT)


@pytest.mark.parametrize(
    ("code", "kind", "title"),
    [
        ("refund_review", TaskKind.REFUND, "Decide what a refund means"),
        ("chargeback_open", TaskKind.CALL, "Call about a lost chargeback"),
    ],
)
@pytest.mark.parametrize("document_id", ["inv-1", "inv-3"])
def test_an_invoice_says_that_money_went_back_and_a_button_ends_it(
    site: Site, code: str, kind: TaskKind, title: str, document_id: str
) -> None:
    _question(site, code, kind, document_id=document_id)
    tasks = site.http.get("/o/org-a/tasks").text
    assert title in tasks and f"/o/org-a/invoices/{document_id}" in tasks
    page = f"/o/org-a/invoices/{document_id}"
    assert "It went back." in site.http.get(page).text
    answer = site.http.post(f"{page}/settle-question", follow_redirects=True)
    assert "Noted that you have looked" in answer.text
    assert "I have looked" not in answer.text
    assert "Ask them" not in site.http.get("/o/org-a/tasks").text
    assert site.http.post(f"{page}/settle-question").status_code == 409


def test_a_task_about_a_payment_for_nothing_leads_to_the_receipts(site: Site) -> None:
    with site.app.store.write() as db:
        organisation = connections.organisation(db, "org-a")
        assert organisation is not None
        kind = TaskKind.CHARGEBACK
        open_task(db, organisation, kind=kind, subject="rcp_1", customer_id=None, text="Ask the bank", at=AT)
    page = site.http.get("/o/org-a/tasks").text
    assert "Ask the bank" in page and '<a href="/o/org-a/receipts">Open the receipts</a>' in page
