"""What a payer asked on their own page, and what they were answered.

Mails and texts are left out: whoever has the link need not be who wrote them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from runtime.operations.payers.replies.act import PORTAL, WAITING
from runtime.operations.reminding.withdraw import IN_DOUBT, SENT
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class PortalQuestion:
    """A question about invoices (their numbers); with the words of its answer, empty where nobody wrote one.

    `answered_on` is the day of the answer, or on which a person settled it. What neither has one nor `waits` was sure:
    it was followed as it was written.
    """

    asked_on: date
    text: str
    numbers: tuple[str, ...]
    answered_on: date | None
    answer: str
    waits: bool


def portal_questions(db: Connection, organisation: Organisation, customer_id: str) -> tuple[PortalQuestion, ...]:
    """Return what a customer asked on their page, the newest first, MAX_SHOWN at most.

    The words of an answer are there once they have left, or may have.
    """
    reply, answer = t.reply.c, t.answer.c
    mine = (answer.reply_id == reply.id) & (answer.organisation_id == organisation.id)
    rows = db.execute(
        select(reply.received_at, reply.body_text, reply.documents, reply.state, reply.settled_at)
        .add_columns(answer.written, answer.sent_at)
        .outerjoin(t.answer, mine & answer.state.in_((SENT, IN_DOUBT)))
        .where(reply.organisation_id == organisation.id, reply.customer_id == customer_id, reply.channel == PORTAL)
        .order_by(reply.received_at.desc(), reply.id)
        .limit(MAX_SHOWN)
    ).all()
    numbers = _numbers(db, organisation.id, customer_id, {each for row in rows for each in row.documents})
    zone = organisation.zone
    return tuple(
        PortalQuestion(
            asked_on=row.received_at.astimezone(zone).date(),
            text=row.body_text,
            numbers=tuple(numbers[each] for each in row.documents if each in numbers),
            answered_on=at.astimezone(zone).date() if at is not None else None,
            answer=row.written or "",
            waits=row.state == WAITING and not row.written,
        )
        for row in rows
        for at in (row.sent_at or row.settled_at,)
    )


def _numbers(db: Connection, organisation_id: str, customer_id: str, ids: Collection[str]) -> dict[str, str]:
    """The numbers of these documents, as far as they are this customer's."""
    document = t.document.c
    theirs = (document.organisation_id == organisation_id) & (document.customer_id == customer_id)
    found = select(document.id, document.number).where(theirs, document.id.in_(ids))
    return {row.id: row.number for row in db.execute(found)} if ids else {}
