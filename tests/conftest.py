"""Stores for tests: each test that asks for one runs on SQLite and on PostgreSQL, on an empty database of its own."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime.long_lived import keep_long_lived
from runtime.store.engine import Store
from runtime.store.migrate import upgrade
from tests import postgres
from tests.databases import migrate, share_compiled_statements
from tests.shared import unavailable

BACKENDS = ("sqlite", "postgresql")
_MEMORY = Path("/dev/shm")  # noqa: S108 - not a name of a file that others could guess
_ROOM_BYTES = 4 << 30
_GARBAGE_BEFORE_A_LOOK = 50_000  # objects; Python's own 700 are for small programs


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server, for as long as the session lasts."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.server())
        except postgres.NoPostgresError as error:
            unavailable(str(error))
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: postgres.Server) -> Iterator[str]:
    """A migrated database to copy: copying is several times faster than migrating again."""
    with postgres_server.database() as name:
        store = Store(postgres_server.url(name))
        upgrade(store)
        store.close()
        yield name


@pytest.fixture(params=BACKENDS)
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without any table."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/store.sqlite3"
        else:
            server: postgres.Server = request.getfixturevalue("postgres_server")
            url = server.url(stack.enter_context(server.database()))
        store = Store(url)
        stack.callback(store.close)
        yield store


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A migrated database without any row."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            store = Store(f"sqlite:///{tmp_path}/store.sqlite3")
            migrate(store)
        else:
            server: postgres.Server = request.getfixturevalue("postgres_server")
            template: str = request.getfixturevalue("migrated_template")
            store = Store(server.url(stack.enter_context(server.database(template=template))))
        stack.callback(store.close)
        yield store


def pytest_configure() -> None:
    """Prepare each process that runs tests."""
    share_compiled_statements()
    _write_to_memory()


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays for the whole run: it took a sixth of the time of tests."""
    keep_long_lived()
    gc.set_threshold(_GARBAGE_BEFORE_A_LOOK)


def _write_to_memory() -> None:
    """Keep what tests write in memory where there is room: a disk is waited for at each commit, thousands a minute.

    No test can tell: a process that is killed loses nothing that it wrote, on a disk or not.
    """
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return
    is_executable = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC  # PostgreSQL's programs may be copied there
    if is_executable and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # what was worked out before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest in one piece: the demo mostly waits for vendors' limits while others test on.

    What only reads the demo's database comes last, so that no worker waits for it.
    """
    first, last = ("tests/demo/test_summary", "tests/simulation"), ("tests/demo/test_reading",)
    items.sort(key=lambda item: 0 if item.nodeid.startswith(first) else 2 if item.nodeid.startswith(last) else 1)
