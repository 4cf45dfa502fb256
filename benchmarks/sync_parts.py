"""What one measured process does; `benchmarks.sync` starts each in a process of its own, for its peak memory."""

from __future__ import annotations

import argparse
import base64
import json
import pickle
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.types.json import Json
from pydantic import SecretStr
from sqlalchemy import Connection, Table, insert, select
from xero_python.accounting import AccountingApi  # type: ignore[import-untyped]
from xero_python.api_client import ApiClient, Configuration  # type: ignore[import-untyped]
from xero_python.api_client.oauth2 import OAuth2Token  # type: ignore[import-untyped]

from benchmarks.recorded import CURRENCY, PAGE_SIZE, page_files
from connectors.contract import Role
from connectors.ledgers import exact
from connectors.ledgers.pages import page as page_of
from connectors.ledgers.xero import convert
from connectors.ledgers.xero.client import API_PATH
from connectors.oauth import TokenSet
from connectors.records import Kind
from runtime.app import App, build
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.pull import pull
from runtime.settings import Settings
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.vendors import Pace

ORGANISATION = "org"
NOTHING = "none"  # where a real installation has a secret
NOW = datetime(2026, 11, 17, 10, tzinfo=UTC)
MAX_PAGES = 10_000
KINDS = (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT)
TABLES = (t.customer, t.document, t.ledger_payment, t.link)
_LISTS = {
    Kind.CUSTOMER: ("Contacts", convert.customer, "ContactID"),
    Kind.INVOICE: ("Invoices", convert.invoice, "InvoiceID"),
    Kind.PAYMENT: ("Payments", convert.payment, "PaymentID"),
}


@dataclass
class Stopwatch:
    """Time spent inside its `running` blocks."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of this block."""
        begun, worked = time.perf_counter(), time.process_time()
        yield
        self.seconds += time.perf_counter() - begun
        self.cpu_seconds += time.process_time() - worked


class _NoWait:
    """A clock that sleeping moves at once: a vendor's call limits are kept, and waiting for them is not measured."""

    def __init__(self) -> None:
        self._now = NOW

    def __call__(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)


def open_app(database: str, api_url: str) -> App:
    """The product on an empty, migrated database, as far as reading Xero at `api_url` needs it."""
    clock = _NoWait()
    settings = Settings(
        database_url=database,
        xero_api_url=api_url,
        xero_identity_url=api_url,
        xero_client_id="none",
        xero_client_secret=SecretStr(NOTHING),
        key=SecretStr(base64.b64encode(bytes(32)).decode()),
    )
    return build(settings, clock=clock, pace=Pace(sleep=clock.sleep))


def found(app: App) -> VendorConnection:
    """Make an organisation that has connected Xero."""
    tokens = TokenSet(access_token=NOTHING, refresh_token=NOTHING, expires_at=NOW + timedelta(days=30), answer={})
    with app.store.write() as db:
        db.execute(
            insert(t.organisation).values(
                id=ORGANISATION, name="Bulk", base_currency=CURRENCY, time_zone="UTC", country="GB", created_at=NOW
            )
        )
        sealed = app.vendors.sealed("consent", "xero", tokens)
        db.execute(insert(t.consent).values(id="consent", system="xero", generation=0, **sealed))
        db.execute(
            insert(t.connection).values(
                id="connection",
                organisation_id=ORGANISATION,
                system="xero",
                role=Role.LEDGER.value,
                account="tenant",
                account_name="Bulk",
                instance_url="",
                consent_id="consent",
                status=connections.CONNECTED,
                connected_at=NOW,
            )
        )
    with app.store.read() as db:
        (made,) = connections.connections(db, ORGANISATION)
    return made


def records_of(folder: Path, kind: Kind) -> Iterator[Path]:
    """Yield the files that keep the recorded pages of a kind as the connector reads them."""
    yield from sorted((folder / "records").glob(f"{kind.value}-*"), key=lambda path: int(path.name.split("-")[1]))


def prepare(folder: Path, database: str) -> None:
    """Keep what the plain ways need: the pages as records, and the rows that come of them."""
    (folder / "records").mkdir()
    (folder / "rows").mkdir()
    app = open_app(database, "")
    connection = found(app)
    for kind in KINDS:
        items, convert_one, identity = _LISTS[kind]
        for number, file in enumerate(page_files(folder, items)):
            raw = exact.loads(file.read_bytes())[items]
            page = page_of(kind, raw, convert_one, identity=identity, title="Xero")
            (folder / "records" / f"{kind.value}-{number}").write_bytes(pickle.dumps(page))
            with app.store.write() as db:
                absorb(db, connection=connection, page=page, read_at=NOW)
    with app.store.read() as db:
        for table in TABLES:
            for number, rows in enumerate(db.execute(select(table)).partitions(1_000)):
                kept = [dict(row._mapping) for row in rows]
                (folder / "rows" / f"{table.name}-{number}").write_bytes(pickle.dumps(kept))
    app.close()


def plain(folder: Path, database: str, _api_url: str) -> tuple[Stopwatch, int]:
    """Write the rows in the plainest fast way of the database, in one transaction: no question is asked of any row."""
    app = open_app(database, "")
    found(app)
    watch, count = Stopwatch(), 0
    put = _copy if not app.store.is_sqlite else _executemany
    with app.store.write() as db:
        for table in TABLES:
            for file in sorted((folder / "rows").glob(f"{table.name}-*")):
                rows = pickle.loads(file.read_bytes())  # noqa: S301 - our own file
                with watch.running():
                    put(db, table, rows)
                count += len(rows) if table is not t.link else 0  # a link belongs to its object
        with watch.running():
            db.commit()
    return watch, count


def _copy(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    names = [column.name for column in table.columns]
    quoted = ", ".join(f'"{name}"' for name in names)
    with db.connection.cursor().copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_plain(row[name], Json) for name in names])


def _executemany(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    db.execute(insert(table), rows)


def _plain(value: Any, wrap: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - a column's value
    return wrap(value) if isinstance(value, dict | list) else value


def store(folder: Path, database: str, _api_url: str) -> tuple[Stopwatch, int]:
    """Take in pages of records that are read already: the store's own path."""
    app = open_app(database, "")
    connection = found(app)
    watch, count = Stopwatch(), 0
    for kind in KINDS:
        for file in records_of(folder, kind):
            page = pickle.loads(file.read_bytes())  # noqa: S301 - our own file
            with watch.running(), app.store.write() as db:
                absorb(db, connection=connection, page=page, read_at=NOW)
            count += len(page.records)
    app.close()
    return watch, count


def whole(_folder: Path, database: str, api_url: str) -> tuple[Stopwatch, int]:
    """A first load through the SDK, as the product does it."""
    app = open_app(database, api_url)
    connection = found(app)
    watch = Stopwatch()
    with watch.running():
        counted = pull(app, connection, kinds=KINDS)
    app.close()
    return watch, counted.total()


def decode(_folder: Path, _database: str, api_url: str) -> tuple[Stopwatch, int]:
    """Read the same pages through the SDK as it is documented, models and all, and keep nothing."""
    configuration = Configuration()
    configuration.oauth2_token = OAuth2Token()
    token = {"access_token": NOTHING, "scope": None, "expires_in": None, "token_type": "Bearer"}
    api = AccountingApi(ApiClient(configuration, oauth2_token_getter=lambda: token), base_url=api_url + API_PATH)
    watch, count = Stopwatch(), 0
    lists = ((api.get_contacts, "contacts"), (api.get_invoices, "invoices"), (api.get_payments, "payments"))
    for operation, items in lists:
        for number in range(1, MAX_PAGES + 1):
            with watch.running():
                read = getattr(operation("tenant", page=number, page_size=PAGE_SIZE), items)
            count += len(read)
            if len(read) < PAGE_SIZE:
                break
    return watch, count


Part = Callable[[Path, str, str], tuple[Stopwatch, int]]
PARTS: dict[str, Part] = {"plain": plain, "store": store, "whole": whole, "decode": decode}


def main() -> None:
    """Run one part and print its seconds, rows and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["prepare", *PARTS])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--api-url", default="")
    given = parser.parse_args()
    if given.part == "prepare":
        prepare(given.folder, given.database)
        return
    watch, objects = PARTS[given.part](given.folder, given.database, given.api_url)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"objects": objects, "seconds": watch.seconds, "cpu_seconds": watch.cpu_seconds, "peak_mib": peak}
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
