"""At rest: telling everything again, and looking again, change nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from sqlalchemy import select, update

from runtime.operations.work import poll, work
from runtime.simulation.stage import Play
from runtime.store import connections, queues
from runtime.store import tables as t

Found = tuple[int, list[str]]
AT_REST_FOR = timedelta(minutes=20)


def commutes_under_reordering(play: Play) -> Found:
    """[8] At rest, all webhooks once more in another order change nothing here."""
    before = state_of(play)
    with play.app.store.write() as db:
        ids = list(db.scalars(select(t.inbox.c.id).where(t.inbox.c.state == queues.DONE, t.inbox.c.kind.is_not(None))))
        play.rng.shuffle(ids)
        now = play.clock()
        for place, row_id in enumerate(ids):
            again = {"state": queues.NEW, "attempts": 0, "next_at": now - timedelta(milliseconds=place)}
            db.execute(update(t.inbox).where(t.inbox.c.id == row_id).values(**again))
    work(play.app)
    after = state_of(play)
    return len(ids), [
        f"{kind} {name}: {before[kind].get(name)} became {value}"
        for kind in before
        for name, value in after[kind].items()
        if before[kind].get(name) != value
    ]


def state_of(play: Play) -> dict[str, dict[str, str]]:
    """What the product believes of documents and money, apart from when it read it."""
    document, receipt, payment = t.document.c, t.receipt.c, t.ledger_payment.c
    with play.app.store.read() as db:
        documents = db.execute(
            select(document.id, document.number, document.balance_minor, document.status, document.due_on)
        ).all()
        receipts = db.execute(select(receipt.id, receipt.state, receipt.status, receipt.unapplied_minor)).all()
        payments = db.execute(select(payment.id, payment.amount_minor, payment.deleted)).all()
    return {
        "document": {row[0]: str(row[1:]) for row in documents},
        "receipt": {row[0]: str(row[1:]) for row in receipts},
        "payment": {row[0]: str(row[1:]) for row in payments},
    }


def quiet_writes_nothing(play: Play) -> Found:
    """[13] At rest, another round of reading and working writes nothing.

    A day that begins meanwhile is news: what it makes overdue is shown before.
    """
    days = _days(play)
    play.time.advance(AT_REST_FOR)
    if _days(play) != days:
        poll(play.app)
        work(play.app)
    before = _writes(play)
    poll(play.app)
    work(play.app)
    return before.total(), [f"{name}: {count} more" for name, count in (_writes(play) - before).items()]


def _days(play: Play) -> dict[str, date]:
    """The day that it is for each organisation."""
    now = play.app.clock()
    with play.app.store.read() as db:
        return {each.id: now.astimezone(each.zone).date() for each in connections.organisations(db)}


def _writes(play: Play) -> Counter[str]:
    counted: Counter[str] = Counter()
    for standin in play.estate.standins:
        for call, count in standin.calls.items():
            # Queries of QuickBooks and token refreshes are posted; they change nothing in the books.
            reads = call.endswith("/query") or "token" in call
            if call.startswith(("POST", "PUT", "PATCH", "DELETE")) and not reads:
                counted[f"{standin.name} {call}"] += count
    return counted
