"""Values at the edge of what a database takes, and organisations that want the same account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.contract import Role
from connectors.limits import Limit
from connectors.records import CodedReceiptFields, CustomerFields, Kind, Page, Record
from receivables.money import Money
from runtime.operations.systems.absorb.page import absorb
from runtime.store import tables as t
from runtime.store.budget import StoredCalls
from runtime.store.engine import Store
from tests import postgres
from tests.operations.firm import START, TODAY, Firm

LONG = "A company of many words " * 40


@pytest.fixture
def western_store(postgres_server: postgres.Server, migrated_template: str) -> Iterator[Store]:
    """A PostgreSQL whose own time zone is west of Greenwich."""
    with postgres_server.database(template=migrated_template) as name:
        with postgres_server.connect() as db:
            db.execute(f"ALTER DATABASE {name} SET timezone TO 'America/New_York'")
        store = Store(postgres_server.url(name))
        yield store
        store.close()


def test_calls_are_counted_whatever_the_databases_time_zone_is(western_store: Store) -> None:
    calls = StoredCalls(western_store, lambda: START, system="xero", account="a", limits=(Limit(60, 60.0),))
    assert [calls.begin(urgent=False, of="") for _ in range(2)] == ["", ""]


def test_a_long_name_or_number_keeps_no_page_from_being_read(shared_firm: Firm) -> None:
    firm, at = shared_firm, shared_firm.app.clock() + timedelta(seconds=1)
    customer = CustomerFields(name=LONG, number=LONG, email=None, parent_external_id=None, keys=(), country=LONG)
    booked = CodedReceiptFields(
        received_on=TODAY, amount=Money(100, "GBP"), reference=LONG, payer_name=LONG, account_external_id="200"
    )
    records = (
        Record(Kind.CUSTOMER, "c-long", "1", at, customer),
        Record(Kind.CODED_RECEIPT, "r-long", "1", at, booked),
    )
    with firm.app.store.write() as db:
        absorb(db, connection=firm.connection(Role.LEDGER), page=Page(records), read_at=at)
    firm.work()
    assert LONG in {row.name for row in firm.rows(t.customer)}
    assert [row.payer_name for row in firm.rows(t.receipt)] == [LONG]
