"""Webhooks of carriers: a report is stored and followed by a worker; a text that somebody wrote counts at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors.channels import registry
from connectors.channels.contract import CarrierDeclaration, Told
from connectors.errors import Absent, ConnectorError, Reject, Retry
from runtime.app import App
from runtime.operations.inbox.take_webhook import MAX_BODY_BYTES, BadSignatureError
from runtime.operations.reaching.deliveries import keep_report
from runtime.operations.reaching.take_text import take_text
from runtime.operations.reaching.ways import way_by_name
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.intake import store_notices

PATH = "/webhooks/"
REPORT, REPLY = "carrier_report", "carrier_reply"
Row = dict[str, Any]


def has_webhooks(name: str) -> bool:
    """Whether `name` is a carrier that tells us things."""
    return name in registry.CARRIERS and registry.carrier(name).verify is not None


def take_carrier_webhook(app: App, *, name: str, headers: Mapping[str, str], body: bytes) -> int:
    """Keep what a carrier tells, each thing once. Returns how many were new. Header names are in lower case.

    What somebody wrote to us is kept and followed in one unit of work: once it is answered, a STOP is in force.
    BadSignatureError when the carrier did not sign it, or is not set up.
    """
    declaration = registry.carrier(name)
    settings = app.settings.of(name)
    url = f"{settings['public_url']}{PATH}{name}"
    if (
        len(body) > MAX_BODY_BYTES
        or app.carriers.missing(declaration)
        or declaration.verify is None
        or not declaration.verify(settings, url, headers, body)
    ):
        raise BadSignatureError
    now = app.clock()
    told, problem = _told(declaration, body)
    with app.store.write() as db:
        new = 0
        for each in told:
            row = _row(name, each, body, now, problem)
            if store_notices(db, [row]):
                new += 1
                if each.is_reply:
                    take_text(db, carrier=name, told=each, at=now)
    if new:
        app.wake()
    return new


def _told(declaration: CarrierDeclaration, body: bytes) -> tuple[Sequence[Told], str | None]:
    try:
        assert declaration.told is not None  # noqa: S101 - declared together with `verify`
        return declaration.told(body), None
    except ValueError as error:
        return [Told(hashlib.sha256(body).hexdigest(), "")], f"the body cannot be read: {error}"


def _row(name: str, told: Told, body: bytes, now: datetime, problem: str | None) -> Row:
    state = queues.ASIDE if problem else queues.DONE if told.is_reply else queues.NEW
    return {
        "system": name,
        "account": "",
        "event_id": told.event_id,
        "kind": REPLY if told.is_reply else REPORT,
        "external_id": told.external_id,
        "body": body,
        "received_at": now,
        "state": state,
        "attempts": 0,
        "next_at": now,
        "problem": problem,
    }


def follow_reports(app: App, rows: Sequence[Row]) -> Counter[str]:
    """Ask carriers what became of the messages that these rows of the inbox name. Returns how many ended each way."""
    outcome: Counter[str] = Counter()
    for row in rows:
        outcome[_follow(app, row)] += 1
    return outcome


def _follow(app: App, row: Row) -> str:
    way = way_by_name(app, row["system"])
    with app.store.read() as db:
        delivery = _delivery(db, row["system"], row["external_id"])
    try:
        if way is None:
            raise Reject("the carrier is not set up any more")
        if delivery is None:
            raise Retry("no message of ours has this id yet")  # its own answer may be on its way to us still
        report = way.carrier.look(row["external_id"])
    except ConnectorError as error:
        return _put_off(app, row, error)
    with app.store.write() as db:
        connections.lock_organisation(db, delivery.organisation_id)
        now = app.clock()
        keep_report(db, delivery.organisation_id, delivery.reminder_id, carrier=way.name, report=report, at=now)
        queues.settle(db, t.inbox, row["id"], state=queues.DONE, done_at=now, problem=None)
    return "done"


def _delivery(db: Connection, carrier: str, external_id: str) -> Any:  # noqa: ANN401 - a row
    mine = (t.delivery.c.carrier == carrier) & (t.delivery.c.external_id == external_id)
    return db.execute(select(t.delivery).where(mine)).first()


def _put_off(app: App, row: Row, error: ConnectorError) -> str:
    """Follow a report later; one that can never be followed is set aside with its reason."""
    with app.store.write() as db:
        now = app.clock()
        if isinstance(error, (Absent, Reject)):
            queues.settle(db, t.inbox, row["id"], state=queues.ASIDE, done_at=now, problem=str(error))
            return "aside"
        values = queues.next_try(row, now, error.after_seconds if isinstance(error, Retry) else 60.0)
        queues.settle(db, t.inbox, row["id"], problem=str(error), **values)
    return "retry"
