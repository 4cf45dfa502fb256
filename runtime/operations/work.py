"""Everything that is due, worked off once: webhooks, matching, writes to ledgers, the CRM's pages."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from functools import partial

from sqlalchemy import ColumnElement, CompoundSelect, Table, bindparam, exists, literal, or_, select, union

from connectors import registry
from connectors.contract import Role
from connectors.errors import ConnectorError
from receivables.receipt import LIVING
from runtime.app import App
from runtime.operations.autopay.follow import watch_autopay
from runtime.operations.bank_feeds.read import read_feeds
from runtime.operations.inbox.process_inbox import process_inbox
from runtime.operations.isolated import isolated, standing, stopped
from runtime.operations.matching.debits import NEW
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.recognise import CODED_CONSIDERED
from runtime.operations.payers.broken_promises import watch_promises
from runtime.operations.payers.dispute_files import end_dispute_files
from runtime.operations.plans.watch_plans import watch_plans
from runtime.operations.reminding.left_to_people import close_paid
from runtime.operations.systems.deliver import deliver_outbox
from runtime.operations.systems.edits import promise_pending_edits
from runtime.operations.systems.follow_the_day import follow_the_day
from runtime.operations.systems.link_back import link_back
from runtime.operations.systems.links import UNWEIGHED, anything_to_weigh, weigh_accounts
from runtime.operations.systems.loss import noting_loss
from runtime.operations.systems.other_reminders import ask_whether_it_reminds
from runtime.operations.systems.pull import pull
from runtime.operations.systems.read_tax_codes import refresh_tax_codes
from runtime.operations.systems.show_in_crm import show_in_crm, to_show
from runtime.operations.systems.tell_history import tell_history
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection

MAX_ROUNDS = 200  # one call works off at most this many heaps; what is left is found by the next
SHOWING = "showing in the CRM"
_CODED = t.ledger_payment.c
_log = logging.getLogger(__name__)

# Organisations with money that nothing was decided about, or money newly booked straight to an account.
_NEW_MONEY = union(
    select(t.receipt.c.organisation_id).where(t.receipt.c.state == "new", t.receipt.c.status.in_(LIVING)),
    select(t.debit.c.organisation_id).where(t.debit.c.state == NEW),
    select(t.held_cash.c.organisation_id).where(t.held_cash.c.state == "new"),
    select(_CODED.organisation_id).where(
        _CODED.coded.is_(True),
        _CODED.deleted.is_(False),
        _CODED.receipt_id.is_(None),
        _CODED.received_on >= bindparam("coded_since"),
    ),
)


def _waits(table: Table) -> ColumnElement[bool]:
    return exists(select(table.c.id).where(table.c.state == queues.NEW, table.c.next_at <= bindparam("now")))


_MONEY = ""
# Whether money waits to be moved (_MONEY, no organisation), and whose pages in the CRM are to be brought up to date.
_DUE: CompoundSelect[str] = union(
    select(literal(_MONEY)).where(
        or_(_waits(t.inbox), _waits(t.outbox), exists(UNWEIGHED), exists(_NEW_MONEY.subquery().select()))
    ),
    to_show(),
    standing(SHOWING),
)


def work(app: App) -> Counter[str]:
    """Work until nothing is due. Returns how much of what was done.

    Money first: the CRM is shown what came of a whole heap of events, not of each one.
    """
    done: Counter[str] = Counter()
    for _ in range(MAX_ROUNDS):
        due = _due(app)
        round_done = (_MONEY in due and _move_money(app)) or _show(app, due - {_MONEY})
        if not round_done:
            break
        done.update(round_done)
    else:
        _log.warning("something is still due after %d rounds of work: %s", MAX_ROUNDS, dict(done))
    return done


def _due(app: App) -> set[str]:
    """Ask in one statement what is due: every call ends with a round that finds nothing, and many are nothing else."""
    now = app.clock()
    with app.store.read() as db:
        return set(db.scalars(_DUE, {"now": now, "coded_since": (now - CODED_CONSIDERED).date()}))


def _move_money(app: App) -> Counter[str]:
    """Take in what webhooks announced, match it, write what was promised."""
    done: Counter[str] = Counter({f"inbox_{name}": count for name, count in process_inbox(app).items()})
    for organisation_id in _with_new_accounts(app):
        with isolated(app, organisation_id, "linking accounts"):
            done["accounts_weighed"] += weigh_accounts(app, organisation_id)
    for organisation_id in _with_new_money(app):
        with isolated(app, organisation_id, "matching"):
            done.update({f"match_{name}": count for name, count in match_receipts(app, organisation_id).items()})
    done.update({f"outbox_{name}": count for name, count in deliver_outbox(app).items()})
    return +done


def _show(app: App, organisations: Collection[str]) -> Counter[str]:
    done: Counter[str] = Counter()
    for organisation_id in sorted(organisations):
        # A CRM that cannot be reached is tried again at the next sweep: what is not shown stays to be shown.
        # Two workers that show the same rows do no harm, they only spend calls twice: one at a time.
        with (
            isolated(app, organisation_id, SHOWING),
            suppress(ConnectorError),
            app.turns.take(f"show {organisation_id}") as is_ours,
        ):
            if is_ours:
                done.update({f"shown_{name}": count for name, count in show_in_crm(app, organisation_id).items()})
    return +done


def organisation_ids(app: App) -> list[str]:
    """Return every organisation's id."""
    with app.store.read() as db:
        return [each.id for each in connections.organisations(db)]


def _with_new_accounts(app: App) -> list[str]:
    with app.store.read() as db:
        return anything_to_weigh(db)


def _with_new_money(app: App) -> list[str]:
    with app.store.read() as db:
        return list(db.scalars(_NEW_MONEY, {"coded_since": (app.clock() - CODED_CONSIDERED).date()}))


def poll(app: App, *, roles: Collection[Role] = tuple(Role)) -> Counter[str]:
    """Read the changes of every connection that serves one of `roles`: what webhooks told us, and what they missed.

    One connection that fails does not keep the others waiting; its error is counted and the next poll tries again.
    One that another worker reads just now is left to it.
    """
    counted: Counter[str] = Counter()
    with app.store.read() as db:
        organisations = connections.organisations(db)
    for organisation in organisations:
        organisation_id = organisation.id
        with app.store.read() as db:
            known = connections.connections(db, organisation_id)
            part = partial(isolated, app, organisation_id, before=stopped(db, organisation_id))
        mine = [each for each in known if each.status == connections.CONNECTED and each.role in roles]
        for connection in sorted(mine, key=lambda each: registry.SYSTEMS.index(each.system)):
            counted.update(_read(app, connection))
        with part("promising edits"):
            promise_pending_edits(app, organisation_id)
        with part("linking back"):
            link_back(app, organisation_id)
        with part("following the day"):
            follow_the_day(app, organisation_id)
        with part("watching promises"):
            watch_promises(app, organisation_id)
        with part("closing tasks of what is paid"):
            close_paid(app, organisation_id)
        with part("removing files of disputes"):
            end_dispute_files(app, organisation_id)
        with part("watching plans"):
            watch_plans(app, organisation_id)
        with part("reading bank feeds"):
            read_feeds(app, organisation_id)
        with part("watching autopay"):
            watch_autopay(app, organisation_id)
        # What waits is asked about again: invoices, accounts and bookings may have come that answer it.
        with part("matching"):
            match_receipts(app, organisation_id)
        if organisation.history_from is not None:
            with part("telling the ledger's history"):
                tell_history(app, organisation_id)
    return counted


def _read(app: App, connection: VendorConnection) -> Counter[str]:
    system, counted = connection.system, Counter[str]()
    with app.turns.take(f"read {connection.id}") as is_ours:
        if not is_ours:
            counted[f"{system} is being read"] += 1
            return counted
        try:
            with (
                isolated(app, connection.organisation_id, f"reading {system}", passing=ConnectorError),
                noting_loss(app, connection),
            ):
                counted.update(pull(app, connection))
                ask_whether_it_reminds(app, connection)
                if connection.role is Role.LEDGER:
                    refresh_tax_codes(app, connection)
        except ConnectorError as error:
            counted[f"{system} failed: {type(error).__name__}"] += 1
    return counted
