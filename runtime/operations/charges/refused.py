"""What became of approved charges in the ledger: they stand there, or were refused and a person says what now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from connectors.intents import Done, PostCharge
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.charges.decide import APPROVED, POSTED, WAIVED, posts, record
from runtime.operations.errors import RefusedError
from runtime.store import connections, journal, queues
from runtime.store import tables as t


def approve_again(app: App, *, organisation_id: str, charge_id: str, actor: str) -> None:
    """Post a charge that the ledger refused, dated and booked as is right now. RefusedError where it was not refused.

    It is another intent, since ledgers repeat their first answer to one; all of them bear the charge's one reference.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        document_id, promised = _refused(db, organisation_id, charge_id)
        if promised["in_doubt"]:
            queues.begin_again(db, t.outbox, promised["id"], now)  # it may stand already: it is looked up as it was
        else:
            ledger, treatment = posts(db, organisation_id)
            today = now.astimezone(connections.zone_of(db, organisation_id)).date()
            before = _charged(promised)
            queues.settle(db, t.outbox, promised["id"], state=queues.SUPERSEDED, done_at=now)
            intent = replace(
                before,
                key=stable_id("chg", charge_id, str(promised["id"])),
                issued_on=today,
                due_on=today + (before.due_on - before.issued_on),
                account=treatment.account,
                tax_code=treatment.tax_code,
            )
            queues.enqueue(
                db, organisation_id=organisation_id, system=ledger.system, intent=intent, subject=charge_id, at=now
            )
        journal.resolve_write_problems(db, organisation_id=organisation_id, subject=charge_id, at=now)
        record(db, organisation_id, document_id, action="charge_approved", detail="once more", actor=actor, at=now)
    app.wake()


def give_up_charge(app: App, *, organisation_id: str, charge_id: str, actor: str) -> None:
    """Waive a charge that the ledger refused. RefusedError where it was not refused, or may stand there after all."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        document_id, promised = _refused(db, organisation_id, charge_id)
        if promised["in_doubt"]:
            raise RefusedError("it may stand in the ledger: have it posted again, which looks it up first")
        queues.settle(db, t.outbox, promised["id"], state=queues.SUPERSEDED, done_at=now)
        db.execute(update(t.charge).where(_mine(organisation_id, charge_id)).values(state=WAIVED))
        journal.resolve_write_problems(db, organisation_id=organisation_id, subject=charge_id, at=now)
        record(db, organisation_id, document_id, action="charge_waived", detail="refused", actor=actor, at=now)


def after_charge(db: Connection, row: Mapping[str, Any], done: Done, at: datetime) -> None:
    """Remember which document of the ledger a charge is; `row` is its outbox row."""
    organisation_id = row["organisation_id"]
    document_id = stable_id("doc", organisation_id, row["system"], done.external_ids[0])
    mine = _mine(organisation_id, row["subject"])
    db.execute(update(t.charge).where(mine).values(state=POSTED, charge_document_id=document_id))
    journal.resolve_write_problems(db, organisation_id=organisation_id, subject=row["subject"], at=at)


def _refused(db: Connection, organisation_id: str, charge_id: str) -> tuple[str, dict[str, Any]]:
    """The invoice of a charge that the ledger did not take, and the last promise of it, which is set aside."""
    charged = select(t.charge.c.document_id).where(_mine(organisation_id, charge_id), t.charge.c.state == APPROVED)
    document_id = db.scalar(charged)
    outbox = t.outbox.c
    promises = select(t.outbox).where(outbox.organisation_id == organisation_id, outbox.subject == charge_id)
    last = db.execute(promises.order_by(outbox.id.desc()).limit(1)).first()
    if document_id is None or last is None or last.state not in queues.SET_ASIDE:
        raise RefusedError("there is no such charge that the ledger refused")
    return document_id, dict(last._mapping)


def _charged(promised: dict[str, Any]) -> PostCharge:
    intent = queues.read_intent(promised)
    if not isinstance(intent, PostCharge):
        raise TypeError(f"{intent.intent} was promised for a charge")
    return intent


def _mine(organisation_id: str, charge_id: str) -> ColumnElement[bool]:
    return (t.charge.c.organisation_id == organisation_id) & (t.charge.c.id == charge_id)
