"""Two organisations with the very same ids at their vendors never see each other's rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from connectors.contract import Role
from connectors.records import Kind
from receivables.problem import Problem
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import BROKEN, CONNECTED
from runtime.store.engine import Store
from runtime.store.links import external_ids, links_of, local_ids, set_pairs
from runtime.store.touch import touch_customers, touch_documents
from tests.store.build import NOW, organisations, put

LATER = NOW + timedelta(hours=1)


def _connect(
    store: Store, organisation_id: str, account: str, *, status: str = CONNECTED, role: str = "ledger"
) -> None:
    with store.write() as db:
        put(db, t.consent, id=f"cns-{account}", system="xero")
        put(
            db,
            t.connection,
            id=f"con-{account}",
            organisation_id=organisation_id,
            system="xero",
            role=role,
            account=account,
            consent_id=f"cns-{account}",
            status=status,
        )


def _link(store: Store, organisation_id: str, local_id: str, external_id: str = "x") -> None:
    with store.write() as db:
        put(
            db,
            t.link,
            organisation_id=organisation_id,
            system="xero",
            kind="document",
            external_id=external_id,
            local_id=local_id,
            version="1",
        )


def test_a_connection_belongs_to_one_organisation(store: Store) -> None:
    organisations(store, "a", "b")
    _connect(store, "a", "tenant-a")
    _connect(store, "b", "tenant-b", status=BROKEN)
    with store.read() as db:
        assert [each.id for each in connections.organisations(db)] == ["a", "b"]
        assert [each.account.external_id for each in connections.connections(db, "a")] == ["tenant-a"]
        mine = connections.connection_for_role(db, "a", Role.LEDGER)
        assert mine is not None and mine.organisation_id == "a"
        assert connections.connection_for_role(db, "b", Role.LEDGER) is None, "a broken one serves nobody"
        assert connections.connection_for_role(db, "a", Role.CRM) is None
        assert connections.connection_for_account(db, "xero", "tenant") is None
        assert connections.connection_for_account(db, "quickbooks", "tenant-a") is None
        found = connections.connection_for_account(db, "xero", "tenant-b")
        assert found is not None and found.organisation_id == "b"
        assert connections.organisation(db, "c") is None


def test_the_database_refuses_one_account_for_two_organisations(store: Store) -> None:
    organisations(store, "a", "b")
    _connect(store, "a", "tenant")
    with pytest.raises(IntegrityError), store.write() as db:
        put(db, t.connection, id="other", organisation_id="b", system="xero", account="tenant", consent_id="cns-tenant")


def test_the_same_external_id_means_another_object_in_each_organisation(store: Store) -> None:
    organisations(store, "a", "b")
    _link(store, "a", "doc-a")
    _link(store, "b", "doc-b")
    with store.write() as db:
        assert local_ids(db, "a", "xero", ["x"]) == {"doc-a"}
        assert external_ids(db, "a", "xero", "document", ["doc-a", "doc-b"]) == {"doc-a": "x"}
        assert [link["local_id"] for link in links_of(db, "b", ["doc-a", "doc-b"])] == ["doc-b"]
        (link,) = links_of(db, "a", ["doc-a"])
        set_pairs(db, link, {"due_on": ("2026-01-01", "2026-01-01")}, at=NOW, wrote="2")
        assert links_of(db, "a", ["doc-a"])[0]["version"] == "2"
        assert links_of(db, "b", ["doc-b"])[0]["version"] == "1"
        assert links_of(db, "b", ["doc-b"])[0]["base"] == {}


def test_history_and_problems_are_ones_own(store: Store) -> None:
    organisations(store, "a", "b")
    problem = Problem("code", "text", "remedy", "subject")
    with store.write() as db:
        for each in ("a", "b"):
            journal.record(db, organisation_id=each, at=NOW, actor=each, action="did", subject="subject", detail="")
            journal.raise_problem(db, organisation_id=each, problem=problem, at=NOW)
        assert [line["actor"] for line in journal.history(db, "a", ["subject"])] == ["a"]
        journal.resolve_problem(db, organisation_id="a", code="code", subject="subject", at=LATER)
        rows = db.execute(select(t.problem.c.organisation_id, t.problem.c.resolved_at).order_by("organisation_id"))
        assert [tuple(row) for row in rows] == [("a", LATER), ("b", None)]


def test_a_problem_that_is_found_again_is_one_problem_and_open_again(store: Store) -> None:
    organisations(store, "a")
    with store.write() as db:
        journal.raise_problem(db, organisation_id="a", problem=Problem("code", "old", "", "s"), at=NOW)
        journal.resolve_problem(db, organisation_id="a", code="code", subject="s", at=NOW)
        journal.raise_problem(db, organisation_id="a", problem=Problem("code", "new", "", "s"), at=LATER)
        (row,) = db.execute(select(t.problem)).all()
    assert (row.text, row.found_at, row.resolved_at) == ("new", NOW, None)


def test_touching_marks_ones_own_documents_and_customers_only(store: Store) -> None:
    organisations(store, "a", "b")
    with store.write() as db:
        for each in ("a", "b"):
            put(db, t.customer, id=f"cus-{each}", organisation_id=each)
            put(db, t.document, id=f"doc-{each}", organisation_id=each, customer_id=f"cus-{each}")
        touch_documents(db, "a", ["doc-a", "doc-b"], LATER)
        touch_customers(db, "b", ["cus-a"], LATER)
        changed = {row.id: row.changed_at for row in db.execute(select(t.document.c.id, t.document.c.changed_at))}
        changed |= {row.id: row.changed_at for row in db.execute(select(t.customer.c.id, t.customer.c.changed_at))}
    assert changed == {"doc-a": LATER, "cus-a": LATER, "doc-b": NOW, "cus-b": NOW}


def test_a_watermark_belongs_to_one_connection_and_kind(store: Store) -> None:
    organisations(store, "a", "b")
    _connect(store, "a", "tenant-a")
    _connect(store, "b", "tenant-b")
    with store.write() as db:
        connections.set_watermark(db, "con-tenant-a", Kind.INVOICE, NOW)
        connections.set_watermark(db, "con-tenant-a", Kind.INVOICE, LATER)
        assert connections.watermark(db, "con-tenant-a", Kind.INVOICE) == LATER
        assert connections.watermark(db, "con-tenant-a", Kind.CUSTOMER) is None
        assert connections.watermark(db, "con-tenant-b", Kind.INVOICE) is None
