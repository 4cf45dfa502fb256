"""What the ledger's answer to a posting changes here: it stands, it is wanted no more, or it is refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connectors.intents import AllocateCredit, Done, PostReceipt, UndoPosting
from connectors.records import Kind
from receivables.problem import Problem
from runtime.operations.applying.applications import POSTINGS, Posting
from runtime.operations.applying.cashless import CASHLESS
from runtime.operations.applying.undo import ask_again, is_wanted, promise_undo, reverse_application, settle_undo
from runtime.operations.matching.experience import undone_in_ledger
from runtime.operations.systems.absorb.money import link_own_postings
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.intake import ask_to_read

POSTING_DELETED = "posting_deleted"
Row = dict[str, Any]


def still_wanted(db: Connection, rows: Sequence[Row], now: datetime) -> list[Row]:
    """Return the claimed rows that are still to be written; postings whose application was undone never are.

    Nor is a row that another worker has claimed since, because its lease ended: it is that worker's to write.
    """
    ours = queues.held(db, rows)
    wanted = []
    for row in rows:
        if row["id"] not in ours:
            continue
        intent = queues.read_intent(row)
        if isinstance(intent, POSTINGS) and not is_wanted(db, row["organisation_id"], row["subject"], intent):
            queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED, done_at=now)
            continue
        wanted.append(row)
    return wanted


def after_posting(db: Connection, row: Row, posting: Posting, done: Done, now: datetime) -> None:
    """Remember what is ours in the ledger; where it was undone while the answer was on its way, take it back."""
    organisation_id, receipt_id = row["organisation_id"], row["subject"]
    if is_wanted(db, organisation_id, receipt_id, posting):
        if not _waiting(db, organisation_id, receipt_id):
            mine = (t.allocation.c.organisation_id == organisation_id) & (t.allocation.c.receipt_id == receipt_id)
            db.execute(update(t.allocation).where(mine, t.allocation.c.undone_at.is_(None)).values(posted_at=now))
            journal.resolve_problem(
                db, organisation_id=organisation_id, code=journal.WRITE_REFUSED, subject=receipt_id, at=now
            )
    else:
        promise_undo(
            db,
            organisation_id=organisation_id,
            system=row["system"],
            subject=receipt_id,
            posting=posting,
            external_ids=done.external_ids,
            at=now,
        )
    ledger = next(c for c in connections.connections(db, organisation_id) if c.system == row["system"])
    scope = Scope(db, organisation_id, ledger.system, ledger.role, now)
    link_own_postings(scope, receipt_id, list(done.external_ids))
    if row["in_doubt"]:
        # Nobody knows whether the last reading of its documents showed it.
        ask_to_read(
            db,
            system=ledger.system,
            account=ledger.account.external_id,
            objects=documents_of(posting),
            because=posting.key,
            at=now,
        )


def after_refusal(db: Connection, row: Row, posting: Posting, now: datetime) -> None:
    """Open the items of a refused posting again, with all that its application posted, and ask a person.

    That a person gave a rest up, or granted it as a discount, stands until they take it back: what is given up is asked
    of nobody because the ledger refused it, and it can be written once more.
    """
    if not is_wanted(db, row["organisation_id"], row["subject"], posting):
        return  # a person took it back already
    if db.scalar(select(t.receipt.c.source).where(t.receipt.c.id == row["subject"])) == CASHLESS:
        return
    reverse_application(db, row["organisation_id"], row["subject"], actor=row["system"], at=now)
    ask_again(db, row["organisation_id"], row["subject"], now)


def after_deletion(scope: Scope, receipt_id: str, external_ids: Collection[str]) -> None:
    """Follow a person who deleted a posting of ours in the ledger: its items are open again, and we ask before posting.

    What we took back ourselves, or posted for an application that stands no more, changes nothing. Where taking it back
    was refused to us, it is done now.
    """
    rows = scope.db.execute(
        select(t.outbox).where(
            t.outbox.c.organisation_id == scope.organisation_id,
            t.outbox.c.system == scope.system,
            t.outbox.c.subject == receipt_id,
            t.outbox.c.state.in_((queues.DONE, *queues.SET_ASIDE)),
        )
    ).all()
    written = [(row, queues.read_intent(dict(row._mapping))) for row in rows]
    for row, intent in written:
        if row.state != queues.DONE and isinstance(intent, UndoPosting) and set(intent.external_ids) <= {*external_ids}:
            settle_undo(scope.db, row, scope.read_at)
    gone = [intent for row, intent in written if row.state == queues.DONE and {*row.external_ids} & {*external_ids}]
    standing = [
        each
        for each in gone
        if isinstance(each, POSTINGS) and is_wanted(scope.db, scope.organisation_id, receipt_id, each)
    ]
    if not standing:
        return
    undone_in_ledger(scope.db, scope.organisation_id, receipt_id, system=scope.system, at=scope.read_at)
    reverse_application(scope.db, scope.organisation_id, receipt_id, actor=scope.system, at=scope.read_at)
    ask_again(scope.db, scope.organisation_id, receipt_id, scope.read_at)
    problem = Problem(
        POSTING_DELETED,
        f"Somebody deleted in {scope.system} what was posted for a receipt: its invoices are open again.",
        "Confirm the match again to post it once more, or reject it if the money pays something else.",
        receipt_id,
    )
    scope.problem(problem)


def documents_of(posting: Posting) -> list[tuple[Kind, str]]:
    """Return the documents, as the ledger names them, whose balances a posting moves."""
    if isinstance(posting, PostReceipt):
        return [(Kind.INVOICE, line.document_external_id) for line in posting.lines]
    if isinstance(posting, AllocateCredit):
        invoices = [(Kind.INVOICE, line.document_external_id) for line in posting.lines]
        return [(Kind.CREDIT_NOTE, posting.credit_external_id), *invoices]
    return [(Kind.INVOICE, posting.document_external_id)]


def _waiting(db: Connection, organisation_id: str, receipt_id: str) -> bool:
    """Whether a part of the standing application is not in the ledger yet: an item shows there all of it or nothing."""
    rows = db.execute(
        select(t.outbox).where(
            t.outbox.c.organisation_id == organisation_id,
            t.outbox.c.subject == receipt_id,
            t.outbox.c.state == queues.NEW,
        )
    )
    intents = [queues.read_intent(dict(row._mapping)) for row in rows]
    return any(isinstance(each, POSTINGS) and is_wanted(db, organisation_id, receipt_id, each) for each in intents)
