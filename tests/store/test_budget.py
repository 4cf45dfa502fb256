"""Calls are counted in the database: whoever shares it shares the budget."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from connectors.limits import FORGOTTEN_AFTER_SECONDS, CallsInMemory, Limit
from runtime.store import tables as t
from runtime.store.budget import StoredCalls
from runtime.store.engine import Store

LIMITS = (Limit(4, 10.0, reserve=1), Limit(9, 60.0), Limit(2, 30.0, of="batch"))


class Time:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def calls(store: Store, time: Time, account: str = "a", concurrent: int | None = None) -> StoredCalls:
    return StoredCalls(store, time.now, system="xero", account=account, limits=LIMITS, concurrent=concurrent)


def taken(begun: str | float) -> bool:
    return isinstance(begun, str)


def test_the_database_counts_as_memory_does(store: Store) -> None:
    time, rng = Time(), Random(7)  # noqa: S311 - a repeatable run, no secret
    workers = [calls(store, time), calls(store, time)]
    memory = CallsInMemory(LIMITS, time.seconds)
    answers: list[bool] = []
    for _ in range(300):
        time.pass_(rng.choice((0.0, 0.3, 1.0, 4.0)))
        urgent, of = rng.random() < 0.3, rng.choice(("", "batch"))
        if rng.random() < 0.05:
            for log in (memory, workers[0]):
                log.hold_off(3.0)
        if rng.random() < 0.05:
            for log in (memory, workers[1]):
                log.heed({60.0: 1})
        ours, theirs = rng.choice(workers).begin(urgent=urgent, of=of), memory.begin(urgent=urgent, of=of)
        assert taken(ours) == taken(theirs)
        if not taken(ours):
            assert ours == pytest.approx(theirs)
        answers.append(taken(ours))
    assert answers.count(True) > 20 and answers.count(False) > 20


def test_threads_together_take_no_more_than_one_window(store: Store) -> None:
    time = Time()
    got: list[str | float] = []

    def worker() -> None:
        mine = calls(store, time)
        got.extend(mine.begin(urgent=True, of="") for _ in range(3))

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 18 and sum(map(taken, got)) == 4
    assert taken(calls(store, time, account="b").begin(urgent=True, of=""))  # another account has its own


def test_what_is_kept_of_an_account_does_not_grow(store: Store) -> None:
    time = Time()
    log = calls(store, time, concurrent=100)
    lengths = []
    for _ in range(200):
        time.pass_(20.0)
        assert taken(log.begin(urgent=False, of="batch"))
        with store.read() as db:
            lengths.append(len(db.scalars(select(t.call_book.c.book)).one()))
    assert max(lengths[100:]) <= max(lengths[:100])


def test_calls_on_their_way_are_bounded_until_they_end_or_are_forgotten(store: Store) -> None:
    time = Time()
    one, other = (calls(store, time, concurrent=2) for _ in range(2))
    first, second = one.begin(urgent=False, of=""), other.begin(urgent=False, of="")
    assert taken(first) and taken(second) and not taken(one.begin(urgent=True, of=""))
    other.end(str(first))
    third = one.begin(urgent=True, of="")
    assert taken(third) and not taken(other.begin(urgent=True, of=""))
    time.pass_(FORGOTTEN_AFTER_SECONDS + 1)  # their processes died
    assert taken(other.begin(urgent=True, of=""))


def test_a_vendors_own_word_binds_everybody_until_it_is_old(store: Store) -> None:
    time = Time()
    one, other = calls(store, time), calls(store, time)
    one.heed({60.0: 1})
    assert taken(other.begin(urgent=False, of=""))
    wait = one.begin(urgent=True, of="")
    assert not isinstance(wait, str) and 59 < wait <= 60
    time.pass_(wait)
    assert taken(one.begin(urgent=True, of=""))


def test_what_a_vendor_told_counts_although_the_database_was_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("COMMIT", None, Exception("disk is full"))

    time = Time()
    mine = calls(store, time, concurrent=1)
    token = mine.begin(urgent=True, of="")
    assert isinstance(token, str)
    with monkeypatch.context() as patched:
        patched.setattr(store, "write", away)
        mine.end(token)
        mine.heed({60.0: 5})
        mine.hold_off(3.0)
        with pytest.raises(OperationalError):
            mine.begin(urgent=True, of="")  # what cannot be counted is not called
    assert mine.begin(urgent=True, of="") == pytest.approx(3.0)
    assert calls(store, time).begin(urgent=True, of="") == pytest.approx(3.0), "the others know it from then on"
    time.pass_(FORGOTTEN_AFTER_SECONDS + 1)
    assert taken(mine.begin(urgent=True, of=""))
