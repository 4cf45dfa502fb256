"""The migrations make exactly the tables that the code declares, on both databases, and can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

from connectors.limits import Limit
from receivables.receipt import account_key
from reminders.own_copy import CopyKind
from reminders.policy import Tone
from runtime.store import tables as t
from runtime.store.budget import StoredCalls
from runtime.store.copies import own_words
from runtime.store.engine import Store
from runtime.store.migrate import downgrade, is_current, upgrade
from tests.store.build import organisations, put

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
_LIMIT = Limit(5, 60.0)


def _tables(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again(empty_store: Store) -> None:
    assert not is_current(empty_store)
    upgrade(empty_store)
    assert is_current(empty_store)
    assert _tables(empty_store) == set(t.metadata.tables)
    downgrade(empty_store, "base")
    assert not is_current(empty_store)
    assert _tables(empty_store) == set()
    upgrade(empty_store)
    assert is_current(empty_store)
    organisations(empty_store, "org")


def test_upgrading_twice_keeps_the_rows(store: Store) -> None:
    organisations(store, "org")
    upgrade(store)
    with store.read() as db:
        assert db.scalars(select(t.organisation.c.id)).all() == ["org"]


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # SQLite cannot show those; they are looked for by name
def test_the_migrations_and_the_model_do_not_differ(store: Store) -> None:
    with store.read() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, t.metadata) == []
        names = "SELECT name FROM sqlite_master" if db.dialect.name == "sqlite" else "SELECT indexname FROM pg_indexes"
        assert {str(index.name) for each in t.metadata.sorted_tables for index in each.indexes} <= set(
            db.scalars(text(names))
        )


def test_an_upgrade_gives_no_second_budget_of_calls(empty_store: Store) -> None:
    upgrade(empty_store, "0003")
    slice_ = _LIMIT.slice_at(NOW.timestamp())
    with empty_store.write() as db:
        db.execute(text("INSERT INTO call_count VALUES ('xero', 'a', 60, '', :slice, 5)"), {"slice": slice_})
    upgrade(empty_store)
    calls = StoredCalls(empty_store, lambda: NOW, system="xero", account="a", limits=(_LIMIT,))
    assert not isinstance(calls.begin(urgent=True, of=""), str)


def test_an_upgrade_keeps_by_which_accounts_payers_are_known(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        put(db, t.receipt, id="r", organisation_id="org", payer_account="de99 1234 0000", payer_account_key="lost")
        put(db, t.receipt, id="s", organisation_id="org", external_id="2", payer_account_key="lost")
    downgrade(store, "0034")
    upgrade(store)
    with store.read() as db:
        keys = {row.id: row.payer_account_key for row in db.execute(select(t.receipt))}
    assert keys == {"r": account_key("de99 1234 0000"), "s": ""}


def test_an_upgrade_has_the_accounts_of_the_crm_read_once_more(store: Store) -> None:
    organisations(store, "org")
    read = [("ledger", "customer"), ("crm", "customer"), ("crm", "contact")]
    with store.write() as db:
        for role in ("ledger", "crm"):
            put(db, t.consent, id=role, system=role)
            put(db, t.connection, id=role, organisation_id="org", system=role, role=role, consent_id=role)
        for role, kind in read:
            put(db, t.watermark, connection_id=role, kind=kind, since=NOW)
    downgrade(store, "0047")
    upgrade(store)
    with store.read() as db:
        since = {(row.connection_id, row.kind): row.since for row in db.execute(select(t.watermark))}
    assert [each for each in read if since[each] < NOW] == [("crm", "customer")]


def test_an_upgrade_has_every_customer_shown_once_more(store: Store) -> None:
    organisations(store, "org")
    with store.write() as db:
        put(db, t.customer, id="c", organisation_id="org", shown_at=NOW)
    downgrade(store, "0048")
    upgrade(store)
    with store.read() as db:
        assert db.scalars(select(t.customer.c.shown_at)).all() == [None]


def test_an_upgrade_keeps_what_is_known_of_addresses_at_which_nothing_arrives(empty_store: Store) -> None:
    upgrade(empty_store, "0028")
    with empty_store.write() as db:
        db.execute(
            text(
                "INSERT INTO organisation (id, name, base_currency, time_zone, country, created_at) "
                "VALUES ('org', 'Acme', 'GBP', 'Europe/London', 'GB', :at)"
            ),
            {"at": NOW},
        )
        db.execute(
            text(
                "INSERT INTO bad_address (organisation_id, address, why, found_at) "
                "VALUES ('org', 'a@b.example', 'gone', :at)"
            ),
            {"at": NOW},
        )
        for customer, channel, address, bounced in (
            ("c1", "email", "", "A@b.example"),
            ("c2", "sms", "+447400123456", "+447400123456"),
            ("c3", "sms", "+447400123456", "+447400123456"),
            ("c4", "letter", "x", None),
        ):
            db.execute(
                text(
                    "INSERT INTO contact_point (customer_id, channel, organisation_id, address, evidence, noted_by, "
                    "noted_at, bounced_address, bounced_at, bounced_why) "
                    "VALUES (:customer, :channel, 'org', :address, '', '', :at, :bounced, :at, 'back')"
                ),
                {"customer": customer, "channel": channel, "address": address, "bounced": bounced, "at": NOW},
            )
    upgrade(empty_store)
    bad, point = t.bad_address.c, t.contact_point.c
    with empty_store.read() as db:
        kept = db.execute(select(bad.channel, bad.address, bad.why).order_by(bad.channel)).all()
        noted = db.scalars(select(point.customer_id).order_by(point.customer_id)).all()
    assert [tuple(row) for row in kept] == [("email", "a@b.example", "gone"), ("sms", "+447400123456", "back")]
    assert noted == ["c2", "c3", "c4"]


def test_an_upgrade_leaves_whoever_had_opted_out_without_any_message(empty_store: Store) -> None:
    upgrade(empty_store, "0046")
    with empty_store.write() as db:
        db.execute(
            text(
                "INSERT INTO organisation (id, name, base_currency, time_zone, country, created_at) "
                "VALUES ('org', 'Acme', 'GBP', 'Europe/London', 'GB', :at)"
            ),
            {"at": NOW},
        )
        for customer, opted_out in (("pressed", True), ("told", True), ("taken back", False)):
            db.execute(
                text(
                    "INSERT INTO customer (id, organisation_id, name, opted_out, changed_at) "
                    "VALUES (:customer, 'org', 'Somebody', :opted_out, :at)"
                ),
                {"customer": customer, "opted_out": opted_out, "at": NOW},
            )
        said = {"organisation_id": "org", "at": NOW, "actor": "customer", "detail": "no more, please"}
        for customer, action in (
            ("pressed", "opted_out"),
            ("taken back", "opted_out"),
            ("taken back", "opt_out_taken_back"),
            ("told", "opted_out"),
            ("told", "opt_out_taken_back"),
        ):
            db.execute(
                text(
                    "INSERT INTO event (organisation_id, at, actor, action, subject, detail) "
                    "VALUES (:organisation_id, :at, :actor, :action, :subject, :detail)"
                ),
                said | {"action": action, "subject": customer},
            )
    upgrade(empty_store)
    of = t.opt_out.c
    with empty_store.read() as db:
        kept = db.execute(select(of.customer_id, of.channel, of.said_by, of.words).order_by(of.customer_id)).all()
    assert [tuple(row) for row in kept] == [
        ("pressed", "all", "customer", "no more, please"),
        ("told", "all", "crm", ""),
    ]


def test_an_upgrade_keeps_own_words_as_those_for_e_mails(empty_store: Store) -> None:
    upgrade(empty_store, "0051")
    with empty_store.write() as db:
        db.execute(
            text(
                "INSERT INTO organisation (id, name, base_currency, time_zone, country, created_at) "
                "VALUES ('org', 'Acme', 'GBP', 'Europe/London', 'GB', :at)"
            ),
            {"at": NOW},
        )
        for version in (1, 2):
            db.execute(
                text(
                    "INSERT INTO message_copy (organisation_id, language, tone, version, body, set_by, set_at) "
                    "VALUES ('org', 'en', 'firm', :version, :body, 'Dana', :at)"
                ),
                {"version": version, "body": f"words {version}", "at": NOW},
            )
    upgrade(empty_store)
    with empty_store.read() as db:
        assert own_words(db, "org", (CopyKind.EMAIL, "en", Tone.FIRM)) == "words 2"
        assert own_words(db, "org", (CopyKind.TEXT, "en", Tone.FIRM)) is None
    downgrade(empty_store, "0051")
    with empty_store.read() as db:
        assert db.scalar(text("SELECT count(*) FROM message_copy")) == 2
