"""A firm made once a process and then copied: reading one from its vendors anew takes twenty times as long.

Its vendors are a copy of their own (`deepcopy`, which leaves nothing shared) and are reached without a network; its
database is a file of its own. The product begins anew on it, as after a restart.
"""

from __future__ import annotations

import copyreg
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any

from runtime.simulation.wire import Wire
from tests.databases import migrate
from tests.operations.firm import START, Firm, Time, open_firm, product

# What cannot be copied is made anew: nobody holds a lock, and nothing waits in a queue, while a firm is copied.
copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))
copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))
copyreg.pickle(Queue, lambda waiting: (Queue, (waiting.maxsize,)))


def synced(firm: Firm) -> Firm:
    """Give the firm three invoices, connect its systems and read them."""
    firm.invoice("Acme", "INV-1001", "120.00")
    firm.invoice("Acme", "INV-1002", "75.50", late=20)
    firm.invoice("Bolt", "INV-2001", "300.00", late=5)
    firm.connect_all()
    firm.first_sync()
    return firm


@dataclass(frozen=True)
class _Kept:
    """A firm as it was when it had been read: everything but its product, of which settings and database are kept."""

    firm: dict[str, Any]
    wire: Wire
    environment: dict[str, str]
    database: bytes
    clock: Time
    lived: timedelta


@cache
def _kept(ledger: str, prepare: Callable[[Firm], object]) -> _Kept:
    with TemporaryDirectory() as folder:
        wire = Wire()
        with open_firm(Path(folder), ledger, wire=wire) as firm:
            prepare(firm)
            assert firm.pending_webhooks() == []
            environment = firm.estate.environment | {"TRUEDUE_KEY": firm.app.settings.key.get_secret_value()}
            lived = firm.time() - START
        outside = {name: value for name, value in vars(firm).items() if name not in ("app", "mailbox", "time")}
        return _Kept(outside, wire, environment, (Path(folder) / "store.sqlite3").read_bytes(), firm.time, lived)


@contextmanager
def copied_firm(folder: Path, ledger: str = "xero", *, prepare: Callable[[Firm], object] = synced) -> Iterator[Firm]:
    """A copy of a firm on this ledger that was prepared so, with its database in `folder`."""
    kept = _kept(ledger, prepare)
    clock = Time(kept.lived)
    wire, outside = deepcopy((kept.wire, kept.firm), {id(kept.clock): clock})
    database_url = f"sqlite:///{folder}/store.sqlite3"
    with wire.laid(), product(kept.environment, clock, database_url=database_url) as (app, mailbox):
        migrate(app.store, kept.database)
        yield Firm(app=app, mailbox=mailbox, time=clock, **outside)
