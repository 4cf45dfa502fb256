"""A reminder in doubt is answered on the problems page, once, by its own organisation."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from receivables.problem import Problem
from runtime.operations.reminding.in_doubt import REMINDER_IN_DOUBT
from runtime.store import journal
from runtime.store import tables as t
from tests.web.build import NOW
from tests.web.conftest import Site


@pytest.fixture
def doubted(site: Site) -> str:
    problem = Problem(REMINDER_IN_DOUBT, "A reminder may or may not have left.", "Look whether it left.", "rem-2")
    slot = {"document_id": "inv-3", "level": 1, "channel": "email", "organisation_id": "org-a", "reminder_id": "rem-2"}
    with site.app.store.write() as db:
        db.execute(update(t.reminder).where(t.reminder.c.id == "rem-2").values(state="in_doubt", sent_at=NOW))
        db.execute(insert(t.reminder_slot).values(**slot))
        journal.raise_problem(db, organisation_id="org-a", problem=problem, at=NOW)
    return "/o/org-a/problems/reminders/rem-2"


def _state(site: Site) -> tuple[str, int]:
    with site.app.store.read() as db:
        state = db.scalars(select(t.reminder.c.state).where(t.reminder.c.id == "rem-2")).one()
        slots = db.scalars(select(t.reminder_slot.c.level).where(t.reminder_slot.c.reminder_id == "rem-2")).all()
    return state, len(slots)


@pytest.mark.parametrize(("answer", "state"), [("sent", ("sent", 1)), ("not-sent", ("failed", 0))])
def test_the_two_answers_are_buttons_and_count_once(
    site: Site, doubted: str, answer: str, state: tuple[str, int]
) -> None:
    assert f'action="{doubted}/{answer}"' in site.http.get("/o/org-a/problems").text
    assert site.http.post(f"{doubted}/{answer}").status_code == 303
    assert _state(site) == state
    assert doubted not in site.http.get("/o/org-a/problems").text
    assert site.http.post(f"{doubted}/{answer}").status_code == 409


def test_another_organisation_answers_nothing(site: Site, doubted: str) -> None:
    other = doubted.replace("org-a", "org-b")
    assert site.http.post(f"{other}/not-sent").status_code == 409
    assert _state(site) == ("in_doubt", 1)
    assert doubted not in site.http.get("/o/org-b/problems").text


def test_what_only_a_look_settles_has_a_button(site: Site) -> None:
    problem = Problem("edit_overwritten", "xero: somebody edited it.", "Look at its history.", "inv-3")
    with site.app.store.write() as db:
        journal.raise_problem(db, organisation_id="org-a", problem=problem, at=NOW)
    address = "/o/org-a/problems/edit_overwritten/inv-3/looked-at"
    assert f'action="{address}"' in site.http.get("/o/org-a/problems").text
    assert site.http.post(address.replace("org-a", "org-b")).status_code == 409
    assert f'action="{address}"' in site.http.get("/o/org-a/problems").text
    assert site.http.post(address).status_code == 303
    assert "somebody edited it" not in site.http.get("/o/org-a/problems").text
    assert site.http.post(address).status_code == 409
