"""A person says what a reply says: it is done, and the reply is kept with both readings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from reminders.replies.kinds import ReplyKind
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.replies.act import ACTED, SETTLED, Said, do, finish_reply
from runtime.operations.payers.replies.answers import find_reply, prepare_answer
from runtime.operations.payers.replies.holding import release
from runtime.operations.people.tasks import close_task
from runtime.operations.reaching.opt_out import take_opt_out_back
from runtime.store import connections
from runtime.store import tables as t

NOTHING = "nothing"  # what a person says of a reply that asks for nothing


def settle_reply(
    app: App,
    *,
    organisation_id: str,
    reply_id: str,
    kind: ReplyKind | None,
    actor: str,
    customer_id: str | None = None,
    document_ids: Sequence[str] = (),
    day: date | None = None,
    part: str = "",
) -> None:
    """Do what a person says that a reply says; None says that there is nothing to do.

    `customer_id` says who wrote it where that is not known; `document_ids` which invoices it is about, where that
    differs from what was read; `part` the amount, where less than all is promised. What was done for an opt-out by
    mistake is taken back. RefusedError where the reply is settled already, or what it asks for cannot be done;
    InputError where something is missing.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        reply = _with_customer(db, find_reply(db, organisation_id, reply_id), customer_id)
        if reply["state"] == SETTLED:
            raise RefusedError("this reply is settled already")
        documents = _their_own(db, reply, document_ids) or reply["documents"]
    is_done = reply["state"] == ACTED and kind is not None and kind.value == reply["kind"]
    if reply["state"] == ACTED and reply["kind"] == ReplyKind.OPT_OUT and kind is not ReplyKind.OPT_OUT:
        with suppress(RefusedError):  # somebody took it back already
            take_opt_out_back(
                app,
                organisation_id=organisation_id,
                customer_id=reply["customer_id"],
                channel=None,
                actor=actor,
                reason="the reply was misread: they did not ask for it",
            )
    outcome = "Nothing was to be done." if kind is None else reply["outcome"]
    if kind is not None and not is_done:
        if reply["customer_id"] is None:
            raise InputError("say which customer wrote this")
        outcome = do(app, reply, kind=kind, document_ids=documents, said=Said(day or reply["named_day"], part))
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
        values = {"settled_kind": kind.value if kind else NOTHING, "settled_by": actor, "settled_at": now}
        kept = {"customer_id": reply["customer_id"], "documents": list(documents)}
        db.execute(update(t.reply).where(mine).values(values | kept))
        settled = reply | values | kept
        close_task(
            db, organisation_id=organisation_id, subject=reply_id, kinds=(TaskKind.READ_REPLY,), by=actor, at=now
        )
        finish_reply(db, settled, kind=kind, outcome=outcome, at=now, state=SETTLED)
    if kind is not None:
        prepare_answer(app, organisation_id=organisation_id, reply_id=reply_id, kind=kind, by_itself=False)
    app.wake()


def note_answered(db: Connection, *, organisation_id: str, reply_ids: Collection[str], by: str, at: datetime) -> None:
    """Settle replies that somebody answered elsewhere, in the caller's unit of work."""
    answered = {"settled_kind": ReplyKind.QUESTION.value, "settled_by": by, "settled_at": at}
    for reply_id in reply_ids:
        mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
        db.execute(update(t.reply).where(mine).values(state=SETTLED, acts=False, **answered))
        release(db, organisation_id=organisation_id, reply_id=reply_id, at=at)
        close_task(db, organisation_id=organisation_id, subject=reply_id, kinds=tuple(TaskKind), by=by, at=at)


def _with_customer(db: Connection, reply: dict[str, Any], customer_id: str | None) -> dict[str, Any]:
    """The reply with the customer who wrote it, as a person says where nobody knew."""
    if reply["customer_id"] is not None or customer_id is None:
        return reply
    customer = t.customer.c
    known = select(customer.id).where(
        customer.organisation_id == reply["organisation_id"], customer.id == customer_id, customer.deleted.is_(False)
    )
    if db.scalar(known) is None:
        raise InputError("choose one of your customers")
    return reply | {"customer_id": customer_id}


def _their_own(db: Connection, reply: dict[str, Any], document_ids: Sequence[str]) -> list[str]:
    """Those of the invoices that are this customer's."""
    document = t.document.c
    return list(
        db.scalars(
            select(document.id)
            .where(
                document.organisation_id == reply["organisation_id"],
                document.customer_id == reply["customer_id"],
                document.id.in_(document_ids),
            )
            .order_by(document.id)
        )
    )
