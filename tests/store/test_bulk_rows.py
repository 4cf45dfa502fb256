"""Writing a set of rows at once gives the same rows as writing them one by one, on both databases."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select, text

from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.rows import SET_ROWS, among, upsert
from tests.store.build import organisations

NOW = datetime(2026, 11, 17, 10, 0, 0, 123456, tzinfo=UTC)
TEXTS = (
    "",
    "plain",
    'quote " and \\ backslash',
    "Öz & Söhne — 中文 🙂",
    "line\nbreak\ttab",
    "'; --",
    "{}",
    "null",
    "%s %(a)s :b",
)
CASES = random.Random(20261117)  # noqa: S311 - examples, no secrets


def _document(name: str) -> dict[str, Any]:
    at = NOW.astimezone(timezone(timedelta(hours=CASES.randint(-11, 12)))) + timedelta(seconds=CASES.randint(0, 9))
    return {
        "id": name,
        "organisation_id": "org",
        "customer_id": "cus",
        "kind": "invoice",
        "number": CASES.choice(TEXTS),
        "references": CASES.sample(TEXTS, CASES.randint(0, 3)),
        "currency": "GBP",
        "total_minor": CASES.choice((0, -1, 2**63 - 1)),
        "balance_minor": CASES.randint(-5, 5),
        "issued_on": date(2026, 1, 1) + timedelta(days=CASES.randint(0, 400)),
        "due_on": date(9999, 12, 31),
        "status": "open",
        "sent": CASES.random() < 0.5,
        "note": CASES.choice((None, *TEXTS)),
        "read_at": at,
        "changed_at": at,
    }


def _kept(store: Store, prefix: str) -> dict[str, dict[str, Any]]:
    with store.read() as db:
        rows = db.execute(select(t.document).where(t.document.c.id.startswith(prefix)))
        return {row.id.removeprefix(prefix): dict(row._mapping) | {"id": ""} for row in rows}


@pytest.mark.parametrize("keep", [(), ("note", "changed_at")])
def test_a_set_gives_the_rows_that_one_by_one_gives(store: Store, keep: tuple[str, ...]) -> None:
    organisations(store, "org")
    for _ in range(3):
        names = CASES.choices([str(number) for number in range(2 * SET_ROWS)], k=3 * SET_ROWS)  # some twice
        last = {name: _document(name) for name in names}
        rows = [_document(name) for name in names] + list(last.values())
        with store.write() as db:
            upsert(db, t.document, [row | {"id": f"set-{row['id']}"} for row in rows], keys=["id"], keep=keep)
            for row in last.values():
                upsert(db, t.document, [row | {"id": f"one-{row['id']}"}], keys=["id"], keep=keep)
        together, one_by_one = _kept(store, "set-"), _kept(store, "one-")
        assert together.keys() == one_by_one.keys()
        assert together == one_by_one
        assert all(
            together[name][column] == value
            for name, row in last.items()
            for column, value in row.items()
            if column != "id" and column not in keep
        )


def test_rows_that_are_the_same_are_not_written_again(store: Store) -> None:
    organisations(store, "org")
    rows = [_document(f"doc-{number}") for number in range(2 * SET_ROWS)]
    with store.write() as db:
        upsert(db, t.document, rows, keys=["id"])
    rows[0] = rows[0] | {"balance_minor": 77}
    rows[1] = rows[1] | {"references": ["another"]}
    with store.write() as db:
        before = _writes(store, db)
        upsert(db, t.document, rows, keys=["id"])
        assert _writes(store, db) - before == 2


def _writes(store: Store, db: Any) -> int:  # noqa: ANN401 - a connection
    """How many rows this unit of work has written."""
    if store.is_sqlite:
        return int(db.connection.driver_connection.total_changes)
    return int(db.scalar(text("SELECT n_tup_ins + n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'document'")))


def test_a_naive_instant_is_refused_in_a_set(store: Store) -> None:
    organisations(store, "org")
    rows = [_document(f"doc-{number}") | {"read_at": datetime(2026, 1, 1)} for number in range(SET_ROWS)]  # noqa: DTZ001
    with pytest.raises(Exception, match="time zone"), store.write() as db:
        upsert(db, t.document, rows, keys=["id"])


def test_among_finds_exactly_what_it_names(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        upsert(db, t.document, [_document(f"doc-{number}") for number in range(9)], keys=["id"])
        wanted = ["doc-3", "doc-7", "none", "a'b"]
        assert set(db.scalars(select(t.document.c.id).where(among(db, t.document.c.id, wanted)))) == {"doc-3", "doc-7"}
        assert list(db.scalars(select(t.document.c.id).where(among(db, t.document.c.id, [])))) == []
