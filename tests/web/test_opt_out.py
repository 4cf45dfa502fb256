"""The customer's page says who wants no messages by which way, and lets a person write to them again, with a reason."""

from __future__ import annotations

from sqlalchemy import select

from reminders.evidence import Channel
from runtime.operations.reaching.opt_out import note_told_opt_out
from runtime.operations.reaching.opt_outs import told_by
from runtime.store import connections
from runtime.store import tables as t
from tests.web.build import NOW
from tests.web.conftest import Site

ACME = "/o/org-a/customers/acme"


def _standing(site: Site) -> list[str]:
    of = t.opt_out.c
    with site.app.store.read() as db:
        stands = (of.customer_id == "acme") & of.ended_at.is_(None)
        return list(db.scalars(select(of.channel).where(stands).order_by(of.channel)))


def test_a_payers_click_is_a_task_and_is_taken_back_on_their_page(site: Site) -> None:
    assert "Write to them again" not in site.http.get(ACME).text
    site.http.post(f"/p/{site.token()}/unsubscribe", data={"List-Unsubscribe": "One-Click"})
    tasks = site.http.get("/o/org-a/tasks").text
    assert "Ask who wants no messages" in tasks
    assert "Acme Trading Ltd asked for no more e-mails and owes" in tasks
    page = site.http.get(ACME).text
    assert "by one click in their mail program" in page and "Write to them again" in page
    back = f"{ACME}/take-opt-out-back"
    assert site.http.post(back, data={"channel": "email", "reason": " "}).status_code == 400
    assert site.http.post(back, data={"channel": "pigeon", "reason": "They rang"}).status_code == 400
    assert site.http.post(back, data={"channel": "all", "reason": "They rang"}).status_code == 409
    answer = site.http.post(back, data={"channel": "email", "reason": "They rang"}, follow_redirects=True)
    assert "Noted, with your reason" in answer.text and "Write to them again" not in answer.text
    assert "asked for no more e-mails and owes" not in site.http.get("/o/org-a/tasks").text
    assert _standing(site) == []
    assert site.http.post(back, data={"channel": "email", "reason": "They rang"}).status_code == 409


def test_the_page_behind_the_link_says_what_has_stopped_and_stops_the_rest_with_one_more_press(site: Site) -> None:
    page = f"/p/{site.token()}/unsubscribe"
    assert "Only e-mails have stopped" not in site.http.get(page).text
    answer = site.http.post(page).text
    assert "You get no more e-mails about payments from" in answer and "Only e-mails have stopped" in answer
    assert _standing(site) == ["email"]
    answer = site.http.post(page, data={"stop": "all"}).text
    assert "neither by e-mail nor in any other way" in answer and "Stop all" not in answer
    assert _standing(site) == ["all", "email"]


def test_what_a_customer_told_somebody_is_noted_in_their_words(site: Site) -> None:
    assert site.http.post(f"{ACME}/opt-out", data={"channel": "letter", "said": ""}).status_code == 400
    said = {"channel": "letter", "said": "On the telephone: no more letters"}
    answer = site.http.post(f"{ACME}/opt-out", data=said, follow_redirects=True)
    assert "Noted, in their words" in answer.text and "On the telephone: no more letters" in answer.text
    assert _standing(site) == ["letter"]
    assert "asked for no more letters" not in site.http.get("/o/org-a/tasks").text, "e-mail still reaches them"
    assert site.http.post("/o/org-a/customers/nobody/opt-out", data=said).status_code == 404


def test_what_only_the_crm_says_is_shown_as_its_word(site: Site) -> None:
    with site.app.store.write() as db:
        connections.lock_organisation(db, "org-a")
        source = told_by("salesforce", "003000000000001AAA")
        note_told_opt_out(db, "org-a", "acme", channel=Channel.EMAIL, system="salesforce", source=source, at=NOW)
    assert "Salesforce says so of their contact" in site.http.get(ACME).text
    data = {"channel": "email", "reason": "x"}
    assert site.http.post("/o/org-a/customers/nobody/take-opt-out-back", data=data).status_code == 404
