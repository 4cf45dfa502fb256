"""Replies: kept and holding first, acted on where they are sure, settled by people; and the tasks that come of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, insert, select, update

from reminders.holds import HoldCode, evaluate
from reminders.replies.kinds import ReplyKind
from reminders.replies.routing import Colleague, TaskKind, due_day, owner_for
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.broken_promises import watch_promises
from runtime.operations.payers.dispute import settle_dispute
from runtime.operations.payers.replies.act import PAID_HELD_FOR
from runtime.operations.payers.replies.settle import settle_reply
from runtime.operations.payers.replies.take import HELD_FOR, MAX_HOLDING, Incoming, ReplyChannel, take_reply
from runtime.operations.people import tasks
from runtime.operations.people.finish_task import finish_task
from runtime.operations.people.members import change_role, remove_member
from runtime.operations.reminding.evidence import gather
from runtime.operations.reminding.left_to_people import close_paid
from runtime.roles import MemberRole, Permission, roles_with
from runtime.store import connections, people
from runtime.store import tables as t
from tests.web.build import NOW, Books, Time, running

ORG = "org-a"
FRIDAY = date(2026, 3, 13)


class Desk:
    """A customer `acme` with three open invoices, and `bolt` with one; replies come and are looked at."""

    def __init__(self, app: App, time: Time) -> None:
        self.app, self.time = app, time
        books = Books(app, ORG, "Harbour Joinery Ltd")
        books.customer("acme", "Acme Trading Ltd")
        books.customer("bolt", "Bolt & Sons")
        for number in (1, 2, 3):
            books.invoice(f"inv-{number}", "acme", late=10 * number, total=10_000 * number)
        books.invoice("inv-9", "bolt", late=5, total=5_000)
        books.reminder("rem-1", "acme", "inv-1", state="planned", minor=10_000)

    def write(self, text: str, *about: str, customer: str = "acme", **others: Any) -> str:  # noqa: ANN401 - what Incoming takes
        values: dict[str, Any] = {
            "channel": ReplyChannel.EMAIL,
            "external_id": f"{text}{self.time.now}",
            "sender": f"{customer}@example.com",
            "received_at": self.time.now,
            "customer_ids": (customer,),
        }
        incoming = Incoming(text=text, about=about, **(values | others))
        return take_reply(self.app, organisation_id=ORG, incoming=incoming)

    def rows(self, table: Table, *wanted: ColumnElement[bool]) -> list[dict[str, Any]]:
        with self.app.store.read() as db:
            return [dict(row._mapping) for row in db.execute(select(table).where(*wanted).order_by(*table.primary_key))]

    def settle(
        self,
        reply_id: str,
        kind: ReplyKind | None,
        *,
        customer_id: str | None = None,
        document_ids: Sequence[str] = (),
        day: date | None = None,
        part: str = "",
    ) -> None:
        settle_reply(
            self.app,
            organisation_id=ORG,
            reply_id=reply_id,
            kind=kind,
            actor="owner",
            customer_id=customer_id,
            document_ids=document_ids,
            day=day,
            part=part,
        )

    def reply(self, reply_id: str) -> dict[str, Any]:
        (row,) = self.rows(t.reply, t.reply.c.id == reply_id)
        return row

    def tasks(self) -> list[tuple[str, str]]:
        return [(row["kind"], row["subject"]) for row in self.rows(t.task, t.task.c.closed_at.is_(None))]

    def held(self, code: HoldCode = HoldCode.REPLY_UNREAD) -> set[str]:
        """What the gate's own holds say is held for this reason, at this time."""
        with self.app.store.read() as db:
            organisation = connections.organisation(db, ORG)
            assert organisation is not None
            evidence = gather(db, organisation, now=self.time.now)
        return {
            each.item.item_id
            for each in evidence
            if code in {hold.code for hold in evaluate(evidence=each, as_of=self.time.now)}
        }


ACME = {"inv-1", "inv-2", "inv-3"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running(tmp_path) as (app, time):
        yield Desk(app, time)


def test_a_reply_that_is_not_sure_holds_all_that_its_writer_owes_for_a_week(desk: Desk) -> None:
    reply_id = desk.write("Let me talk to my boss about the thing with the boat.")
    assert (desk.reply(reply_id)["state"], desk.reply(reply_id)["kind"]) == ("waiting", None)
    assert desk.held() == ACME
    assert desk.tasks() == [("read_reply", reply_id)]
    (reminder,) = desk.rows(t.reminder)
    assert reminder["state"] == "withdrawn"
    desk.time.now += HELD_FOR
    assert desk.held() == set()
    assert desk.tasks() == [("read_reply", reply_id)], "the question stays"


def test_the_same_mail_twice_is_one_reply(desk: Desk) -> None:
    first = desk.write("Hm.", external_id="<1@example.com>")
    assert desk.write("Hm.", external_id="<1@example.com>") == first
    assert len(desk.rows(t.reply)) == 1


def test_a_sure_promise_is_kept_for_the_invoices_of_the_message(desk: Desk) -> None:
    reply_id = desk.write("We will pay on Friday.", "inv-1", "inv-2")
    assert desk.reply(reply_id)["state"] == "acted"
    promised = {row["id"]: row["promised_on"] for row in desk.rows(t.document)}
    assert promised == {"inv-1": FRIDAY, "inv-2": FRIDAY, "inv-3": None, "inv-9": None}
    assert desk.held() == set(), "the promise holds, the reply no more"
    assert desk.held(HoldCode.PROMISED) == {"inv-1", "inv-2"}
    assert desk.tasks() == []


def test_a_sure_promise_of_a_part_is_kept_as_one(desk: Desk) -> None:
    reply_id = desk.write("We will pay £150 on Friday.", "inv-2")
    assert desk.reply(reply_id)["outcome"] == "Noted that 150.00 will be paid on 2026-03-13."
    (row,) = desk.rows(t.document, t.document.c.promised_on.is_not(None))
    assert (row["id"], row["promised_on"], row["promise_leaves_minor"]) == ("inv-2", FRIDAY, 5_000)
    assert desk.held(HoldCode.PROMISED) == {"inv-2"}


@pytest.mark.parametrize("named", ["£200", "£250"])
def test_a_promise_of_all_or_more_is_of_all(desk: Desk, named: str) -> None:
    desk.write(f"We will pay {named} on Friday.", "inv-2")
    (row,) = desk.rows(t.document, t.document.c.promised_on.is_not(None))
    assert (row["id"], row["promise_leaves_minor"]) == ("inv-2", None)


def test_an_invoice_named_in_the_words_counts_before_those_of_the_message(desk: Desk) -> None:
    desk.write("We will pay inv 3 on Friday.", "inv-1")
    assert {row["id"] for row in desk.rows(t.document, t.document.c.promised_on.is_not(None))} == {"inv-3"}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("We will pay on Friday.", ()),
        ("We will pay £50 on Friday.", ("inv-1", "inv-2")),
        ("We will pay €100 on Friday.", ("inv-1",)),
        ("The amount is wrong.", ("inv-1", "inv-2")),
        ("What is this invoice for?", ("inv-1",)),
    ],
)
def test_what_leaves_something_open_waits_for_a_person(desk: Desk, text: str, about: tuple[str, ...]) -> None:
    reply_id = desk.write(text, *about)
    assert desk.reply(reply_id)["state"] == "waiting"
    assert desk.reply(reply_id)["doubts"]
    assert desk.held() == ACME


def test_what_cannot_be_done_is_left_to_a_person(desk: Desk) -> None:
    with desk.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-1").values(disputed=True))
    reply_id = desk.write("The amount is wrong.", "inv-1")
    assert desk.reply(reply_id)["state"] == "waiting"
    assert "contested already" in desk.reply(reply_id)["doubts"][-1]
    assert desk.held() == ACME
    assert desk.tasks() == [("read_reply", reply_id)]


def test_a_dispute_gets_an_owner_and_ends_with_it(desk: Desk) -> None:
    tasks.keep_colleague(desk.app, organisation_id=ORG, name="Dana", skills=[TaskKind.DISPUTE], actor="x")
    desk.write("The amount is wrong.", "inv-1")
    (task,) = desk.rows(t.task)
    assert (task["kind"], task["subject"], task["owner"], task["due_on"]) == (
        "dispute",
        "inv-1",
        "Dana",
        date(2026, 3, 17),
    )
    assert desk.held(HoldCode.DISPUTED) == {"inv-1"}
    settle_dispute(desk.app, organisation_id=ORG, document_id="inv-1", actor="x")
    assert desk.tasks() == []


def test_an_opt_out_counts_at_once_and_can_be_proved(desk: Desk) -> None:
    reply_id = desk.write("Please unsubscribe me.")
    assert desk.reply(reply_id)["state"] == "acted"
    assert [(row["customer_id"], row["channel"]) for row in desk.rows(t.opt_out)] == [("acme", "all")]
    (event,) = desk.rows(t.event, t.event.c.action == "opted_out")
    assert (event["actor"], event["at"]) == ("acme@example.com by email", NOW)
    assert "Please unsubscribe me." in event["detail"]
    desk.settle(reply_id, ReplyKind.QUESTION)
    assert desk.rows(t.opt_out, t.opt_out.c.ended_at.is_(None)) == [], "a person says that it was a mistake"


def test_a_stranger_opts_nobody_out(desk: Desk) -> None:
    reply_id = desk.write("Please unsubscribe me.", sender="eve@example.net", is_their_address=False)
    assert desk.reply(reply_id)["state"] == "waiting"
    assert desk.rows(t.opt_out) == []


def test_a_wrong_contact_is_written_to_no_more_until_there_is_another(desk: Desk) -> None:
    reply_id = desk.write("I no longer work there.")
    assert desk.held(HoldCode.CONTACT) >= ACME
    assert desk.tasks() == [("another_contact", reply_id)]
    with desk.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "acme").values(email="new@example.com"))
    assert not desk.held(HoldCode.CONTACT) & ACME


def test_it_is_paid_holds_for_a_stated_time_and_only_twice(desk: Desk) -> None:
    for _ in range(2):
        desk.write("We have already paid this.", "inv-1")
        assert desk.held() == {"inv-1"}
        desk.time.now += PAID_HELD_FOR
        assert desk.held() == set()
    desk.write("We have already paid this.", "inv-1")
    assert desk.held() == set()
    assert len(desk.tasks()) == 3, "somebody looks each time"


def test_out_of_office_holds_nothing(desk: Desk) -> None:
    reply_id = desk.write("I am back on 16 March.", subject="Automatic reply", is_automatic=True)
    assert (desk.reply(reply_id)["kind"], desk.reply(reply_id)["named_day"]) == ("out_of_office", date(2026, 3, 16))
    assert desk.held() == set()
    assert desk.rows(t.reminder)[0]["state"] == "planned"
    assert desk.tasks() == []


def test_writing_again_and_again_puts_nothing_off(desk: Desk) -> None:
    for number in range(MAX_HOLDING):
        reply_id = desk.write(f"Well, the boat number {number}.")
        desk.settle(reply_id, None)
        assert desk.held() == set()
    reply_id = desk.write("And another boat.")
    assert desk.held() == set()
    assert desk.tasks() == [("read_reply", reply_id)]


def test_what_two_replies_hold_is_free_when_both_are_settled(desk: Desk) -> None:
    first, second = desk.write("The boat."), desk.write("The other boat.")
    desk.settle(first, None)
    assert desk.held() == ACME
    desk.settle(second, None)
    assert desk.held() == set()
    assert desk.tasks() == []


def test_a_later_reply_never_shortens_what_an_earlier_one_holds(desk: Desk) -> None:
    desk.write("We have already paid this.", "inv-1")
    desk.write("The boat.")
    desk.time.now += HELD_FOR
    assert desk.held() == {"inv-1"}


def test_a_person_says_what_a_reply_says(desk: Desk) -> None:
    reply_id = desk.write("You shall have it come Friday.", "inv-1")
    with pytest.raises(InputError, match="a promise needs a day"):
        desk.settle(reply_id, ReplyKind.PROMISE)
    with pytest.raises(InputError, match="promised of one invoice"):
        desk.settle(reply_id, ReplyKind.PROMISE, day=FRIDAY, part="30", document_ids=["inv-1", "inv-2"])
    assert desk.rows(t.document, t.document.c.promised_on.is_not(None)) == []
    desk.settle(reply_id, ReplyKind.PROMISE, day=FRIDAY, part="30", document_ids=["inv-1", "inv-9"])
    row = desk.reply(reply_id)
    assert (row["state"], row["kind"], row["settled_kind"], row["settled_by"]) == ("settled", None, "promise", "owner")
    (document,) = desk.rows(t.document, t.document.c.promised_on.is_not(None))
    assert (document["id"], document["promise_leaves_minor"]) == ("inv-1", 7_000)
    assert (desk.held(), desk.tasks()) == (set(), [])
    with pytest.raises(RefusedError, match="settled already"):
        desk.settle(reply_id, None)


def test_one_that_several_customers_can_have_written_holds_them_all_until_somebody_says_who(desk: Desk) -> None:
    reply_id = desk.write("We will pay on Friday.", customer_ids=("acme", "bolt"))
    assert desk.held() == ACME | {"inv-9"}
    with pytest.raises(InputError, match="which customer"):
        desk.settle(reply_id, ReplyKind.PROMISE)
    with pytest.raises(InputError, match="one of your customers"):
        desk.settle(reply_id, ReplyKind.PROMISE, customer_id="zeta")
    desk.settle(reply_id, ReplyKind.PROMISE, customer_id="bolt", document_ids=["inv-9"])
    assert desk.held(HoldCode.PROMISED) == {"inv-9"}
    assert desk.held() == set()


def test_another_organisation_neither_sees_nor_settles_it(desk: Desk) -> None:
    Books(desk.app, "org-b", "Another").customer("zeta", "Zeta")
    reply_id = desk.write("The boat.")
    with pytest.raises(RefusedError, match="no such reply"):
        settle_reply(desk.app, organisation_id="org-b", reply_id=reply_id, kind=None, actor="x")
    (task,) = desk.rows(t.task)
    with pytest.raises(RefusedError, match="not open"):
        finish_task(desk.app, organisation_id="org-b", task_id=task["id"], actor="x")
    assert desk.held() == ACME


def test_a_promise_that_is_not_kept_is_a_task_once(desk: Desk) -> None:
    desk.write("We will pay on Friday.", "inv-1")
    desk.time.now += timedelta(days=5)  # Sunday: the grace ends with it
    assert watch_promises(desk.app, ORG) == 0
    desk.time.now += timedelta(days=1)
    assert watch_promises(desk.app, ORG) == 1
    assert desk.tasks() == [("broken_promise", "inv-1")]
    (task,) = desk.rows(t.task)
    finish_task(desk.app, organisation_id=ORG, task_id=task["id"], actor="x")
    assert watch_promises(desk.app, ORG) == 0
    assert desk.tasks() == []


def test_the_task_of_a_broken_promise_ends_when_it_is_paid(desk: Desk) -> None:
    desk.write("We will pay on Friday.", "inv-1")
    desk.time.now += timedelta(days=6)
    assert watch_promises(desk.app, ORG) == 1
    assert close_paid(desk.app, ORG) == 0
    with desk.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-1").values(balance_minor=0, status="paid"))
    assert close_paid(desk.app, ORG) == 1
    assert desk.tasks() == []


@pytest.mark.parametrize(("left", "tasks"), [(15_001, 1), (15_000, 0), (3_000, 0)])
def test_a_promise_of_a_part_is_kept_once_that_part_is_paid(desk: Desk, left: int, tasks: int) -> None:
    desk.write("We will pay £50 on Friday.", "inv-2")
    with desk.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-2").values(balance_minor=left))
    desk.time.now += timedelta(days=4)
    assert desk.held(HoldCode.PROMISED) == {"inv-2"}, "what is left waits for the day as well"
    desk.time.now += timedelta(days=2)
    assert desk.held(HoldCode.PROMISED) == set()
    assert watch_promises(desk.app, ORG) == tasks


@pytest.mark.parametrize(
    ("text", "minor", "begun_days_ago", "tasks"),
    [
        ("We will pay on Friday.", 20_000, 3, 0),
        ("We will pay on Friday.", 19_999, 3, 1),
        ("We will pay on Friday.", 20_000, 21, 1),
        ("We will pay £50 on Friday.", 5_000, 3, 0),
        ("We will pay £50 on Friday.", 4_999, 3, 1),
    ],
)
def test_a_promise_is_not_broken_while_its_money_is_on_its_way(
    desk: Desk, text: str, minor: int, begun_days_ago: int, tasks: int
) -> None:
    desk.write(text, "inv-2")
    desk.time.now += timedelta(days=6)
    books, begun_at = Books.of(desk.app, ORG), desk.time.now - timedelta(days=begun_days_ago)
    books.receipt("rcp-9", minor, source="stripe", method="bacs_debit", status="in_flight", begun_at=begun_at)
    books.proposal("rcp-9", {"inv-2": minor}, state="in_flight", decision="apply", customer_id="acme")
    assert watch_promises(desk.app, ORG) == tasks
    with desk.app.store.write() as db:
        db.execute(update(t.receipt).where(t.receipt.c.id == "rcp-9").values(status="failed"))
    assert watch_promises(desk.app, ORG) == 1 - tasks
    assert desk.tasks() == [("broken_promise", "inv-2")]


def test_promises_whose_money_is_on_its_way_hide_no_broken_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.operations.payers.broken_promises.MAX_A_RUN", 1)
    desk.write("We will pay on Friday.", "inv-1", "inv-2")
    desk.time.now += timedelta(days=6)
    books = Books.of(desk.app, ORG)
    books.receipt("rcp-9", 10_000, source="stripe", method="bacs_debit", status="in_flight", begun_at=desk.time.now)
    books.proposal("rcp-9", {"inv-1": 10_000}, state="in_flight", decision="apply", customer_id="acme")
    assert watch_promises(desk.app, ORG) == 1
    assert desk.tasks() == [("broken_promise", "inv-2")]


def test_tasks_go_to_who_can_and_has_the_fewest() -> None:
    dana, sam = Colleague("Dana", frozenset({TaskKind.DISPUTE})), Colleague("Sam")
    assert owner_for(TaskKind.ANSWER, [dana, sam], {"Sam": 40}) == "Sam"
    assert owner_for(TaskKind.DISPUTE, [dana, sam], {"Dana": 2, "Sam": 1}) == "Sam"
    assert owner_for(TaskKind.DISPUTE, [sam, dana], {}) == "Dana", "who is named for the kind comes first"
    assert owner_for(TaskKind.ANSWER, [dana], {}) is None
    assert due_day(TaskKind.ANSWER, today=date(2026, 4, 2), country="GB") == date(2026, 4, 7), "Good Friday"


def _member(desk: Desk, name: str, role: MemberRole) -> str:
    person_id, now = f"per-{name}", desk.app.clock()
    with desk.app.store.write() as db:
        row = {"id": person_id, "email": f"{name}@example.com", "name": name, "created_at": now}
        db.execute(insert(t.person).values(row))
        people.add_member(db, organisation_id=ORG, person_id=person_id, role=role, at=now, actor="x")
    return person_id


def _owners(desk: Desk) -> list[str | None]:
    return sorted((row["owner"] for row in desk.rows(t.task)), key=str)


def test_while_nobody_is_named_tasks_go_to_the_members_whose_work_it_is(desk: Desk) -> None:
    _member(desk, "olga", MemberRole.OWNER)
    _member(desk, "vic", MemberRole.VIEWER)
    desk.write("The boat.", "inv-1")
    assert _owners(desk) == ["olga@example.com"]
    carl, cora = (_member(desk, name, MemberRole.COLLECTOR) for name in ("carl", "cora"))
    desk.write("The other boat.", "inv-2")
    desk.write("The third boat.", "inv-3")
    assert _owners(desk) == ["carl@example.com", "cora@example.com", "olga@example.com"], "by load"
    remove_member(desk.app, organisation_id=ORG, person_id=carl, actor="olga@example.com")
    assert _owners(desk) == ["cora@example.com", "cora@example.com", "olga@example.com"]
    change_role(desk.app, organisation_id=ORG, person_id=cora, role=MemberRole.AUDITOR, actor="olga@example.com")
    assert _owners(desk) == ["olga@example.com"] * 3
    assert set(tasks.BY_ROLE) == set(roles_with(Permission.CHASE))


def test_who_takes_tasks_is_kept_and_a_task_is_handed_on(desk: Desk) -> None:
    tasks.keep_colleague(desk.app, organisation_id=ORG, name="  Sam   Lee ", skills=[], actor="x")
    with pytest.raises(InputError, match="name"):
        tasks.keep_colleague(desk.app, organisation_id=ORG, name=" ", skills=[], actor="x")
    desk.write("The boat.")
    (task,) = desk.rows(t.task)
    assert task["owner"] == "Sam Lee"
    tasks.hand_on(desk.app, organisation_id=ORG, task_id=task["id"], owner="Dana", actor="x")
    assert desk.rows(t.task)[0]["owner"] == "Dana"
    tasks.drop_colleague(desk.app, organisation_id=ORG, name="Sam Lee", actor="x")
    with pytest.raises(RefusedError, match="no such colleague"):
        tasks.drop_colleague(desk.app, organisation_id=ORG, name="Sam Lee", actor="x")
