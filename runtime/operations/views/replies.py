"""The inbox of replies and the tasks of people, as the staff's pages show them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, true

from receivables.document import DocumentStatus
from receivables.money import Money
from reminders.message import AnswerKind
from reminders.replies.kinds import ReplyKind
from reminders.replies.routing import TaskKind
from runtime.operations.payers.replies.act import ACTED, SETTLED, WAITING
from runtime.operations.payers.replies.answers import EMAIL, PREPARED
from runtime.operations.reminding.withdraw import FAILED
from runtime.store import tables as t
from runtime.store.connections import Organisation

PAGE_ROWS = 25
MAX_TASKS = 500
MAX_CHOICES = 200  # invoices of one customer that a form offers


class ReplyState(StrEnum):
    """Which replies are listed."""

    WAITING = WAITING
    ACTED = ACTED
    SETTLED = SETTLED
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a reply; `kind` where a rule knows them."""

    text: str
    kind: str | None = None
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task; `subject` is what it is about: a reply, an invoice or the customer."""

    task_id: str
    kind: str
    text: str
    subject: str
    customer_id: str | None
    customer_name: str | None
    owner: str | None
    due_on: date
    is_late: bool


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What somebody is answered; `findings` are for people here alone, `proof` is what is known of its delivery."""

    findings: tuple[str, ...]
    subject: str
    text: str
    state: str
    proof: str
    can_send: bool


@dataclass(frozen=True, slots=True)
class ReplyCard:
    """One reply with what was understood, by which words, and what became of it.

    `customers` are who may have written it; `choices` are their open invoices, `about` those that it is about.
    """

    reply_id: str
    channel: str
    sender: str
    subject: str
    received_at: datetime
    customers: tuple[tuple[str, str], ...]
    is_known: bool
    kind: str | None
    doubts: tuple[str, ...]
    pieces: tuple[Piece, ...]
    body: str
    day: date | None
    amount: Money | None
    about: tuple[tuple[str, str], ...]
    choices: tuple[tuple[str, str], ...]
    held: int
    holds_until: datetime | None
    state: str
    outcome: str
    settled_kind: str | None
    settled_by: str | None
    task: TaskRow | None
    answer: AnswerRow | None

    @property
    def can_write(self) -> bool:
        """Whether a person can answer it in their own words."""
        return self.is_known and (self.answer is None or self.answer.state in (PREPARED, FAILED))

    @property
    def part(self) -> Money | None:
        """The amount that a promise names for its one invoice."""
        return self.amount if self.kind == ReplyKind.PROMISE and len(self.about) == 1 else None

    @property
    def is_open(self) -> bool:
        """Whether a person can still say what it says."""
        return self.state != SETTLED


@dataclass(frozen=True, slots=True)
class ReplyPage:
    """One page of replies, counted from 1, the newest first; `read_right` of `looked_at` were read as people do."""

    cards: tuple[ReplyCard, ...]
    count: int
    page: int
    waiting: int
    looked_at: int
    read_right: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // PAGE_ROWS))


def replies(
    db: Connection,
    organisation: Organisation,
    *,
    now: datetime,
    state: ReplyState = ReplyState.WAITING,
    kind: ReplyKind | None = None,
    owner: str = "",
    page: int = 1,
) -> ReplyPage:
    """Return a page of replies."""
    reply = t.reply.c
    ours = reply.organisation_id == organisation.id
    wanted = ours & _of_state(state) & _of_owner(organisation.id, owner)
    if kind is not None:
        wanted &= reply.kind == kind.value
    rows = db.execute(
        select(t.reply)
        .where(wanted)
        .order_by(reply.received_at.desc(), reply.id)
        .limit(PAGE_ROWS)
        .offset((page - 1) * PAGE_ROWS)
    ).all()
    looked_at = ours & reply.settled_kind.is_not(None)
    return ReplyPage(
        cards=_cards(db, organisation, [dict(row._mapping) for row in rows], now),
        count=_count(db, wanted),
        page=page,
        waiting=_count(db, ours & (reply.state == WAITING)),
        looked_at=_count(db, looked_at),
        read_right=_count(db, looked_at & (reply.settled_kind == reply.kind)),
    )


def tasks(db: Connection, organisation: Organisation, *, now: datetime, owner: str = "") -> tuple[TaskRow, ...]:
    """Return the open tasks, the most urgent first; of one person where `owner` is named."""
    task = t.task.c
    wanted = (task.organisation_id == organisation.id) & task.closed_at.is_(None)
    if owner:
        wanted &= task.owner == owner
    return tuple(_tasks(db, organisation, wanted, now))


def waiting_tasks(db: Connection, organisation: Organisation, *, now: datetime) -> tuple[int, int]:
    """Return how many tasks are open, and how many of them are late."""
    task = t.task.c
    mine = (task.organisation_id == organisation.id) & task.closed_at.is_(None)
    today = now.astimezone(organisation.zone).date()
    every, late = (select(func.count()).where(each) for each in (mine, mine & (task.due_on < today)))
    return db.scalar(every) or 0, db.scalar(late) or 0


def owners(db: Connection, organisation_id: str) -> list[str]:
    """Return who has open tasks."""
    task = t.task.c
    mine = (task.organisation_id == organisation_id) & task.closed_at.is_(None) & task.owner.is_not(None)
    return [str(name) for name in db.scalars(select(task.owner).where(mine).distinct().order_by(task.owner))]


def _of_state(state: ReplyState) -> ColumnElement[bool]:
    return true() if state is ReplyState.ALL else t.reply.c.state == state.value


def _of_owner(organisation_id: str, owner: str) -> ColumnElement[bool]:
    task = t.task.c
    if not owner:
        return true()
    theirs = select(task.subject).where(
        task.organisation_id == organisation_id, task.owner == owner, task.closed_at.is_(None)
    )
    return t.reply.c.id.in_(theirs)


def _count(db: Connection, wanted: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).where(wanted)) or 0


def _cards(
    db: Connection, organisation: Organisation, rows: Sequence[dict[str, Any]], now: datetime
) -> tuple[ReplyCard, ...]:
    writers = {customer for row in rows for customer in (row["customer_id"], *row["candidates"]) if customer}
    names = _names(db, organisation.id, writers)
    invoices = _invoices(db, organisation.id, writers, {document for row in rows for document in row["documents"]})
    todo = t.task.c
    wanted = (
        (todo.organisation_id == organisation.id)
        & todo.closed_at.is_(None)
        & todo.subject.in_([row["id"] for row in rows])
    )
    waiting = {each.subject: each for each in _tasks(db, organisation, wanted, now)}
    answers = _answers(db, organisation.id, [row["id"] for row in rows])
    return tuple(
        _card(row, names, invoices, task=waiting.get(row["id"]), answer=answers.get(row["id"]), now=now) for row in rows
    )


def _card(
    row: dict[str, Any],
    names: dict[str, str],
    invoices: dict[str, tuple[str, str, bool]],
    *,
    task: TaskRow | None,
    answer: AnswerRow | None,
    now: datetime,
) -> ReplyCard:
    writers = [row["customer_id"]] if row["customer_id"] else row["candidates"]
    choices = [
        (document, number)
        for document, (number, customer, is_open) in invoices.items()
        if is_open and customer in writers
    ]
    holds = row["holds_until"] if row["holds_until"] and row["holds_until"] > now else None
    return ReplyCard(
        reply_id=row["id"],
        channel=row["channel"],
        sender=row["sender"],
        subject=row["subject"],
        received_at=row["received_at"],
        customers=tuple((each, names.get(each, each)) for each in writers),
        is_known=row["customer_id"] is not None,
        kind=row["kind"],
        doubts=tuple(row["doubts"]),
        pieces=tuple(_pieces(row["words"], row["evidence"])),
        body=row["body_text"],
        day=row["named_day"],
        amount=Money(row["amount_minor"], row["currency"]) if row["currency"] else None,
        about=tuple((each, invoices[each][0]) for each in row["documents"] if each in invoices),
        choices=tuple(choices[:MAX_CHOICES]),
        held=len(row["held"]) if holds else 0,
        holds_until=holds,
        state=row["state"],
        outcome=row["outcome"],
        settled_kind=row["settled_kind"],
        settled_by=row["settled_by"],
        task=task,
        answer=answer,
    )


def _answers(db: Connection, organisation_id: str, reply_ids: Collection[str]) -> dict[str, AnswerRow]:
    answer = t.answer.c
    rows = db.execute(
        select(t.answer, t.reply.c.channel)
        .join(t.reply, t.reply.c.id == answer.reply_id)
        .where(answer.organisation_id == organisation_id, answer.reply_id.in_(reply_ids))
    )
    return {
        row.reply_id: AnswerRow(
            findings=tuple(row.findings),
            subject=row.subject,
            text=row.body_text,
            state=row.state,
            proof=row.proof,
            can_send=row.state in (PREPARED, FAILED) and row.channel == EMAIL and row.kind != AnswerKind.WRITTEN,
        )
        for row in rows
    }


def _pieces(words: str, evidence: Iterable[tuple[str, int, int, bool]]) -> Iterable[Piece]:
    """Cut the words at what rules know of them."""
    at = 0
    for kind, start, end, is_sure in evidence:
        if start > at:
            yield Piece(words[at:start])
        yield Piece(words[start:end], kind, is_sure)
        at = end
    if at < len(words):
        yield Piece(words[at:])


def _names(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[str, str]:
    customer = t.customer.c
    rows = db.execute(
        select(customer.id, customer.name).where(
            customer.organisation_id == organisation_id, customer.id.in_(customer_ids)
        )
    )
    return {row.id: row.name for row in rows}


def _invoices(
    db: Connection, organisation_id: str, customer_ids: Collection[str], document_ids: Collection[str]
) -> dict[str, tuple[str, str, bool]]:
    """Number, customer and whether it is open, by id: of what these customers owe, and of these documents."""
    document = t.document.c
    is_open = document.status == DocumentStatus.OPEN.value
    rows = db.execute(
        select(document.id, document.number, document.customer_id, document.status)
        .where(
            document.organisation_id == organisation_id,
            document.kind == "invoice",
            (document.customer_id.in_(customer_ids) & is_open) | document.id.in_(document_ids),
        )
        .order_by(document.due_on, document.id)
    )
    return {row.id: (row.number, row.customer_id, row.status == DocumentStatus.OPEN.value) for row in rows}


def _tasks(db: Connection, organisation: Organisation, wanted: ColumnElement[bool], now: datetime) -> Iterable[TaskRow]:
    task = t.task.c
    today = now.astimezone(organisation.zone).date()
    rows = db.execute(
        select(t.task, t.customer.c.name)
        .outerjoin(
            t.customer, (t.customer.c.id == task.customer_id) & (t.customer.c.organisation_id == organisation.id)
        )
        .where(wanted)
        .order_by(task.due_on, task.opened_at, task.id)
        .limit(MAX_TASKS)
    )
    for row in rows:
        yield TaskRow(
            task_id=row.id,
            kind=TaskKind(row.kind).value,
            text=row.text,
            subject=row.subject,
            customer_id=row.customer_id,
            customer_name=row.name,
            owner=row.owner,
            due_on=row.due_on,
            is_late=row.due_on < today,
        )
