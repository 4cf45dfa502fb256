"""Mails as they came, until they are read; and up to where a mailbox was read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from runtime.store.tables.columns import Instant, RowNumber, metadata

# `body` is emptied once what a mail says is kept; `key` is the same when it comes again.
mail = Table(
    "mail",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("source", String(16), nullable=False),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("problem", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("done_at", Instant),
    Index(None, "state"),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("name", String(300), primary_key=True),
    Column("numbering", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("problem", Text, nullable=False),
)
