"""Read what a connected system shows: everything the first time, then the changes since the watermark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection

from connectors import registry
from connectors.records import Kind, Page
from runtime.app import App
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.links import weigh_accounts
from runtime.store import connections
from runtime.store.connections import VendorConnection
from runtime.store.intake import ask_to_read
from sync.cursor import advance, read_from

MAX_PAGES = 2_000  # of one kind in one read; 2 million objects at a thousand each
Progress = Callable[[str, Kind, int], None]


def _quiet(_system: str, _kind: Kind, _count: int) -> None:
    """Show no progress."""


def pull(
    app: App, connection: VendorConnection, *, kinds: Iterable[Kind] | None = None, progress: Progress = _quiet
) -> Counter[str]:
    """Read one connection. Returns how many records of each kind came; raises the connector's error when it fails.

    Each page is stored in a unit of work of its own; the watermark moves with the last one, so that a read
    that breaks off is read again from where it began.
    """
    declaration = registry.declaration(connection.system)
    counted: Counter[str] = Counter()
    for kind in declaration.reads if kinds is None else kinds:
        with app.store.read() as db:
            since = connections.watermark(db, connection.id, kind)
        began_at = app.clock()
        for number, page in enumerate(app.vendors.pages(connection, kind, since=read_from(since))):
            if number >= MAX_PAGES:
                raise RuntimeError(f"{connection.system} gave more than {MAX_PAGES} pages of {kind}")
            with app.store.write() as db:
                absorb(db, connection=connection, page=page, read_at=began_at)
                _ask_for_the_rest(db, connection, kind, page, began_at, since=since or began_at)
            counted[kind.value] += len(page.records)
            progress(connection.system, kind, counted[kind.value])
        with app.store.write() as db:
            connections.set_watermark(db, connection.id, kind, advance(since, began_at))
        if kind is Kind.CUSTOMER:
            weigh_accounts(app, connection.organisation_id)  # contacts come next: they follow their accounts
    return counted


def _ask_for_the_rest(
    db: Connection, connection: VendorConnection, kind: Kind, page: Page, began_at: datetime, *, since: datetime
) -> None:
    """Have what was named and not shown yet read later, as if a webhook had named it: the watermark passes it by.

    Until then nobody may believe that more is known than at `since`.
    """
    ask_to_read(
        db,
        system=connection.system,
        account=connection.account.external_id,
        objects=[(kind, external_id) for external_id in page.not_shown],
        because=f"not shown at {began_at.isoformat()}",
        at=since,
    )
