"""Process stored webhooks: read the objects again that they name, and merge what is shown now."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors import registry
from connectors.contract import Role
from connectors.errors import Absent, ConnectorError, Fatal, Reconnect, Retry
from connectors.records import Kind, Page
from receivables.identity import stable_id
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.isolated import isolated
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.unknown_payments import somebody_booked, somebody_paid
from runtime.operations.reaching.carrier_webhooks import REPORT, follow_reports
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.edits import promise_edits
from runtime.operations.systems.less_paid import read_payments, read_payments_of
from runtime.operations.systems.loss import note_loss
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import local_ids
from sync.inbox import Reading, Wanted, readings

Row = dict[str, Any]
_log = logging.getLogger(__name__)


def process_inbox(app: App) -> Counter[str]:
    """Work off what is due. Returns how many rows ended each way."""
    outcome: Counter[str] = Counter()
    known: list[Wanted] = []
    with app.store.write() as db:
        now = app.clock()
        rows = {row["id"]: row for row in queues.claim(db, t.inbox, now)}
        reports = [row for row in rows.values() if row["kind"] == REPORT]
        for row in rows.values():
            if row["kind"] == REPORT:
                continue
            verdict = _triage(db, row, now)
            if verdict is None:
                known.append(Wanted(row["id"], row["system"], row["account"], Kind(row["kind"]), row["external_id"]))
            else:
                outcome[verdict] += 1
    outcome.update(follow_reports(app, reports))
    batch = {system: registry.declaration(system).fetch_batch for system in {want.system for want in known}}
    for reading in readings(known, batch):
        try:
            outcome[_read_again(app, reading, rows)] += len(reading.rows)
        except Exception as error:  # a defect that one object uncovers keeps no other from being read
            _log.exception("reading %s %s failed", reading.system, reading.external_ids)
            _postpone(app, reading, rows, Fatal(f"{type(error).__name__}: {error}"))
            outcome["failed"] += len(reading.rows)
    return outcome


def _triage(db: Connection, row: Row, now: datetime) -> str | None:
    """Settle what needs no reading; None when the object is to be read again."""
    if row["kind"] is None:
        queues.settle(db, t.inbox, row["id"], state=queues.DONE, done_at=now, problem="a kind we do not follow")
        return "not_followed"
    connection = connections.connection_for_account(db, row["system"], row["account"])
    if connection is None:
        why = f"no organisation has connected the {row['system']} account {row['account'] or '(none named)'}"
        queues.settle(db, t.inbox, row["id"], state=queues.ASIDE, done_at=now, problem=why)
        return "unknown_account"
    return None


def _read_again(app: App, reading: Reading, rows: dict[int, Row]) -> str:
    with app.store.read() as db:
        connection = connections.connection_for_account(db, reading.system, reading.account)
    if connection is None:
        return "unknown_account"
    if connection.status == connections.BROKEN and reading.kind is not Kind.CONSENT:
        _wait_for_consent(app, reading, rows, f"the connection to {connection.account.name} is lost")
        return "unconnected"
    read_at = app.clock()
    try:
        page = app.vendors.connector(connection).fetch(reading.kind, reading.external_ids)
    except Reconnect as error:
        note_loss(app, connection, [error])
        if reading.kind is not Kind.CONSENT:
            _wait_for_consent(app, reading, rows, str(error))
            return "unconnected"
        page = Page(())
    except ConnectorError as error:
        _postpone(app, reading, rows, error)
        return "retry"
    organisation_id = connection.organisation_id
    with app.store.write() as db:
        absorb(db, connection=connection, page=page, read_at=read_at)
        touched = local_ids(db, organisation_id, connection.system, reading.external_ids)
        promise_edits(db, organisation_id=organisation_id, local_ids=touched, at=app.clock())
        for row_id in reading.rows:
            if rows[row_id]["external_id"] in page.not_shown:
                _put_off(db, rows[row_id], Absent(f"{reading.system} does not show it yet"), app.clock())
            else:
                queues.settle(db, t.inbox, row_id, state=queues.DONE, done_at=app.clock(), problem=None)
    if connection.role is Role.LEDGER:
        _follow_payments(app, connection, reading, touched, read_at)
    return "done"


def _follow_payments(
    app: App, connection: VendorConnection, reading: Reading, documents: Collection[str], read_at: datetime
) -> None:
    """Read payments where a balance tells of one that nobody knows, or that one that is known is gone."""
    organisation_id = connection.organisation_id
    with app.store.read() as db:
        is_unread = somebody_paid(db, organisation_id, documents, read_at)
        is_booked = somebody_booked(db, organisation_id, reading.external_ids)
    with suppress(ConnectorError):  # a ledger that is away just now: the next poll reads them
        if is_unread:
            read_payments(app, connection)
        else:
            read_payments_of(app, connection, documents)
    if is_unread or is_booked:  # a question that the ledger has answered is not asked any more
        with isolated(app, organisation_id, "matching"):
            match_receipts(app, organisation_id)


def _postpone(app: App, reading: Reading, rows: dict[int, Row], error: ConnectorError) -> None:
    with app.store.write() as db:
        for row_id in reading.rows:
            _put_off(db, rows[row_id], error, app.clock())


def _put_off(db: Connection, row: Row, error: ConnectorError, now: datetime) -> None:
    """Follow a notice later, or show it to a person after so many attempts."""
    values = queues.next_try(row, now, error.after_seconds if isinstance(error, Retry) else 5.0)
    queues.settle(db, t.inbox, row["id"], problem=str(error), **values)
    if values["state"] == queues.ASIDE:
        _show(db, row, str(error), now)


def _wait_for_consent(app: App, reading: Reading, rows: dict[int, Row], why: str) -> None:
    """Set notices aside, without a call more, until their account is connected again: then they go on by themselves."""
    with app.store.write() as db:
        for row_id in reading.rows:
            queues.settle(db, t.inbox, row_id, state=queues.UNCONNECTED, done_at=app.clock(), problem=why)
            _show(db, rows[row_id], why, app.clock())


def _show(db: Connection, row: Row, why: str, at: datetime) -> None:
    """Show a notice that was set aside to the people whose account it is about."""
    connection = connections.connection_for_account(db, row["system"], row["account"])
    if connection is not None:
        text = f"A notice of {row['system']} about {row['kind']} {row['external_id']} could not be followed: {why}"
        remedy = "Look at the connection, then sync: a sync reads what the notice was about."
        subject = stable_id("ntc", row["system"], str(row["kind"]), row["external_id"])
        problem = Problem("webhook_not_processed", text, remedy, subject)
        journal.raise_problem(db, organisation_id=connection.organisation_id, problem=problem, at=at)
