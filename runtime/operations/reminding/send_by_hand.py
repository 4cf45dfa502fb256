"""A person has something sent on our own pages: a customer's last reminder once more, or their statement by e-mail.

Both pass what any message passes. A reminder is only made due again, so the next plan and the gate ask everything; a
statement leaves at once or is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from reminders.contact import DEFAULT_LIMITS
from reminders.courtesy import CourtesyVerdict, decide_courtesy, is_certain
from reminders.evidence import ContactEvidence
from reminders.holds import Hold, HoldCode, evaluate
from reminders.message import Message
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import OpenDocument, open_invoices
from runtime.operations.reaching.ways_left import is_any_way_left
from runtime.operations.reminding.catch_up import catch_up
from runtime.operations.reminding.courtesies import Courtesy, contact_of, send_once
from runtime.operations.reminding.evidence import gather
from runtime.operations.reminding.send_again import send_again
from runtime.operations.reminding.send_statements import MAX_INVOICES, STATEMENT, written_statement
from runtime.operations.reminding.withdraw import FAILED, HANDING, IN_DOUBT, SENT
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation

_MAY_HAVE_LEFT = (HANDING, IN_DOUBT, SENT)


def send_again_by_hand(app: App, *, organisation_id: str, customer_id: str, document_id: str, actor: str) -> None:
    """Let the last reminder of an invoice be sent again, as an instruction from the CRM does.

    RefusedError where nothing is open, none was sent yet or it is due again already, the invoice is held, or no channel
    reaches the customer.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        organisation, now = _sending(db, organisation_id), app.clock()
        invoices = open_invoices(db, organisation_id, customer_id, document_id)
        if not invoices:
            raise RefusedError("this invoice is not open any more: nothing is left to remind of")
        held = [hold for hold in _holds(db, organisation, [document_id], now) if hold.code is not HoldCode.CONTACT]
        if held:
            raise RefusedError("its reminders are held, so none is sent: %(reason)s", reason=held[0].reason)
        if not is_any_way_left(db, organisation, customer_id, now=now):
            raise RefusedError("no channel of their policy reaches this customer: look at what their page says of each")
        if not send_again(db, organisation_id, invoices, actor=actor, asked_at=now, at=now):
            raise RefusedError("no reminder of this invoice was sent yet: the first leaves when it is due")
    app.wake()


def send_statement_by_hand(app: App, *, organisation_id: str, customer_id: str, actor: str) -> None:
    """Send a customer their statement of account now: what is open, after the ledger was read again.

    RefusedError, and nothing is sent, where nothing is open, something of it is in doubt, they may not be written to
    now, or one left today.
    """
    if app.email is None:
        raise RefusedError("no mail server is set up")
    with app.store.read() as db:
        organisation, now = _sending(db, organisation_id), app.clock()
        courtesy = _statement(db, organisation, open_invoices(db, organisation_id, customer_id), customer_id, now)
        _require_reachable(db, organisation, courtesy, now)
    catch_up(app, organisation_id)
    if read_invoices(app, organisation_id, courtesy.documents) is not Reading.DONE:
        raise RefusedError("the ledger cannot be read just now, and a statement must be true: try again in a minute")
    with app.store.read() as db:
        for hold in _holds(db, organisation, courtesy.documents, app.clock()):
            if not is_certain((hold,)):
                raise RefusedError("something that they owe is in doubt: %(reason)s", reason=hold.reason)

    def write(db: Connection, contact: ContactEvidence, at: datetime) -> Message | None:
        return written_statement(app, db, organisation, courtesy, contact=contact, now=at)

    _require_sent(app, send_once(app, app.email, organisation, courtesy, write, actor=actor), courtesy, organisation)


def _sending(db: Connection, organisation_id: str) -> Organisation:
    """The organisation, if it sends anything at all."""
    organisation = connections.organisation(db, organisation_id)
    if organisation is None or not organisation.sending_on:
        raise RefusedError("sending is switched off for this organisation: switch it on first")
    return organisation


def _holds(db: Connection, organisation: Organisation, document_ids: Sequence[str], now: datetime) -> list[Hold]:
    """What holds these invoices; how old the evidence is counts when something leaves."""
    found = gather(db, organisation, now=now, document_ids=document_ids)
    owed = (each for each in found if each.remaining.minor > 0)
    return [hold for each in owed for hold in evaluate(evidence=each, as_of=now, freshness_is_reported=True)]


def _statement(
    db: Connection, organisation: Organisation, invoices: Sequence[OpenDocument], customer_id: str, now: datetime
) -> Courtesy:
    """The statement of today. One that reached nobody today leaves room for the next."""
    documents = tuple(each.document.document_id for each in invoices if each.document.sent)
    if not documents:
        raise RefusedError("nothing is open: there is nothing to state")
    if len(documents) > MAX_INVOICES:
        raise RefusedError("more than %(most)s invoices are open: give them the paper (PDF)", most=MAX_INVOICES)
    day, sent = f"{now.astimezone(organisation.zone):%Y-%m-%d}", t.courtesy.c
    mine = (sent.organisation_id == organisation.id) & (sent.customer_id == customer_id) & (sent.kind == STATEMENT)
    states = db.scalars(select(sent.state).where(mine, sent.about.startswith(f"{day} "))).all()
    if any(state in _MAY_HAVE_LEFT for state in states):
        raise RefusedError("a statement was sent to them today, or may have been")
    return Courtesy(STATEMENT, f"{day} {len(states) + 1}", customer_id, documents)


def _require_reachable(db: Connection, organisation: Organisation, courtesy: Courtesy, now: datetime) -> None:
    contact = contact_of(db, organisation, courtesy, now)
    if contact is None:
        raise RefusedError("nothing is open: there is nothing to state")
    decision = decide_courtesy(contact=contact, as_of=now, limits=DEFAULT_LIMITS)
    if decision.verdict is not CourtesyVerdict.NOW:
        raise RefusedError("no statement is sent to them now: %(reason)s", reason=decision.reason)


def _require_sent(app: App, ended: str, courtesy: Courtesy, organisation: Organisation) -> None:
    """RefusedError unless the mail server took it."""
    if ended == SENT:
        return
    with app.store.read() as db:
        why = db.scalar(select(t.courtesy.c.why).where(t.courtesy.c.id == courtesy.id_in(organisation.id))) or ""
    if ended == FAILED:
        raise RefusedError("the statement was not sent: %(reason)s", reason=why)
    if ended == IN_DOUBT:
        raise RefusedError("the statement may or may not have been sent: %(reason)s", reason=why)
    raise RefusedError("something changed meanwhile, and no statement was sent: look at what their page says now")
