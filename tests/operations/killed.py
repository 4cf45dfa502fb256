"""What a process does that is killed again and again: it takes bank files, applies their money, takes some back.

Matching learns from what is taken back, and asks: then a person confirms what is right.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path

from sqlalchemy import select

from runtime.app import build
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.work import work
from runtime.settings import Settings
from runtime.store import tables as t
from tests.operations.firm import Time

WRONGLY_PAID = "wrongly"  # what a payer writes whose payment a person takes back
_WAITS = t.receipt.c.state == "suggested"


def live(settings: Settings, clock: Time, organisation_id: str, folder: Path, begun: Event) -> None:
    """Do all there is to do from the beginning, as after every start; what was done before stays done."""
    logging.disable(logging.CRITICAL)
    app = build(settings, clock=clock)
    begun.set()
    work(app)
    for file in sorted(folder.glob("*.xml")):
        import_statement(app, organisation_id=organisation_id, name=file.name, content=file.read_bytes())
        work(app)
        is_wrong = t.receipt.c.remittance.contains(WRONGLY_PAID)
        for act, which in ((undo, (t.receipt.c.state == "applied") & is_wrong), (confirm, _WAITS & ~is_wrong)):
            with app.store.read() as db:
                receipts = db.scalars(select(t.receipt.c.id).where(which)).all()
            for receipt_id in receipts:
                with suppress(RefusedError):
                    act(app, organisation_id=organisation_id, receipt_id=receipt_id, actor="dana")
        work(app)
    app.close()
