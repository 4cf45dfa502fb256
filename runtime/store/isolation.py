"""Whose rows a unit of work reaches: one organisation's, or everybody's.

Every query names its organisation. On PostgreSQL the database itself holds to it as well: row-level security, forced on
the tables' owner too, lets a unit of work that is for one organisation neither see nor write another's rows, whatever
its queries forget. SQLite has nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, text

EVERYBODY = "*"  # what workers, intake and commands are for: no organisation has this id
SETTING = "truedue.organisation"
POLICY = "own_organisation"
_UNPROTECTED = text(
    """
    SELECT c.table_name, c.column_name FROM information_schema.columns AS c
    JOIN pg_class AS t ON t.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
    WHERE c.table_schema = current_schema() AND t.relkind = 'r' AND NOT (t.relrowsecurity AND t.relforcerowsecurity)
      AND (c.column_name = 'organisation_id' OR c.table_name = 'organisation' AND c.column_name = 'id')
    """
)
_ABOVE_IT = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
_WITHIN: ContextVar[str] = ContextVar("organisation", default=EVERYBODY)


@contextmanager
def within(organisation_id: str) -> Iterator[None]:
    """Let the units of work that begin here, on this thread, reach this organisation's rows only."""
    token = _WITHIN.set(organisation_id)
    try:
        yield
    finally:
        _WITHIN.reset(token)


@contextmanager
def among_everybody() -> Iterator[None]:
    """Let units of work reach every organisation's rows: for what several share, such as a consent at a vendor."""
    with within(EVERYBODY):
        yield


def reached() -> str:
    """Return the organisation whose rows the next unit of work reaches, or EVERYBODY."""
    return _WITHIN.get()


def holds_for_us(db: Connection) -> bool:
    """Whether PostgreSQL holds the user that we are there to it: superusers are held to nothing."""
    return not db.scalar(_ABOVE_IT)


def protect(db: Connection) -> None:
    """Have PostgreSQL hold every table of organisations to it that is not held yet: a new table cannot be forgotten."""
    for table, column in db.execute(_UNPROTECTED).all():
        # As a subquery the setting is asked for once a statement, and not for each row.
        ours = f"(SELECT current_setting('{SETTING}', true))"
        own = f"({column} = {ours} OR {ours} = '{EVERYBODY}')"
        for statement in (
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY {POLICY} ON "{table}" USING {own} WITH CHECK {own}',
        ):
            db.execute(text(statement))
