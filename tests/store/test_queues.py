"""Inbox and outbox: stored once, worked by one worker at a time, never lost when one is killed."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from runtime.store import queues
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.intake import store_notices
from tests.store.build import NOW, intent, notice, organisations

WORKERS = 4
ROWS = 230


def _claim(store: Store, after: timedelta = timedelta(0)) -> list[dict[str, Any]]:
    with store.write() as db:
        return queues.claim(db, t.inbox, NOW + after)


def _store(store: Store, *rows: dict[str, Any]) -> int:
    with store.write() as db:
        return store_notices(db, rows)


def _enqueue(store: Store, key: str, organisation_id: str = "org", system: str = "xero") -> bool:
    with store.write() as db:
        promise = intent(key)
        return queues.enqueue(db, organisation_id=organisation_id, system=system, intent=promise, subject="s", at=NOW)


def test_two_workers_never_get_the_same_row(store: Store) -> None:
    _store(store, *(notice(f"e{number}") for number in range(ROWS)))
    together = threading.Barrier(WORKERS, timeout=10)

    def work(_worker: int) -> list[int]:
        together.wait()
        mine: list[int] = []
        for _ in range(ROWS // queues.CLAIM_ROWS + 1):
            mine += [row["id"] for row in _claim(store)]
        return mine

    with ThreadPoolExecutor(WORKERS) as pool:
        taken = Counter(row for rows in pool.map(work, range(WORKERS)) for row in rows)
    assert len(taken) == ROWS
    assert set(taken.values()) == {1}


def test_workers_that_claim_inside_one_moment_get_different_rows(store: Store) -> None:
    """Both units of work are open at once: PostgreSQL skips what the other holds, SQLite lets them follow."""
    _store(store, *(notice(f"e{number}") for number in range(queues.CLAIM_ROWS + 5)))
    if store.is_sqlite:
        first, second = _claim(store), _claim(store)
    else:
        with store.write() as db, store.write() as other:
            first, second = queues.claim(db, t.inbox, NOW), queues.claim(other, t.inbox, NOW)
    assert (len(first), len(second)) == (queues.CLAIM_ROWS, 5)
    assert not {row["id"] for row in first} & {row["id"] for row in second}


def test_a_killed_workers_rows_come_back_when_the_lease_ends(store: Store) -> None:
    _store(store, notice("e"))
    (row,) = _claim(store)
    assert row["attempts"] == 0
    assert _claim(store, queues.LEASE - timedelta(seconds=1)) == []
    (again,) = _claim(store, queues.LEASE)
    assert (again["id"], again["attempts"]) == (row["id"], 1)


def test_a_claim_that_is_rolled_back_is_no_claim(store: Store) -> None:
    _store(store, notice("e"))
    with pytest.raises(RuntimeError), store.write() as db:
        assert queues.claim(db, t.inbox, NOW)
        raise RuntimeError
    assert len(_claim(store)) == 1


def test_only_new_rows_that_are_due_are_claimed_and_the_oldest_first(store: Store) -> None:
    later = notice("later", account="b", next_at=NOW + timedelta(seconds=1))
    _store(store, notice("first"), notice("aside", state="aside"), notice("done", state="done"), later, notice("last"))
    assert [row["event_id"] for row in _claim(store)] == ["first", "last"]


def test_a_settled_row_is_never_claimed_again(store: Store) -> None:
    _store(store, notice("e"))
    (row,) = _claim(store)
    with store.write() as db:
        queues.settle(db, t.inbox, row["id"], state=queues.DONE, done_at=NOW)
    assert _claim(store, 10 * queues.LEASE) == []


def test_an_intent_is_promised_once_for_its_key(store: Store) -> None:
    organisations(store, "org", "other")
    assert _enqueue(store, "k") is True
    assert _enqueue(store, "k") is False
    assert _enqueue(store, "another") is True
    assert _enqueue(store, "k", system="quickbooks") is True
    assert _enqueue(store, "k", organisation_id="other") is True
    with store.read() as db:
        assert len(db.execute(select(t.outbox.c.id)).all()) == 4


def test_promising_again_what_was_settled_does_not_write_it_again(store: Store) -> None:
    organisations(store, "org")
    _enqueue(store, "k")
    with store.write() as db:
        db.execute(update(t.outbox).values(state=queues.DONE))
    assert _enqueue(store, "k") is False
    with store.write() as db:
        assert queues.claim(db, t.outbox, NOW) == []


def test_many_at_once_promise_an_intent_once(store: Store) -> None:
    organisations(store, "org")
    with ThreadPoolExecutor(WORKERS) as pool:
        promised = list(pool.map(lambda _: _enqueue(store, "k"), range(3 * WORKERS)))
    assert promised.count(True) == 1


def test_an_intent_comes_back_as_it_went_in(store: Store) -> None:
    organisations(store, "org")
    _enqueue(store, "k")
    with store.write() as db:
        (row,) = queues.claim(db, t.outbox, NOW)
    assert queues.read_intent(row) == intent("k")
    assert (row["in_doubt"], row["state"]) == (False, queues.NEW)


def test_a_webhook_that_comes_twice_is_one_row(store: Store) -> None:
    assert _store(store, notice("e"), notice("f")) == 2
    assert _store(store, notice("e")) == 0
    assert _store(store, notice("e", account="another"), notice("e", system="stripe")) == 2


def test_notices_join_those_of_their_account_that_wait(store: Store) -> None:
    soon, later = NOW + timedelta(seconds=1), NOW + timedelta(seconds=1.7)
    _store(store, notice("first", next_at=soon))
    _store(store, notice("second", next_at=later), notice("third", next_at=later))
    _store(store, notice("elsewhere", account="another", next_at=later))
    claimed = _claim(store, timedelta(seconds=1))
    assert [row["event_id"] for row in claimed] == ["first", "second", "third"]


def test_notices_do_not_join_what_was_tried_already(store: Store) -> None:
    """A failed reading waits its pause; a new notice must neither wait with it nor come before its own time."""
    _store(store, notice("failed"))
    _claim(store)
    _store(store, notice("new", next_at=NOW + timedelta(seconds=1)))
    assert _claim(store) == []
    assert [row["event_id"] for row in _claim(store, timedelta(seconds=1))] == ["new"]


def test_a_row_is_tried_later_and_later_and_then_set_aside() -> None:
    pauses = []
    for attempts in range(queues.MAX_ATTEMPTS - 1):
        values = queues.next_try({"attempts": attempts}, NOW, after_seconds=0)
        assert values["state"] == queues.NEW
        pauses.append(values["next_at"] - NOW)
    assert pauses == sorted(set(pauses))
    assert queues.next_try({"attempts": 0}, NOW, after_seconds=40)["next_at"] == NOW + timedelta(seconds=40)
    assert queues.next_try({"attempts": queues.MAX_ATTEMPTS - 1}, NOW, 0) == {"state": queues.ASIDE, "done_at": NOW}
