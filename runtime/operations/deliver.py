"""Deliver the outbox: write each promised intent once, and settle what it changes here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connectors.contract import Connector
from connectors.errors import Absent, ConnectorError, Reconnect, Reject, Retry, Stale
from connectors.intents import Done, EditContact, EditCustomer, EditDocument, Intent, Outcome, PostReceipt, UndoPosting
from connectors.records import Kind
from receivables.identity import stable_id
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.absorb.money import link_own_postings
from runtime.operations.absorb.page import absorb
from runtime.operations.absorb.scope import Scope, pairs_of
from runtime.operations.edits import promise_edits
from runtime.operations.isolated import isolated
from runtime.operations.undo import is_wanted, promise_undo, reverse_application
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import links_of, set_pairs
from sync.merge import agreed

Row = dict[str, Any]
PAUSE_WITHOUT_CONSENT_SECONDS = 300.0


def deliver_outbox(app: App) -> Counter[str]:
    """Write what is due, grouped by connection. Returns how many intents ended each way."""
    outcome: Counter[str] = Counter()
    with app.store.write() as db:
        rows = queues.claim(db, t.outbox, app.clock())
    by_target: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_target[(row["organisation_id"], row["system"])].append(row)
    for (organisation_id, system), group in by_target.items():
        with isolated(app, organisation_id, f"writing to {system}"):
            outcome.update(_deliver_group(app, organisation_id, system, group))
    return outcome


def _deliver_group(app: App, organisation_id: str, system: str, rows: Sequence[Row]) -> Counter[str]:
    with app.store.read() as db:
        connection = next((c for c in connections.connections(db, organisation_id) if c.system == system), None)
    if connection is None:
        return _settle(app, None, rows, [Reconnect(f"{system} is not connected")] * len(rows))
    connector = app.vendors.connector(connection)
    outcomes = _look_up(connector, rows)
    fresh = [row for row in rows if row["id"] not in outcomes]
    with app.store.write() as db:
        queues.mark_in_doubt(db, [row["id"] for row in fresh])
    written = connector.write([queues.read_intent(row) for row in fresh]) if fresh else []
    outcomes |= {row["id"]: result for row, result in zip(fresh, written, strict=True)}
    return _settle(app, connection, rows, [outcomes[row["id"]] for row in rows])


def _look_up(connector: Connector, rows: Sequence[Row]) -> dict[int, Outcome]:
    """Find out about writes whose answer was lost, before anything is repeated."""
    found: dict[int, Outcome] = {}
    for row in rows:
        if not row["in_doubt"]:
            continue
        try:
            done = connector.find(queues.read_intent(row))
        except ConnectorError as error:
            # Whatever keeps the look-up from answering, the write may stand: it is looked up again.
            known = isinstance(error, Retry | Reconnect)
            found[row["id"]] = error if known else Retry(f"it cannot be looked up: {error}", ambiguous=True)
            continue
        if done is not None:
            found[row["id"]] = done
    return found


def _settle(
    app: App, connection: VendorConnection | None, rows: Sequence[Row], outcomes: Sequence[Outcome]
) -> Counter[str]:
    counted: Counter[str] = Counter()
    stale: list[tuple[Row, Intent]] = []
    with app.store.write() as db:
        now = app.clock()
        for row, outcome in zip(rows, outcomes, strict=True):
            intent = queues.read_intent(row)
            counted[_settle_one(db, row, intent, outcome, now)] += 1
            if isinstance(outcome, Stale):
                stale.append((row, intent))
    if connection is not None and stale:
        _merge_again(app, connection, stale)
    return counted


def _settle_one(db: Connection, row: Row, intent: Intent, outcome: Outcome, now: datetime) -> str:
    if isinstance(outcome, Done):
        queues.settle(
            db,
            t.outbox,
            row["id"],
            state=queues.DONE,
            external_ids=list(outcome.external_ids),
            done_at=now,
            in_doubt=False,
            problem=None,
        )
        _after(db, row, intent, outcome, now)
        return "done"
    if isinstance(outcome, Stale):
        queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED, done_at=now, problem=str(outcome))
        return "stale"
    if isinstance(outcome, Retry | Reconnect):
        pause = outcome.after_seconds if isinstance(outcome, Retry) else PAUSE_WITHOUT_CONSENT_SECONDS
        doubt = row["in_doubt"] or (isinstance(outcome, Retry) and outcome.ambiguous)
        values = queues.next_try(row, now, pause)
        queues.settle(db, t.outbox, row["id"], in_doubt=doubt, problem=str(outcome), **values)
        if values["state"] == queues.ASIDE:
            remedy = "Look at the connection, then replay this write."
            _show(db, row, Problem("write_not_delivered", str(outcome), remedy), now)
        return "retry"
    queues.settle(db, t.outbox, row["id"], state=queues.ASIDE, done_at=now, in_doubt=False, problem=str(outcome))
    remedy = (outcome.remedy if isinstance(outcome, Reject) else "") or "Correct it in the ledger; it is read again."
    _show(db, row, Problem("write_refused", str(outcome), remedy), now)
    if isinstance(intent, PostReceipt) and isinstance(outcome, Reject | Absent):
        reverse_application(db, row["organisation_id"], row["subject"], actor=row["system"], at=now)
        _ask_again(db, row)
    return "refused"


def _ask_again(db: Connection, row: Row) -> None:
    """Give a refused application back to a person: the money is there, so its items are held until they decide."""
    mine = (t.proposal.c.organisation_id == row["organisation_id"]) & (t.proposal.c.receipt_id == row["subject"])
    body = db.scalar(select(t.proposal.c.body).where(mine))
    if body is not None:
        items = [allocation["item_id"] for allocation in body["best"]["allocations"]]
        db.execute(update(t.proposal).where(mine).values(state="pending", plausible=items))


def _after(db: Connection, row: Row, intent: Intent, done: Done, now: datetime) -> None:
    """Carry what was written over to our own rows."""
    organisation_id = row["organisation_id"]
    journal.record(
        db,
        organisation_id=organisation_id,
        at=now,
        actor="sync",
        action=f"written_{intent.intent}",
        subject=row["subject"],
        detail=f"{row['system']} {', '.join(done.external_ids)}",
    )
    if isinstance(intent, PostReceipt):
        _after_posting(db, row, intent, done, now)
        ledger = next(c for c in connections.connections(db, organisation_id) if c.system == row["system"])
        scope = Scope(db, organisation_id, ledger.system, ledger.role, now)
        link_own_postings(scope, row["subject"], list(done.external_ids))
        if row["in_doubt"]:
            _read_again(db, ledger, intent, now)
    elif isinstance(intent, EditDocument):
        written = {
            "due_on": intent.due_on.isoformat() if intent.due_on else None,
            "purchase_order": intent.purchase_order,
        }
        _agree(db, row, {name: value for name, value in written.items() if value is not None}, done.version)
    elif isinstance(intent, EditCustomer | EditContact):
        _agree(db, row, {"email": intent.email}, done.version)
    elif isinstance(intent, UndoPosting):
        db.execute(
            update(t.ledger_payment)
            .where(
                t.ledger_payment.c.organisation_id == organisation_id,
                t.ledger_payment.c.external_id.in_(intent.external_ids),
            )
            .values(deleted=True)
        )


def _after_posting(db: Connection, row: Row, intent: PostReceipt, done: Done, now: datetime) -> None:
    """Mark the allocations as posted; where they were undone while the answer was on its way, take the posting back."""
    organisation_id, receipt_id = row["organisation_id"], row["subject"]
    if is_wanted(db, organisation_id, receipt_id, intent):
        mine = (t.allocation.c.organisation_id == organisation_id) & (t.allocation.c.receipt_id == receipt_id)
        db.execute(update(t.allocation).where(mine, t.allocation.c.undone_at.is_(None)).values(posted_at=now))
        journal.resolve_problem(db, organisation_id=organisation_id, code="write_refused", subject=receipt_id, at=now)
    else:
        promise_undo(
            db,
            organisation_id=organisation_id,
            system=row["system"],
            receipt_id=receipt_id,
            posting=intent,
            external_ids=done.external_ids,
            at=now,
        )


def _read_again(db: Connection, ledger: VendorConnection, intent: PostReceipt, now: datetime) -> None:
    """Ask to read the invoices of a posting that was found: nobody knows whether the last reading showed it already."""
    notices = [
        {
            "system": ledger.system,
            "account": ledger.account.external_id,
            "event_id": stable_id("found", intent.key, line.document_external_id),
            "kind": Kind.INVOICE.value,
            "external_id": line.document_external_id,
            "body": b"",
            "received_at": now,
            "state": queues.NEW,
            "attempts": 0,
            "next_at": now,
            "problem": None,
        }
        for line in intent.lines
    ]
    queues.store_notices(db, notices)


def _agree(db: Connection, row: Row, written: dict[str, str], version: str) -> None:
    for link in links_of(db, row["organisation_id"], [row["subject"]]):
        if link["system"] == row["system"] and set(written) <= set(link["base"]):
            set_pairs(db, link, agreed(pairs_of(link), written), version)


def _merge_again(app: App, connection: VendorConnection, stale: Sequence[tuple[Row, Intent]]) -> None:
    """Somebody changed these objects since we read them: read, merge, and promise again what is still ours to say."""
    wanted: defaultdict[Kind, set[str]] = defaultdict(set)
    for _, intent in stale:
        if isinstance(intent, EditDocument):
            wanted[Kind.INVOICE].add(intent.document_external_id)
        elif isinstance(intent, EditCustomer):
            wanted[Kind.CUSTOMER].add(intent.customer_external_id)
        elif isinstance(intent, EditContact):
            wanted[Kind.CONTACT].add(intent.contact_external_id)
    connector = app.vendors.connector(connection)
    for kind, external_ids in wanted.items():
        read_at = app.clock()
        page = connector.fetch(kind, sorted(external_ids))
        with app.store.write() as db:
            absorb(db, connection=connection, page=page, read_at=read_at)
            subjects = {row["subject"] for row, _ in stale}
            promise_edits(db, organisation_id=connection.organisation_id, local_ids=subjects, at=app.clock())


def _show(db: Connection, row: Row, problem: Problem, now: datetime) -> None:
    named = replace(problem, text=f"{row['system']}: {problem.text}", subject=row["subject"])
    journal.raise_problem(db, organisation_id=row["organisation_id"], problem=named, at=now)
