"""What goes into a column comes out of it: money to the minor unit, instants in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from receivables.money import MAX_MINOR, Money
from runtime.store import tables as t
from runtime.store.engine import Store
from tests.store.build import organisations, put


@pytest.mark.parametrize("minor", [9_007_199_254_740_993, -9_007_199_254_740_993, MAX_MINOR, -MAX_MINOR, 0, 1])
def test_money_comes_back_exact(store: Store, minor: int) -> None:
    organisations(store, "org")
    with store.write() as db:
        put(db, t.receipt, id="r", organisation_id="org", currency="GBP", amount_minor=minor)
        assert type(db.scalar(select(t.receipt.c.amount_minor))) is int
        assert db.scalar(select(t.receipt.c.amount_minor)) == minor
        assert db.scalars(select(t.receipt.c.id).where(t.receipt.c.amount_minor == minor)).all() == ["r"]


def test_an_amount_that_no_float_holds_keeps_its_last_penny(store: Store) -> None:
    amount = Money.parse("90071992547409.93", "GBP")
    organisations(store, "org")
    with store.write() as db:
        put(db, t.receipt, id="r", organisation_id="org", currency="GBP", amount_minor=amount.minor)
        read = Money(db.execute(select(t.receipt.c.amount_minor)).scalar_one(), "GBP")
    assert read.text() == "90071992547409.93"


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 29, 1, 30, 0, 123_456, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"), fold=1),
        datetime(2026, 1, 1, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_an_instant_comes_back_in_utc(store: Store, at: datetime) -> None:
    organisations(store, "org")
    with store.write() as db:
        put(db, t.event, organisation_id="org", at=at)
        read = db.execute(select(t.event.c.at)).scalar_one()
    assert read == at.astimezone(UTC)
    assert read.utcoffset() == timedelta(0)


def test_instants_of_different_zones_compare_as_instants(store: Store) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    organisations(store, "org")
    with store.write() as db:
        put(db, t.event, organisation_id="org", at=noon, subject="noon")
        earlier_elsewhere = datetime(2026, 6, 1, 13, 30, tzinfo=timezone(timedelta(hours=2)))
        found = db.scalars(select(t.event.c.subject).where(t.event.c.at > earlier_elsewhere)).all()
        later_elsewhere = datetime(2026, 6, 1, 11, 30, tzinfo=timezone(-timedelta(hours=2)))
        none = db.scalars(select(t.event.c.subject).where(t.event.c.at > later_elsewhere)).all()
    assert (list(found), list(none)) == (["noon"], [])


def test_a_naive_instant_is_refused(store: Store) -> None:
    organisations(store, "org")
    with pytest.raises(StatementError, match="time zone"), store.write() as db:
        put(db, t.event, organisation_id="org", at=datetime(2026, 3, 1, 12))  # noqa: DTZ001 - the point of the test
