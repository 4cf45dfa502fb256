"""Group commit: nothing is answered before it is stored, and one webhook's trouble is no other's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import OperationalError

from runtime.app import App, build
from runtime.operations import intake
from runtime.operations.intake import Intake, NotStoredError
from runtime.operations.take_webhook import Webhook
from runtime.settings import Settings
from runtime.store import tables as t
from runtime.store.engine import Store
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


@contextmanager
def _at_commit(app: App, act: Callable[[], None]) -> Iterator[None]:
    """Act just before each unit of work is committed, in the thread that commits."""

    def before(db: Connection) -> None:
        if db.get_execution_options().get("truedue_write"):
            act()

    event.listen(app.store.engine, "commit", before)
    try:
        yield
    finally:
        event.remove(app.store.engine, "commit", before)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


def test_what_gathers_during_one_commit_is_the_next_and_nobody_is_answered_before(app: App) -> None:
    may_commit = threading.Event()
    commits: list[int] = []

    def wait() -> None:
        commits.append(1)
        assert may_commit.wait(WAIT_SECONDS)

    async def story() -> None:
        keeper = Intake(app)
        tasks = [asyncio.create_task(keeper.keep(_webhook("first")))]
        await _until(lambda: len(commits) == 1)
        tasks += [asyncio.create_task(keeper.keep(_webhook(f"later {number:02}"))) for number in range(40)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
        assert _stored(app) == []
        may_commit.set()
        await asyncio.gather(*tasks)

    with _at_commit(app, wait):
        asyncio.run(story())
    assert len(commits) == 2
    assert len(_stored(app)) == 41


def test_what_the_database_refuses_costs_its_neighbours_nothing(app: App) -> None:
    async def story() -> list[object]:
        keeper = Intake(app)
        poison = _webhook("poison", state=None)
        kept = [keeper.keep(_webhook("a")), keeper.keep(poison), keeper.keep(_webhook("b", "c"))]
        return list(await asyncio.gather(*kept, return_exceptions=True))

    first, second, third = asyncio.run(story())
    assert (first, third) == (None, None)
    assert isinstance(second, NotStoredError)
    assert _stored(app) == ["a", "b", "c"]


def test_a_database_that_is_away_is_asked_once_for_a_group_and_again_for_the_next(app: App) -> None:
    asked: list[int] = []

    def away() -> None:
        asked.append(1)
        if len(asked) == 1:
            raise OperationalError("COMMIT", None, Exception("gone"))

    async def story() -> None:
        keeper = Intake(app)
        kept = await asyncio.gather(*(keeper.keep(_webhook(each)) for each in "ab"), return_exceptions=True)
        assert [type(each) for each in kept] == [NotStoredError] * 2
        await keeper.keep(_webhook("a"))

    with _at_commit(app, away):
        asyncio.run(story())
    assert len(asked) == 2
    assert _stored(app) == ["a"]


@pytest.mark.parametrize("of", ["number", "bytes"])
def test_when_there_is_no_more_room_the_vendor_is_asked_to_come_again(
    app: App, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    monkeypatch.setattr(intake, "MAX_WAITING", 3 if of == "number" else 100)
    monkeypatch.setattr(intake, "MAX_WAITING_BYTES", 30 if of == "bytes" else 1_000)

    async def story() -> None:
        keeper = Intake(app)
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
        keeper = Intake(app)
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
        keeper = Intake(app)
        async with asyncio.timeout(WAIT_SECONDS / 2):
            for each in "abc":
                await keeper.keep(_webhook(each))
        heard.set()

    asyncio.run(story())
    assert _stored(app) == ["a", "b", "c"]


def test_a_sender_that_leaves_stops_nobody(app: App) -> None:
    async def story() -> None:
        keeper = Intake(app)
        gone, stays = (asyncio.create_task(keeper.keep(_webhook(each))) for each in "ab")
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(story())
    assert _stored(app) == ["a", "b"]
