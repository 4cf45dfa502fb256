"""Writing many rows: insert or update, insert only what is new, update what is there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.rows import CHUNK_ROWS, Row, insert_new, update_rows, upsert
from tests.store.build import notice, organisations


def _account(number: int, name: str = "old", currency: str | None = "GBP") -> dict[str, Any]:
    row = {"id": f"acc-{number}", "organisation_id": "org", "handle": "090", "purpose": "bank"}
    return row | {"name": name, "currency": currency}


def _names(store: Store) -> dict[str, tuple[str, str | None]]:
    with store.read() as db:
        return {row.id: (row.name, row.currency) for row in db.execute(select(t.account))}


def test_upsert_inserts_then_updates_and_leaves_others_alone(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        upsert(db, t.account, [_account(1), _account(2)], keys=["id"])
        upsert(db, t.account, [_account(2, "new"), _account(3, "new")], keys=["id"])
        upsert(db, t.account, [], keys=["id"])
    assert _names(store) == {"acc-1": ("old", "GBP"), "acc-2": ("new", "GBP"), "acc-3": ("new", "GBP")}


def test_upsert_keeps_the_columns_that_it_is_told_to_keep(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        upsert(db, t.account, [_account(1)], keys=["id"])
        upsert(db, t.account, [_account(1, "new", None), _account(2, "new", None)], keys=["id"], keep=["currency"])
    assert _names(store) == {"acc-1": ("new", "GBP"), "acc-2": ("new", None)}


def test_upsert_of_nothing_but_keys_leaves_the_row(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        upsert(db, t.account, [_account(1)], keys=["id"])
        upsert(db, t.account, [_account(1, "new")], keys=["id"], keep=list(_account(1)))
    assert _names(store) == {"acc-1": ("old", "GBP")}


def test_upsert_of_more_rows_than_a_chunk(store: Store) -> None:
    organisations(store, "org")
    count = 2 * CHUNK_ROWS + 1
    with store.write() as db:
        upsert(db, t.account, [_account(number) for number in range(count)], keys=["id"])
        upsert(db, t.account, [_account(number, "new") for number in range(count)], keys=["id"])
        assert db.scalar(select(func.count()).select_from(t.account).where(t.account.c.name == "new")) == count


def test_insert_new_counts_what_was_new_and_changes_nothing_else(store: Store) -> None:
    keys = ["system", "account", "event_id"]
    with store.write() as db:
        assert insert_new(db, t.inbox, [notice("a"), notice("b")], keys=keys) == 2
        again = [notice("b", body=b"other"), notice("c"), notice("c")]
        assert insert_new(db, t.inbox, again, keys=keys) == 1
        assert insert_new(db, t.inbox, [notice("a", account="another")], keys=keys) == 1
        assert db.scalar(select(t.inbox.c.body).where(t.inbox.c.event_id == "b")) == b"{}"


def test_update_rows_changes_each_row_by_its_key(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        upsert(db, t.account, [_account(1), _account(2), _account(3)], keys=["id"])
        changes: list[Row] = [
            {"id": "acc-1", "name": "one", "currency": None},
            {"id": "acc-2", "name": "two", "currency": "EUR"},
        ]
        update_rows(db, t.account, "id", changes)
        update_rows(db, t.account, "id", [])
        update_rows(db, t.account, "id", [{"id": "absent", "name": "x", "currency": None}])
    assert _names(store) == {"acc-1": ("one", None), "acc-2": ("two", "EUR"), "acc-3": ("old", "GBP")}


def test_upsert_by_two_keys_of_a_link_updates_its_pairs(store: Store) -> None:
    organisations(store, "org")
    row = {"organisation_id": "org", "system": "xero", "kind": "document", "external_id": "x", "local_id": "d"}
    keys = ["organisation_id", "system", "kind", "external_id"]
    with store.write() as db:
        upsert(db, t.link, [row | {"version": "1", "base": {"due_on": ["a", "a"]}}], keys=keys)
        upsert(db, t.link, [row | {"version": "2", "base": {"due_on": ["b", "b"]}}], keys=keys)
        assert db.execute(select(t.link.c.version, t.link.c.base)).all() == [("2", {"due_on": ["b", "b"]})]
