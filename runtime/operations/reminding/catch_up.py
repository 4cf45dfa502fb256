"""Read what the processor and the CRM know by now, before anything is sent that rests on it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from connectors.errors import ConnectorError
from runtime.app import App
from runtime.operations.matching.match import match_receipts
from runtime.operations.reminding.facts import SAID_BY
from runtime.operations.systems.loss import noting_loss
from runtime.operations.systems.pull import pull
from runtime.store import connections

CATCH_UP_AFTER = timedelta(minutes=2)


def catch_up(app: App, organisation_id: str, *, after: timedelta = CATCH_UP_AFTER) -> None:
    """Read both, unless that was done less than `after` ago, and match what came."""
    for role, kinds in SAID_BY.items():
        with app.store.read() as db:
            connection = connections.connection_for_role(db, organisation_id, role)
            seen = [connections.watermark(db, connection.id, kind) for kind in kinds] if connection else []
        oldest = app.clock() - after
        if connection is not None and any(since is None or since < oldest for since in seen):
            # Evidence that cannot be read stays as old as it is: the holds see that and fail closed.
            with suppress(ConnectorError), noting_loss(app, connection):
                pull(app, connection, kinds=kinds)
    match_receipts(app, organisation_id)
