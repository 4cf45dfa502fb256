"""Everything that is due, worked off once: webhooks, matching, writes to ledgers, the CRM's pages."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from sqlalchemy import select

from connectors import registry
from connectors.errors import ConnectorError
from runtime.app import App
from runtime.operations.deliver import deliver_outbox
from runtime.operations.edits import promise_pending_edits
from runtime.operations.match import match_receipts
from runtime.operations.process_inbox import process_inbox
from runtime.operations.pull import pull
from runtime.operations.show_in_crm import show_in_crm
from runtime.store import connections
from runtime.store import tables as t

MAX_ROUNDS = 200  # one call works off at most this many heaps; what is left is found by the next


def work(app: App) -> Counter[str]:
    """Work until nothing is due. Returns how much of what was done."""
    done: Counter[str] = Counter()
    for _ in range(MAX_ROUNDS):
        round_done = _round(app)
        done.update(round_done)
        if not round_done.total():
            break
    return done


def _round(app: App) -> Counter[str]:
    done: Counter[str] = Counter({f"inbox_{name}": count for name, count in process_inbox(app).items()})
    for organisation_id in _with_new_receipts(app):
        done.update({f"match_{name}": count for name, count in match_receipts(app, organisation_id).items()})
    done.update({f"outbox_{name}": count for name, count in deliver_outbox(app).items()})
    for organisation_id in organisation_ids(app):
        # A CRM that cannot be reached is tried again at the next round: what is not shown stays to be shown.
        with suppress(ConnectorError):
            done.update({f"shown_{name}": count for name, count in show_in_crm(app, organisation_id).items()})
    return +done


def organisation_ids(app: App) -> list[str]:
    """Return every organisation's id."""
    with app.store.read() as db:
        return [each.id for each in connections.organisations(db)]


def _with_new_receipts(app: App) -> list[str]:
    with app.store.read() as db:
        return list(db.scalars(select(t.receipt.c.organisation_id).where(t.receipt.c.state == "new").distinct()))


def poll(app: App) -> Counter[str]:
    """Read the changes of every connection: what webhooks told us already, and what they missed.

    One connection that fails does not keep the others waiting; its error is counted and the next poll tries again.
    """
    counted: Counter[str] = Counter()
    for organisation_id in organisation_ids(app):
        with app.store.read() as db:
            mine = [
                each for each in connections.connections(db, organisation_id) if each.status == connections.CONNECTED
            ]
        for connection in sorted(mine, key=lambda each: registry.SYSTEMS.index(each.system)):
            try:
                counted.update(pull(app, connection))
            except ConnectorError as error:
                counted[f"{connection.system} failed: {type(error).__name__}"] += 1
        promise_pending_edits(app, organisation_id)
    return counted
