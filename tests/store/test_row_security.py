"""PostgreSQL itself keeps organisations apart: a query that forgets to say whose rows it means reaches no other's."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Table, delete, func, select, text, update
from sqlalchemy.exc import ProgrammingError

from reminders.evidence import Channel
from runtime.operations.reaching.shared_limit import share_contact
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.isolation import SETTING, among_everybody, holds_for_us, protect, within
from runtime.store.migrate import upgrade
from tests import postgres
from tests.store.build import NOW, OWNED, fill_every_table, put

# Rows of these name an account at a vendor, a person or nobody; who may act on them is decided where they are read.
# `shared_contact` is for several organisations on purpose and names none: it holds digests under a key of theirs.
NOBODYS = {"call_book", "consent", "identity", "inbox", "mail", "mailbox", "person", "session", "watermark"} | {
    "shared_contact"
}


@pytest.fixture(scope="module")
def plain_url(postgres_server: postgres.Server) -> Iterator[str]:
    with postgres_server.plain_database() as name:
        yield postgres_server.plain_url(name)


@pytest.fixture(scope="module")
def store(plain_url: str) -> Iterator[Store]:
    """A database with a row of each of two organisations in every table that has an organisation."""
    store = Store(plain_url)
    upgrade(store)
    with store.write() as db:
        for each in ("a", "b"):
            put(db, t.organisation, id=each, name=each, time_zone="UTC", country="GB", base_currency="GBP")
            fill_every_table(db, each)
    yield store
    store.close()


def test_every_table_has_an_organisation_or_is_known_to_have_none() -> None:
    without = {table.name for table in t.metadata.sorted_tables if table not in OWNED} - {"organisation"}
    assert without == NOBODYS, "a new table: give it organisation_id(), or say here why it has none"


def test_every_table_of_organisations_is_held_by_the_database(store: Store) -> None:
    held = text(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = "
        "current_schema()::regnamespace AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
    )
    with store.read() as db:
        assert set(db.scalars(held)) == {table.name for table in OWNED} | {"organisation"}


def test_a_forgotten_where_reaches_ones_own_rows_only(store: Store) -> None:
    for table in OWNED:
        _reaches_ones_own_only(store, table)


def _reaches_ones_own_only(store: Store, table: Table) -> None:
    with within("a"), store.read() as db:
        assert db.scalars(select(table.c.organisation_id)).all() == ["a"]
    with within("b"), store.read() as db:
        assert db.scalars(select(table.c.organisation_id)).all() == ["b"]
    with within("nobody"), store.read() as db:
        assert db.scalars(select(table.c.organisation_id)).all() == []
    with store.read() as db:
        assert sorted(db.scalars(select(table.c.organisation_id))) == ["a", "b"], "workers serve everybody"


def test_nothing_of_anothers_is_changed_or_made(store: Store) -> None:
    for table in OWNED:
        _changes_ones_own_only(store, table)


def _changes_ones_own_only(store: Store, table: Table) -> None:
    with pytest.raises(_TakenBackError), within("a"), store.write() as db:
        assert db.execute(update(table).values(organisation_id="a")).rowcount == 1
        assert db.execute(update(table).where(table.c.organisation_id == "b").values(organisation_id="b")).rowcount == 0
        raise _TakenBackError
    with pytest.raises(ProgrammingError, match="row-level security"), within("a"), store.write() as db:
        db.execute(update(table).values(organisation_id="b"))


class _TakenBackError(Exception):
    """Ends a unit of work without a trace."""


def test_deleting_without_a_where_leaves_the_others(store: Store) -> None:
    with pytest.raises(_TakenBackError), store.write() as db:
        with among_everybody():
            before = db.scalar(select(func.count()).select_from(t.event))
        db.execute(text(f"SET LOCAL {SETTING} = 'a'"))
        db.execute(delete(t.event))
        db.execute(text(f"SET LOCAL {SETTING} = '*'"))
        assert (before, db.scalars(select(t.event.c.organisation_id)).all()) == (2, ["b"])
        raise _TakenBackError


@pytest.mark.usefixtures("store")
def test_who_says_not_for_whom_they_are_sees_nothing(plain_url: str) -> None:
    with psycopg.connect(plain_url) as db:
        for table in (*OWNED, t.organisation):
            everything = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))
            assert db.execute(everything).fetchone() == (0,), table.name


def test_a_unit_of_work_leaves_nothing_to_the_next_on_its_connection(store: Store) -> None:
    with within("a"), store.read() as db:
        pid = db.scalar(select(func.pg_backend_pid()))
    with store.read() as db:
        assert db.scalar(select(func.pg_backend_pid())) == pid, "the pool gave the same connection"
        assert sorted(db.scalars(select(t.organisation.c.id))) == ["a", "b"]


def test_a_superuser_is_known_to_be_above_it(store: Store, postgres_server: postgres.Server) -> None:
    above = Store(postgres_server.url("postgres"))
    with store.read() as db, above.read() as other:
        assert (holds_for_us(db), holds_for_us(other)) == (True, False)
    above.close()


def test_a_new_table_is_held_with_the_next_start(store: Store) -> None:
    with pytest.raises(_TakenBackError), store.write() as db:
        db.execute(text("CREATE TABLE later (id text, organisation_id text)"))
        db.execute(text("INSERT INTO later VALUES ('1', 'a'), ('2', 'b')"))
        protect(db)
        db.execute(text(f"SET LOCAL {SETTING} = 'b'"))
        assert db.scalars(text("SELECT id FROM later")).all() == ["2"]
        raise _TakenBackError


def test_a_shared_limit_shows_digests_and_keeps_the_key_from_others(store: Store) -> None:
    """Each organisation reads every row of it; whose they are, and of whom, is for those that have the key alone."""
    key, at = "0" * 64, NOW
    with store.write() as db:
        db.execute(update(t.organisation).where(t.organisation.c.id == "a").values(limit_key=key))
        share_contact(db, "a", "rem-1", channel=Channel.EMAIL, address="Acme@Example.com", at=at)
    with within("b"), store.read() as db:
        kept = db.execute(select(t.shared_contact)).all()
        seen = db.scalars(select(t.organisation.c.limit_key).where(t.organisation.c.limit_key.is_not(None))).all()
    (row,) = [each for each in kept if len(each.id) == 64]
    assert set(t.shared_contact.columns.keys()) == {"id", "address", "at"}
    assert not any(word in f"{row.id} {row.address}" for word in ("acme", "example", "rem-1"))
    assert seen == []
