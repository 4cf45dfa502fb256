"""A payer asks for no more messages, by one channel or by any: what is planned by it is withdrawn, nothing new sent.

What they owe stays due. Where another channel of the policy is left, it is used; where none is, somebody gets a task.
What they said, and why a person took it back, is kept as proof.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select, update

from connectors import registry
from receivables.document import DocumentStatus
from receivables.money import Money, total
from reminders.contact import messages_by
from reminders.evidence import Channel
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import open_invoices
from runtime.operations.payers.payers_word import plain
from runtime.operations.people.tasks import close_task, open_task
from runtime.operations.reaching.opt_outs import EVERY, PAYER, standing_opt_outs
from runtime.operations.reaching.ways_left import is_any_way_left
from runtime.operations.reminding.withdraw import PLANNED, SENDING, withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import insert_new
from runtime.store.touch import touch_balances, touch_documents
from runtime.store.weighing import weigh_again

MAX_REASON_CHARS = 500
_KEYS = ("customer_id", "channel", "source")


def opt_out(
    app: App, *, organisation_id: str, customer_id: str, channel: Channel | None, actor: str, words: str = ""
) -> None:
    """Note that this customer wants no messages by `channel`, None: by none at all, in which words.

    Asking twice changes nothing. RefusedError for an unknown one.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        known = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
        if db.scalar(select(t.customer.c.id).where(known)) is None:
            raise RefusedError("there is no such customer")
        now = app.clock()
        row = _row(organisation_id, customer_id, channel, source=PAYER, said_by=actor, words=words, at=now)
        ended = _of(organisation_id, customer_id, channel, PAYER) & t.opt_out.c.ended_at.is_not(None)
        again = db.execute(update(t.opt_out).where(ended).values(row | {"ended_at": None})).rowcount
        if again or insert_new(db, t.opt_out, [row], keys=_KEYS):
            why = f"the customer asked for no more {messages_by(channel)}" + (f": {words}" if words else "")
            _follow(db, organisation_id, customer_id, channel, why=why, actor=actor, at=now)
            ask_if_no_way_is_left(db, organisation_id, customer_id, channel=channel, at=now)
    app.wake()


def note_told_opt_out(
    db: Connection, organisation_id: str, customer_id: str, *, channel: Channel, system: str, source: str, at: datetime
) -> None:
    """Note that `system` says so of this customer, in the caller's unit of work, which has locked the organisation.

    `source` is as told_by says.

    What a person took back stays so until the system has said something else. There is a task only where something is
    owed: the contacts of a CRM that is read for the first time are many.
    """
    row = _row(organisation_id, customer_id, channel, source=source, said_by=system, words="", at=at)
    if not insert_new(db, t.opt_out, [row], keys=_KEYS):
        return
    why = f"{registry.declaration(system).title} says that the customer wants no more {messages_by(channel)}"
    _follow(db, organisation_id, customer_id, channel, why=why, actor=system, at=at)
    ask_if_no_way_is_left(db, organisation_id, customer_id, channel=channel, at=at, only_if_owing=True)


def note_told_no_opt_out(
    db: Connection, organisation_id: str, customer_id: str, *, channel: Channel, system: str, source: str, at: datetime
) -> None:
    """Note that `system` says it no longer: only its own word is taken back, never what was said here."""
    mine = _of(organisation_id, customer_id, channel, source)
    stood = db.scalar(select(t.opt_out.c.customer_id).where(mine, t.opt_out.c.ended_at.is_(None)))
    db.execute(delete(t.opt_out).where(mine))  # the next time that it says so is news
    if stood is not None:
        title = registry.declaration(system).title
        why = f"{title} no longer says that they want no {messages_by(channel)}"
        _let_go(db, organisation_id, customer_id, why=why, actor=system, at=at)


def take_opt_out_back(
    app: App, *, organisation_id: str, customer_id: str, channel: Channel | None, actor: str, reason: str
) -> None:
    """Note that the customer may be written to by `channel` again, whoever said otherwise: `reason` is the proof of it.

    What they said of other channels stands; None takes back that they want none at all. InputError for a reason that
    is empty or longer than MAX_REASON_CHARS; RefusedError where they had not asked for it.
    """
    why = plain(reason, MAX_REASON_CHARS, "say why they may be written to again, in at most %(longest)s characters")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        stands = _of(organisation_id, customer_id, channel) & t.opt_out.c.ended_at.is_(None)
        done = db.execute(update(t.opt_out).where(stands).values(ended_at=now))
        if not done.rowcount:
            raise RefusedError(
                f"this customer has not asked for no more {messages_by(channel)}, or it was taken back already"
            )
        said = f"they may be written to again ({messages_by(channel)}): {why}"
        _let_go(db, organisation_id, customer_id, why=said, actor=actor, at=now)
    app.wake()


def pass_opt_outs_on(db: Connection, organisation_id: str, customer_id: str, *, to: str) -> None:
    """Let what a customer wants nothing by count for the one that took its place: whoever asked gets no messages."""
    for said in standing_opt_outs(db, organisation_id, customer_id):
        row = _row(organisation_id, to, said.channel, said.source, said_by=said.by, words=said.words, at=said.at)
        ended = _of(organisation_id, to, said.channel, said.source) & t.opt_out.c.ended_at.is_not(None)
        db.execute(update(t.opt_out).where(ended).values(row | {"ended_at": None}))
        insert_new(db, t.opt_out, [row], keys=_KEYS)


def ask_if_no_way_is_left(
    db: Connection,
    organisation_id: str,
    customer_id: str,
    *,
    channel: Channel | None,
    at: datetime,
    only_if_owing: bool = False,
) -> None:
    """Give somebody a task about a customer whom, without `channel`, no channel of their policy reaches any more."""
    owed = _owed(db, organisation_id, customer_id)
    organisation = connections.organisation(db, organisation_id)
    if organisation is None or (only_if_owing and not owed):
        return
    if is_any_way_left(db, organisation, customer_id, now=at):
        return
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    name = db.scalar(select(t.customer.c.name).where(mine))
    owes = f"owes {' and '.join(map(str, owed))}" if owed else "owes nothing now"
    left = "no reminder asks for it by any channel" if channel is None else "no other channel of their policy is left"
    text = f"{name or 'A customer'} asked for no more {messages_by(channel)} and {owes}: {left}."
    open_task(db, organisation, kind=TaskKind.OPTED_OUT, subject=customer_id, customer_id=customer_id, text=text, at=at)


def ask_no_longer(db: Connection, organisation_id: str, customer_id: str, *, by: str, at: datetime) -> None:
    """End that task where some channel of the policy reaches the customer again."""
    organisation = connections.organisation(db, organisation_id)
    if organisation is not None and is_any_way_left(db, organisation, customer_id, now=at):
        kinds = (TaskKind.OPTED_OUT,)
        close_task(db, organisation_id=organisation_id, subject=customer_id, kinds=kinds, by=by, at=at)


def _row(
    organisation_id: str,
    customer_id: str,
    channel: Channel | None,
    source: str,
    *,
    said_by: str,
    words: str,
    at: datetime,
) -> dict[str, object]:
    return {
        "customer_id": customer_id,
        "channel": channel.value if channel else EVERY,
        "source": source,
        "organisation_id": organisation_id,
        "said_by": said_by,
        "words": words,
        "said_at": at,
    }


def _of(
    organisation_id: str, customer_id: str, channel: Channel | None, source: str | None = None
) -> ColumnElement[bool]:
    """The opt-outs of a customer by a channel, of one source or of all."""
    of = t.opt_out.c
    mine = (of.organisation_id == organisation_id) & (of.customer_id == customer_id)
    mine &= of.channel == (channel.value if channel else EVERY)
    return mine if source is None else mine & (of.source == source)


def _follow(
    db: Connection,
    organisation_id: str,
    customer_id: str,
    channel: Channel | None,
    *,
    why: str,
    actor: str,
    at: datetime,
) -> None:
    """Withdraw what is planned by a channel, and have everything else that rests on it looked at again."""
    documents = _planned(db, organisation_id, customer_id, channel)
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=documents, why=why, at=at)
    _touch(db, organisation_id, customer_id, at)
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action="opted_out",
        subject=customer_id,
        detail=why,
    )


def _let_go(db: Connection, organisation_id: str, customer_id: str, *, why: str, actor: str, at: datetime) -> None:
    """Have the customer weighed again, and end the task where a way is left by now."""
    _touch(db, organisation_id, customer_id, at)
    ask_no_longer(db, organisation_id, customer_id, by=actor, at=at)
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action="opt_out_taken_back",
        subject=customer_id,
        detail=why,
    )


def _touch(db: Connection, organisation_id: str, customer_id: str, at: datetime) -> None:
    document = t.document.c
    mine = (document.organisation_id == organisation_id) & (document.customer_id == customer_id)
    documents = db.scalars(select(document.id).where(mine, document.status == DocumentStatus.OPEN.value)).all()
    touch_documents(db, organisation_id, documents, at)
    touch_balances(db, organisation_id, [customer_id], at)
    weigh_again(db, organisation_id, customer_ids=[customer_id])


def _planned(db: Connection, organisation_id: str, customer_id: str, channel: Channel | None) -> list[str]:
    """The invoices of a customer that a message by `channel`, or by any, was about to name."""
    reminder, item = t.reminder.c, t.reminder_item.c
    waiting = (reminder.organisation_id == organisation_id) & (reminder.customer_id == customer_id)
    waiting &= reminder.state.in_((PLANNED, SENDING))
    if channel is not None:
        waiting &= reminder.channel == channel.value
    named = select(item.document_id).join(t.reminder, reminder.id == item.reminder_id).where(waiting)
    return list(db.scalars(named))


def _owed(db: Connection, organisation_id: str, customer_id: str) -> list[Money]:
    """What is open of their invoices, by currency."""
    owed: defaultdict[str, list[Money]] = defaultdict(list)
    for each in open_invoices(db, organisation_id, customer_id):
        owed[each.open_amount.currency].append(each.open_amount)
    return [total(amounts, currency) for currency, amounts in sorted(owed.items())]
