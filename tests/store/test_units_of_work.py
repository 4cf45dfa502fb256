"""A unit of work is whole or nothing, and concurrent ones wait for each other instead of failing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from runtime.store import tables as t
from runtime.store.connections import lock_organisation
from runtime.store.engine import Store, StoreAddressError
from tests.store.build import organisations, put

WORKERS = 4
ROUNDS = 15


class _CrashError(Exception):
    pass


def _events(store: Store) -> int:
    with store.read() as db:
        return db.execute(select(func.count()).select_from(t.event)).scalar_one()


def test_a_unit_of_work_that_fails_changes_nothing(store: Store) -> None:
    organisations(store, "org")
    with pytest.raises(_CrashError), store.write() as db:
        put(db, t.event, organisation_id="org")
        db.execute(update(t.organisation).values(name="changed"))
        raise _CrashError
    assert _events(store) == 0
    with store.read() as db:
        assert db.scalar(select(t.organisation.c.name)) == "org"


def test_what_one_unit_of_work_has_not_committed_no_other_sees(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        put(db, t.event, organisation_id="org")
        assert _events(store) == 0
    assert _events(store) == 1


def test_two_writers_that_read_first_both_succeed(store: Store) -> None:
    """A deferred SQLite transaction that reads and then writes fails at once when another wrote between."""
    organisations(store, "org")
    both_run = threading.Barrier(2, timeout=10)

    def read_then_write(subject: str) -> None:
        both_run.wait()
        for _ in range(ROUNDS):
            with store.write() as db:
                db.execute(select(func.count()).select_from(t.event)).scalar_one()
                put(db, t.event, organisation_id="org", subject=subject)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(read_then_write, name) for name in ("a", "b")]:
            done.result()
    assert _events(store) == 2 * ROUNDS


def test_who_holds_the_organisation_decides_alone(store: Store) -> None:
    """Counting up by reading and writing loses counts unless the units of work follow one another."""
    organisations(store, "org")
    with store.write() as db:
        put(db, t.receipt, id="r", organisation_id="org", amount_minor=0)

    def count_up(_worker: int) -> None:
        for _ in range(ROUNDS):
            with store.write() as db:
                lock_organisation(db, "org")
                minor = db.execute(select(t.receipt.c.amount_minor)).scalar_one()
                db.execute(update(t.receipt).values(amount_minor=minor + 1))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(count_up, range(WORKERS)))
    with store.read() as db:
        assert db.scalar(select(t.receipt.c.amount_minor)) == WORKERS * ROUNDS


@pytest.mark.parametrize("address", ["", "not an address", "mysql://localhost/x", "postgres"])
def test_an_unusable_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(StoreAddressError, match="TRUEDUE_DATABASE_URL"):
        Store(address)
