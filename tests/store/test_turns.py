"""What one worker does now, another leaves alone; a worker that dies gives its turns back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from runtime.store.engine import Store
from runtime.store.turns import Turns

_END_HOLDERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def another(store: Store) -> Iterator[Store]:
    """The same database, opened as another process would."""
    opened = Store(store.engine.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


def test_one_turn_is_one_workers(store: Store) -> None:
    turns = Turns(store)
    with turns.take("a") as first:
        with turns.take("a") as second, turns.take("b") as other:
            assert (first, second, other) == (True, False, True)
        with turns.take("a") as third:
            assert not third  # who did not have it does not end it
    with turns.take("a") as again:
        assert again


def test_a_turn_is_shared_by_all_processes_of_a_database(store: Store, another: Store) -> None:
    with Turns(store).take("a") as ours, Turns(another).take("a") as theirs:
        assert (ours, theirs) == (True, store.is_sqlite)  # an SQLite file has one working process
    with Turns(another).take("a") as later:
        assert later


def test_a_worker_that_dies_gives_its_turn_back(store: Store, another: Store) -> None:
    if store.is_sqlite:
        pytest.skip("an SQLite file has one working process")
    with pytest.raises(Exception, match="terminat"), Turns(store).take("a"):
        with another.write() as db:
            db.execute(_END_HOLDERS)
        with Turns(another).take("a") as theirs:
            assert theirs
