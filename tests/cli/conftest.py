"""Services that the commands of a grown-up installation need."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.postgres import NoPostgresError, Server, started
from tests.shared import unavailable

ROLE = "truedue_cli"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL of our own, whose role `truedue_cli` needs a password."""
    try:
        with started() as server:
            yield server
    except NoPostgresError as error:
        unavailable(str(error))


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The address of an empty database."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture(scope="session")
def guarded(postgres: Server) -> tuple[str, str]:
    """A role that has to give its password, and that password."""
    password = secrets.token_urlsafe(12)
    with postgres.connect() as db:
        db.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password)),
        )
        row = db.execute("SHOW hba_file").fetchone()
        assert row is not None
        rules = Path(row[0])
        rules.write_text(f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        db.execute("SELECT pg_reload_conf()")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://{ROLE}:wrong@127.0.0.1:{postgres.port}/postgres")
    return ROLE, password
