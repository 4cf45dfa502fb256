"""Writers of the inbox: a group is whole or nothing, and a connection that is lost or hangs is no harm."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import select, text

from runtime.store import inbox_writers as module
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.inbox_writers import DatabaseAwayError, InboxWriter, inbox_writers
from runtime.store.migrate import upgrade
from tests import postgres
from tests.store.build import notice

WAIT_SECONDS = 15
MANY = 2_000  # enough for two groups to be on their way at once

on_postgresql = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


@asynccontextmanager
async def _writers(store: Store) -> AsyncIterator[list[InboxWriter]]:
    with ThreadPoolExecutor(1) as threads:
        opened = inbox_writers(store, threads)
        yield opened
        for each in opened:
            await each.close()


def _stored(store: Store) -> list[str]:
    with store.read() as db:
        return list(db.scalars(select(t.inbox.c.event_id).order_by(t.inbox.c.event_id)))


def test_a_notice_is_new_once_and_a_group_is_whole_or_nothing(store: Store) -> None:
    async def story() -> None:
        async with _writers(store) as (writer, *_):
            assert await writer.write([notice("a"), notice("b"), notice("a")]) == 2
            assert await writer.write([notice("b"), notice("c")]) == 1
            with pytest.raises(Exception, match=r"(?i)null"):
                await writer.write([notice("d"), notice("e", state=None)])
            assert await writer.write([notice("f")]) == 1

    asyncio.run(story())
    assert _stored(store) == ["a", "b", "c", "f"]


@on_postgresql
def test_a_connection_that_the_server_ended_is_opened_anew(store: Store) -> None:
    async def story() -> None:
        async with _writers(store) as (writer, *_):
            await writer.write([notice("a")])
            with store.read() as db:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                others = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                assert db.execute(text(f"{ended} {others}")).scalars().all() == [True]
            assert await writer.write([notice("b")]) == 1

    asyncio.run(story())
    assert _stored(store) == ["a", "b"]


@on_postgresql
def test_groups_of_the_same_notices_in_any_order_never_wait_for_each_other(store: Store) -> None:
    rows = [notice(f"{number:05}") for number in range(MANY)]

    async def story() -> tuple[int, int]:
        async with _writers(store) as (one, other, *_):
            return await asyncio.gather(one.write(rows), other.write(rows[::-1]))

    assert sum(asyncio.run(story())) == MANY
    assert len(_stored(store)) == MANY


@on_postgresql
def test_a_server_that_answers_nothing_is_given_up_and_asked_again_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)

    async def story() -> None:
        async with _writers(store) as (writer, *_):
            with store.write() as db:
                db.execute(text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
                async with asyncio.timeout(WAIT_SECONDS):
                    with pytest.raises(DatabaseAwayError):
                        await writer.write([notice("a")])
            assert await writer.write([notice("b")]) == 1

    asyncio.run(story())
    assert "b" in _stored(store)


@pytest.mark.long
def test_a_connection_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)

    async def story(store: Store) -> None:
        async with _writers(store) as (writer, *_):
            await writer.write([notice("a")])
            with store.read() as db:
                sessions = (
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                session = db.execute(text(sessions)).scalar_one()
            os.kill(session, signal.SIGSTOP)
            try:
                with pytest.raises(DatabaseAwayError):
                    await writer.write([notice("b")])
                monkeypatch.undo()
                assert await writer.write([notice("c")]) == 1
            finally:
                os.kill(session, signal.SIGCONT)

    with postgres.started() as server, server.database() as name:
        store = Store(server.url(name))
        upgrade(store)
        asyncio.run(story(store))
        assert "c" in _stored(store)
        store.close()


@on_postgresql
def test_their_connections_keep_the_limits_of_the_pool(store: Store) -> None:
    with store.read() as db, psycopg.connect(**store.driver_arguments()) as own:
        for setting in ("statement_timeout", "timezone", "plan_cache_mode"):
            show = f"SHOW {setting}"
            assert own.execute(show.encode()).fetchone() == tuple(db.execute(text(show)).one())
