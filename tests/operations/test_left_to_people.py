"""After the last level of a policy a person is told, once an invoice, until it is paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from runtime.app import App
from runtime.operations.payers.hold_by_hand import hand_over, take_back_by_hand
from runtime.operations.payers.promise import promise
from runtime.operations.people.finish_task import finish_task
from runtime.operations.reminding.left_to_people import TASKS_A_HEAP, close_paid
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.work import poll
from runtime.store import tables as t
from runtime.store.weighing import weigh_again
from tests.web.build import NOW, TODAY, Books, Time, filled, running, two_organisations

ORG = "org-a"
LAST_LEVEL = 4  # of the standard policy, which leaves seven days between levels
INVOICE = {"organisation_id": ORG, "customer_id": "bolt", "document_id": "inv-5"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[App, Time]]:
    """Six days ago INV-5 had its last reminder; the others of the customer had none."""
    with running(tmp_path, filled(two_organisations)) as (app, time):
        with app.store.write() as db:
            mine = t.reminder.c.id == "rem-1"
            db.execute(update(t.reminder).where(mine).values(level=LAST_LEVEL, sent_at=NOW - timedelta(days=6)))
            named = t.reminder_item.c.reminder_id == "rem-1"
            db.execute(update(t.reminder_item).where(named).values(level=LAST_LEVEL))
        yield app, time


def _tasks(app: App) -> list[tuple[str, str | None, str | None]]:
    """What each task is about, its owner, and who closed it."""
    task = t.task.c
    with app.store.read() as db:
        rows = db.execute(select(task.subject, task.owner, task.closed_by).where(task.kind == "all_reminded"))
        return [(row.subject, row.owner, row.closed_by) for row in rows]


def _after(app: App, time: Time, **passed: int) -> list[tuple[str, str | None, str | None]]:
    time.now += timedelta(**passed)
    plan_reminders(app, ORG)
    return _tasks(app)


def _set(app: App, **values: object) -> None:
    with app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-5").values(**values))
        weigh_again(db, ORG, document_ids=["inv-5"])


def test_a_task_comes_once_the_pause_after_the_last_reminder_is_over(desk: tuple[App, Time]) -> None:
    app, time = desk
    assert _after(app, time) == []
    assert _after(app, time, days=1) == [("inv-5", "Sam Lee", None)], "who has the fewest"
    with app.store.read() as db:
        said = db.scalar(select(t.task.c.text).where(t.task.c.kind == "all_reminded"))
    assert said == "Every reminder of INV-5 was sent, and 2000.00 GBP of it is not paid."
    assert _after(app, time, days=7) == [("inv-5", "Sam Lee", None)], "and no other invoice has one"


def test_a_customer_who_owes_nothing_else_is_looked_at_when_the_pause_is_over(desk: tuple[App, Time]) -> None:
    app, time = desk
    with app.store.write() as db:
        others = (t.document.c.customer_id == "bolt") & (t.document.c.id != "inv-5")
        db.execute(update(t.document).where(others).values(status="void"))
    assert _after(app, time) == []
    assert _after(app, time, days=1) == [("inv-5", "Sam Lee", None)]


def test_what_a_person_has_done_does_not_come_back(desk: tuple[App, Time]) -> None:
    app, time = desk
    _after(app, time, days=1)
    with app.store.read() as db:
        task_id = db.scalars(select(t.task.c.id).where(t.task.c.kind == "all_reminded")).one()
    finish_task(app, organisation_id=ORG, task_id=task_id, actor="dana")
    _set(app, balance_minor=190_000)
    assert _after(app, time, days=7) == [("inv-5", "Sam Lee", "dana")]


def test_it_ends_when_the_invoice_is_paid_and_comes_back_when_the_money_goes_back(desk: tuple[App, Time]) -> None:
    app, time = desk
    _after(app, time, days=1)
    assert close_paid(app, ORG) == 0, "it is open"
    _set(app, status="paid", balance_minor=0)
    poll(app, roles=())
    assert _tasks(app) == [("inv-5", "Sam Lee", "reminders")]
    assert close_paid(app, ORG) == 0
    assert _after(app, time, days=1) == [("inv-5", "Sam Lee", "reminders")]
    _set(app, status="open", balance_minor=200_000)
    assert _after(app, time, days=1) == [("inv-5", "Sam Lee", None)]


def test_it_ends_when_what_is_open_is_applied_and_not_posted_yet(desk: tuple[App, Time]) -> None:
    app, time = desk
    _after(app, time, days=1)
    books = Books.of(app, ORG)
    books.receipt("rcp-x", 200_000, state="applied", customer_id="bolt")
    books.allocation("rcp-x", "inv-5", 200_000)
    assert close_paid(app, ORG) == 1


def test_what_is_promised_waits_for_its_day(desk: tuple[App, Time]) -> None:
    app, time = desk
    promise(app, **INVOICE, promised_on=TODAY + timedelta(days=2), actor="dana", is_noted=True)
    assert _after(app, time, days=1) == []
    assert _after(app, time, days=2) == [], "its grace"
    assert _after(app, time, days=3) == [("inv-5", "Sam Lee", None)]


def test_what_is_handed_over_has_somebody(desk: tuple[App, Time]) -> None:
    app, time = desk
    hand_over(app, **INVOICE, whom="Smith LLP", actor="dana")
    assert _after(app, time, days=30) == []
    take_back_by_hand(app, organisation_id=ORG, document_id="inv-5", actor="dana")
    assert _after(app, time, days=1) == [("inv-5", "Sam Lee", None)]


def test_a_planning_opens_so_many_and_the_others_later(desk: tuple[App, Time]) -> None:
    app, time = desk
    books = Books.of(app, ORG)
    customer = books.customer("many", "Many Ltd")
    for number in range(TASKS_A_HEAP + 3):
        books.invoice(f"m-{number}", customer, late=120, total=10_000)
        books.reminder(f"rem-m-{number}", customer, f"m-{number}", state="sent", minor=10_000)
    with app.store.write() as db:
        db.execute(update(t.reminder).where(t.reminder.c.id.startswith("rem-m-")).values(sent_at=NOW - timedelta(30)))
        named = t.reminder_item.c.reminder_id.startswith("rem-m-")
        db.execute(update(t.reminder_item).where(named).values(level=LAST_LEVEL))
    assert len(_after(app, time)) == TASKS_A_HEAP
    assert len(_after(app, time, days=1)) == TASKS_A_HEAP + 4, "all of them, and INV-5"
