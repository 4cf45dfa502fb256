"""Group commit: nothing is answered before it is stored, and one webhook's trouble is no other's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, select, text

from runtime.app import App, build
from runtime.operations.inbox import intake
from runtime.operations.inbox.intake import WORTH_A_GROUP, Intake, NotStoredError
from runtime.operations.inbox.take_webhook import Webhook
from runtime.settings import Settings
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.inbox_writers import POSTGRES_WRITERS, InboxWriter, inbox_writers
from runtime.store.rows import Row
from tests.cli.command import KEY
from tests.store.build import notice

WAIT_SECONDS = 20


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Iterator[App]:
    app = build(Settings.model_validate({"database_url": f"sqlite:///{tmp_path}/unused.sqlite3", "key": KEY}))
    app.store.close()
    app.store = store
    yield app
    app.close()


def _webhook(*event_ids: str, due_in_seconds: float = 0.0, size_bytes: int = 2, **values: object) -> Webhook:
    return Webhook([notice(each, **values) for each in event_ids], due_in_seconds, size_bytes)


def _stored(app: App) -> list[str]:
    with app.store.read() as db:
        return list(db.scalars(select(t.inbox.c.event_id).order_by(t.inbox.c.event_id)))


@asynccontextmanager
async def _intake(app: App) -> AsyncIterator[Intake]:
    keeper = Intake(app)
    yield keeper
    await keeper.close()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many notices each group had that was given to a writer."""
    sizes: list[int] = []

    class Counted:
        def __init__(self, writer: InboxWriter) -> None:
            self._writer = writer
            self.close = writer.close

        async def write(self, rows: Sequence[Row]) -> int:
            sizes.append(len(rows))
            return await self._writer.write(rows)

    monkeypatch.setattr(intake, "inbox_writers", lambda *given: [Counted(each) for each in inbox_writers(*given)])
    return sizes


@contextmanager
def _held_up(store: Store) -> Iterator[None]:
    """Nothing new can be written to the inbox."""
    with store.write() as db:  # on SQLite this is enough
        if not store.is_sqlite:
            db.execute(text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
        yield


@contextmanager
def _away(store: Store) -> Iterator[None]:
    """The database lets nobody write, and says so at once."""
    with ExitStack() as stack:
        if store.is_sqlite:
            event.listen(store.engine, "connect", lambda db, _record: db.execute("PRAGMA busy_timeout=10"))
            stack.enter_context(_held_up(store))
        else:
            name, elsewhere = (
                store.engine.url.database,
                store.engine.url.set(drivername="postgresql", database="postgres"),
            )
            admin = stack.enter_context(
                psycopg.connect(elsewhere.render_as_string(hide_password=False), autocommit=True)
            )
            allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
            admin.execute(allow.format(sql.Identifier(name or ""), sql.SQL("false")))
            stack.callback(lambda: admin.execute(allow.format(sql.Identifier(name or ""), sql.SQL("true"))))
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("gathering", [WORTH_A_GROUP - 1, 40])
def test_what_gathers_during_commits_is_the_next_and_nobody_is_answered_before(
    app: App, groups: list[int], gathering: int
) -> None:
    writers = 1 if app.store.is_sqlite else POSTGRES_WRITERS
    begun = [1] + [WORTH_A_GROUP] * (writers - 1)

    async def story() -> None:
        tasks: list[asyncio.Task[None]] = []

        async def come(number: int) -> None:
            for _ in range(number):
                tasks.append(asyncio.create_task(keeper.keep(_webhook(f"event {len(tasks):03}"))))
                await asyncio.sleep(0.001)

        async with _intake(app) as keeper:
            with _held_up(app.store):
                for number in begun:
                    await come(number)
                await come(gathering)
                await _until(lambda: len(groups) == writers)
                assert not any(task.done() for task in tasks)
                assert _stored(app) == []
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.gather(*tasks)

    asyncio.run(story())
    assert groups == [*begun, gathering]
    assert len(_stored(app)) == sum(groups)


def test_what_the_database_refuses_costs_its_neighbours_nothing(app: App) -> None:
    async def story() -> list[object]:
        async with _intake(app) as keeper:
            poison = _webhook("poison", state=None)
            kept = [keeper.keep(_webhook("a")), keeper.keep(poison), keeper.keep(_webhook("b", "c"))]
            return list(await asyncio.gather(*kept, return_exceptions=True))

    first, second, third = asyncio.run(story())
    assert (first, third) == (None, None)
    assert isinstance(second, NotStoredError)
    assert _stored(app) == ["a", "b", "c"]


def test_a_database_that_is_away_is_asked_once_for_a_group_and_again_for_the_next(app: App, groups: list[int]) -> None:
    async def story() -> None:
        async with _intake(app) as keeper:
            await keeper.keep(_webhook("before"))
            with _away(app.store):
                kept = await asyncio.gather(*(keeper.keep(_webhook(each)) for each in "ab"), return_exceptions=True)
                assert [type(each) for each in kept] == [NotStoredError] * 2
            await keeper.keep(_webhook("a"))

    asyncio.run(story())
    assert groups == [1, 2, 1]
    assert _stored(app) == ["a", "before"]


@pytest.mark.parametrize("of", ["number", "bytes"])
def test_when_there_is_no_more_room_the_vendor_is_asked_to_come_again(
    app: App, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    monkeypatch.setattr(intake, "MAX_WAITING", 3 if of == "number" else 100)
    monkeypatch.setattr(intake, "MAX_WAITING_BYTES", 30 if of == "bytes" else 1_000)

    async def story() -> None:
        async with _intake(app) as keeper:
            tasks = [asyncio.create_task(keeper.keep(_webhook(each, size_bytes=10))) for each in "abcd"]
            kept = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(each) for each in kept] == [type(None)] * 3 + [NotStoredError]
            await keeper.keep(_webhook("d", size_bytes=30))

    asyncio.run(story())
    assert _stored(app) == ["a", "b", "c", "d"]


def test_workers_are_told_once_a_group_for_each_delay_and_of_nothing_that_was_there(app: App) -> None:
    woken: list[float] = []
    app.wake = lambda after_seconds=0.0: woken.append(after_seconds)

    async def story() -> None:
        async with _intake(app) as keeper:
            await asyncio.gather(
                *(keeper.keep(_webhook(f"now {number}")) for number in range(20)),
                *(keeper.keep(_webhook(f"soon {number}", due_in_seconds=1.0)) for number in range(20)),
            )
            await _until(lambda: len(woken) == 2)
            await keeper.keep(_webhook("now 1"))
            await keeper.keep(_webhook("now 2", "soon 3"))
            await asyncio.sleep(0.05)

    asyncio.run(story())
    assert sorted(woken) == [0.0, 1.0]


def test_a_broker_that_hangs_holds_up_no_answer(app: App) -> None:
    heard = threading.Event()

    def hang(_after_seconds: float = 0.0) -> None:
        heard.wait(WAIT_SECONDS)

    app.wake = hang

    async def story() -> None:
        async with _intake(app) as keeper:
            async with asyncio.timeout(WAIT_SECONDS / 2):
                for each in "abc":
                    await keeper.keep(_webhook(each))
            heard.set()

    asyncio.run(story())
    assert _stored(app) == ["a", "b", "c"]


def test_a_sender_that_leaves_stops_nobody(app: App) -> None:
    async def story() -> None:
        async with _intake(app) as keeper:
            gone, stays = (asyncio.create_task(keeper.keep(_webhook(each))) for each in "ab")
            await asyncio.sleep(0)
            gone.cancel()
            await stays

    asyncio.run(story())
    assert _stored(app) == ["a", "b"]
