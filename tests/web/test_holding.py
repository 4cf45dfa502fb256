"""What a person notes of a payer's word on our own pages, and holds: at once, with the reason and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from runtime.operations.payers.promise import MAX_PROMISES
from runtime.operations.reminding.plan import plan_reminders
from runtime.roles import MemberRole
from runtime.store import tables as t
from tests.http_client import client_of
from tests.web.build import TODAY
from tests.web.firm_site import served_firm
from tests.web.people import Browser, PublicSite, public_site

INVOICE = "/o/org-a/invoices/inv-5"
CUSTOMER = "/o/org-a/customers/bolt"
BY = "Noted by carla@example.com"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PublicSite]:
    """Bolt owes INV-5 and INV-6, of which a reminder is planned."""
    with public_site(tmp_path) as site:
        with site.app.store.write() as db:
            db.execute(t.reminder.update().values(sent_at=site.time() - timedelta(days=30)))
        plan_reminders(site.app, "org-a")
        assert _planned(site) == {"inv-5", "inv-6"}
        yield site


@pytest.fixture
def carla(site: PublicSite) -> Browser:
    return site.browser("carla", org_a=MemberRole.COLLECTOR)


def _planned(site: PublicSite) -> set[str]:
    item, reminder = t.reminder_item.c, t.reminder.c
    with site.app.store.read() as db:
        rows = db.scalars(
            select(item.document_id)
            .join(t.reminder, reminder.id == item.reminder_id)
            .where(item.state == "planned", reminder.state == "planned", reminder.customer_id == "bolt")
        )
        return set(rows)


def _replanned(site: PublicSite) -> set[str]:
    plan_reminders(site.app, "org-a")
    return _planned(site)


def _promised_on(site: PublicSite) -> date | None:
    with site.app.store.read() as db:
        return db.scalar(select(t.document.c.promised_on).where(t.document.c.id == "inv-5"))


def _sent(answer: httpx.Response, notice: str, to: str = INVOICE) -> None:
    assert (answer.status_code, answer.headers["location"]) == (303, f"{to}?notice={notice}")


def test_a_promise_by_telephone_holds_the_invoice_and_says_who_noted_it(site: PublicSite, carla: Browser) -> None:
    day = TODAY + timedelta(days=7)
    _sent(carla.post(f"{INVOICE}/promise", {"promised_on": day.isoformat()}), "promise_noted")
    assert _planned(site) == {"inv-6"}, "withdrawn at once"
    assert _promised_on(site) == day
    shown = carla.get(INVOICE).text
    assert "The customer promised a day" in shown
    assert BY in shown
    assert _replanned(site) == {"inv-6"}
    for _ in range(MAX_PROMISES):
        later = carla.post(f"{INVOICE}/promise", {"promised_on": day.isoformat()})
        assert later.status_code == 303, "who talks to the payer is not told to answer a message"


@pytest.mark.usefixtures("site")
def test_a_promise_of_a_part_says_what_is_still_to_come(carla: Browser) -> None:
    day = (TODAY + timedelta(days=7)).isoformat()
    _sent(carla.post(f"{INVOICE}/promise", {"promised_on": day, "part": "500"}), "promise_noted")
    shown = carla.get(INVOICE).text
    assert "a part: £500.00 still to come" in shown
    assert f"500.00 GBP of INV-5 will be paid on {day}" in shown
    assert carla.post(f"{INVOICE}/promise", {"promised_on": day, "part": "-5"}).status_code == 400


def test_a_dispute_by_telephone_holds_the_invoice_and_gives_somebody_a_task(site: PublicSite, carla: Browser) -> None:
    said = "One door of three is missing"
    _sent(carla.post(f"{INVOICE}/dispute", {"reason": said}), "dispute_noted")
    assert _planned(site) == {"inv-6"}
    shown = carla.get(INVOICE).text
    assert f"The customer contests this invoice: {said}" in shown
    assert BY in shown
    assert f"The customer contests INV-5: {said}" in carla.get("/o/org-a/tasks").text
    assert carla.post(f"{INVOICE}/dispute", {"reason": said}).status_code == 409
    _sent(carla.post(f"{INVOICE}/settle-dispute"), "settled")
    assert _replanned(site) == {"inv-5", "inv-6"}


def test_one_invoice_is_paused_with_a_reason_and_goes_on(site: PublicSite, carla: Browser) -> None:
    until = TODAY + timedelta(days=20)
    answer = carla.post(f"{INVOICE}/pause", {"until": until.isoformat(), "reason": "Their office moves"})
    _sent(answer, "paused")
    assert _planned(site) == {"inv-6"}
    shown = carla.get(INVOICE).text
    assert f"paused through {until}: Their office moves" in shown
    assert BY in shown
    assert _replanned(site) == {"inv-6"}
    _sent(carla.post(f"{INVOICE}/resume"), "resumed")
    assert _replanned(site) == {"inv-5", "inv-6"}
    assert "End the pause" not in carla.get(INVOICE).text
    assert carla.post(f"{INVOICE}/resume").status_code == 409


def test_all_that_a_customer_has_open_is_paused_and_goes_on(site: PublicSite, carla: Browser) -> None:
    until = TODAY + timedelta(days=20)
    form = {"until": until.isoformat(), "reason": "Their office moves"}
    _sent(carla.post(f"{CUSTOMER}/pause", form), "all_paused", CUSTOMER)
    assert _planned(site) == set()
    assert _replanned(site) == set()
    shown = carla.get(CUSTOMER).text
    assert all(f">INV-{number}</a>: no reminder until the end of 30 Mar 2026" in shown for number in (4, 5, 6))
    assert "INV-1</a>: no reminder" not in shown
    assert "End the pause" in carla.get(INVOICE).text
    assert "End the pause" not in carla.get("/o/org-a/invoices/inv-2").text, "another customer's"
    _sent(carla.post(f"{CUSTOMER}/resume"), "resumed", CUSTOMER)
    assert _replanned(site) == {"inv-5", "inv-6"}


def test_a_debt_with_a_lawyer_is_held_until_it_is_taken_back(site: PublicSite, carla: Browser) -> None:
    _sent(carla.post(f"{INVOICE}/hand-over", {"whom": "Smith LLP, case 71"}), "handed_over")
    assert _planned(site) == {"inv-6"}
    shown = carla.get(INVOICE).text
    assert "Handed over on 2026-03-10 to Smith LLP, case 71" in shown
    assert BY in shown
    site.time.now += timedelta(weeks=28)
    assert "inv-5" not in _replanned(site), "no day ends it"
    carla = site.browser("carla")
    assert carla.post(f"{INVOICE}/hand-over", {"whom": "another"}).status_code == 409
    _sent(carla.post(f"{INVOICE}/take-back"), "taken_back")
    assert "inv-5" in _replanned(site)
    assert "taken back from collection by carla@example.com" in carla.get(INVOICE).text
    assert carla.post(f"{INVOICE}/take-back").status_code == 409


def test_a_reminder_that_did_not_arrive_is_due_again(site: PublicSite, carla: Browser) -> None:
    button = f'action="{INVOICE}/send-again"'
    assert button in carla.get(INVOICE).text
    _sent(carla.post(f"{INVOICE}/send-again"), "due_again")
    shown = carla.get(f"{INVOICE}?notice=due_again").text
    assert "It is due again" in shown and button not in shown
    assert "the reminder of INV-5 at level 1 did not arrive: it is due again" in shown
    assert "carla@example.com" in shown
    again = carla.post(f"{INVOICE}/send-again")
    assert (again.status_code, "the last reminder is due again already" in again.text) == (409, True)
    assert "inv-5" in _replanned(site)


def test_what_was_never_sent_or_is_held_is_not_sent_again(carla: Browser) -> None:
    never = "/o/org-a/invoices/inv-6"
    assert "send-again" not in carla.get(never).text
    answer = carla.post(f"{never}/send-again")
    assert (answer.status_code, "no reminder of this invoice was sent yet" in answer.text) == (409, True)
    carla.post(f"{INVOICE}/dispute", {"reason": "One door of three is missing"})
    answer = carla.post(f"{INVOICE}/send-again")
    assert (answer.status_code, "One door of three is missing" in answer.text) == (409, True)


def test_a_statement_that_cannot_be_mailed_is_refused_in_a_line(carla: Browser) -> None:
    assert f'action="{CUSTOMER}/statement"' in carla.get(CUSTOMER).text
    answer = carla.post(f"{CUSTOMER}/statement")
    assert (answer.status_code, "no mail server is set up" in answer.text) == (409, True)


def test_a_statement_is_mailed_from_the_customers_page(tmp_path: Path) -> None:
    with served_firm(tmp_path) as (firm, address), client_of(address) as http:
        firm.switch_sending()
        page = f"/o/{firm.id}/customers/{firm.document('INV-1001').customer_id}"
        answer = http.post(f"{page}/statement")
        _sent(answer, "statement_mailed", page)
        assert "The mail server took the statement over" in http.get(answer.headers["location"]).text
        assert [mail.recipients for mail in firm.mailbox.mails] == [("acme@example.com",)]
        again = http.post(f"{page}/statement")
        assert (again.status_code, "today" in again.text) == (409, True)


@pytest.mark.parametrize(
    ("step", "form"),
    [
        ("promise", {"promised_on": "2026-03-09"}),
        ("promise", {"promised_on": "2026-06-30"}),
        ("promise", {"promised_on": "soon"}),
        ("dispute", {"reason": " "}),
        ("dispute", {"reason": "x" * 1_001}),
        ("pause", {"until": "2026-03-20", "reason": ""}),
        ("pause", {"until": "2026-03-20", "reason": "x" * 301}),
        ("pause", {"until": "2026-03-09", "reason": "they asked"}),
        ("pause", {"until": "2026-06-30", "reason": "they asked"}),
        ("hand-over", {"whom": ""}),
        ("hand-over", {"whom": "x" * 201}),
    ],
)
def test_what_cannot_be_noted_changes_nothing(
    site: PublicSite, carla: Browser, step: str, form: dict[str, str]
) -> None:
    assert carla.post(f"{INVOICE}/{step}", form).status_code == 400
    assert _planned(site) == {"inv-5", "inv-6"}
    assert _promised_on(site) is None


@pytest.mark.parametrize(
    "path",
    [
        "invoices/inv-b/promise",
        "invoices/inv-b/resume",
        "invoices/inv-b/take-back",
        "invoices/inv-b/send-again",
        "customers/zeta/pause",
        "customers/zeta/statement",
    ],
)
def test_what_is_another_organisations_is_not_found(carla: Browser, path: str) -> None:
    form = {"promised_on": "2026-03-12", "until": "2026-03-12", "reason": "they asked"}
    assert carla.post(f"/o/org-a/{path}", form).status_code == 404


@pytest.mark.parametrize("step", ["promise", "dispute", "pause", "hand-over"])
def test_what_is_paid_is_not_held(carla: Browser, step: str) -> None:
    form = {"promised_on": "2026-03-12", "until": "2026-03-12", "reason": "they asked", "whom": "Smith LLP"}
    answer = carla.post(f"/o/org-a/invoices/inv-8/{step}", form)
    assert (answer.status_code, "open" in answer.text) == (409, True)
    assert "They contest it" not in carla.get("/o/org-a/invoices/inv-8").text


def test_who_may_only_see_is_offered_nothing(site: PublicSite) -> None:
    shown = site.browser("vera", org_a=MemberRole.VIEWER).get(INVOICE).text
    assert not [
        words
        for words in ("They promised", "They contest", "Pause reminders", "lawyer", "send-again")
        if words in shown
    ]


def test_a_word_that_came_by_another_way_names_who_brought_it(site: PublicSite, carla: Browser) -> None:
    with site.app.store.write() as db:
        db.execute(t.document.update().where(t.document.c.id == "inv-5").values(promised_on=TODAY))
    site.books.event("inv-5", "promised", "INV-5 will be paid on 2026-03-10", actor="customer")
    assert "Noted by The customer" in carla.get(INVOICE).text
    site.books.event("inv-5", "document_changed", "promised_on: None → 2026-03-10", actor="salesforce")
    assert "Noted by Salesforce" in carla.get(INVOICE).text
