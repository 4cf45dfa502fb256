"""Past days are replayed from a ledger's and a bank's own data, and nothing is sent or changed by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runtime.operations.errors import InputError
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.replay import Replayed, replay_days
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm, money_in

YESTERDAY = TODAY - timedelta(days=1)
DAY = timedelta(days=1)


def replayed(firm: Firm, *, days: int = 30) -> Replayed:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return replay_days(db, organisation, first=TODAY - days * DAY, last=YESTERDAY, now=firm.app.clock())


def test_what_is_open_would_have_been_reminded_and_nothing_is_changed(any_firm: Firm) -> None:
    before = [any_firm.rows(table) for table in (t.reminder, t.certificate, t.event)]
    found = replayed(any_firm)
    # INV-1002 was due on the 18th of February, INV-1001 on the 28th, a Saturday, INV-2001 on the 5th of March.
    assert (found.all.messages, found.all.customers, found.all.lines) == (4, 2, 4)
    assert (found.all.lines_paid, found.paid) == (0, ())
    assert [each.name for each in found.months] == ["2026-02", "2026-03"]
    assert [any_firm.rows(table) for table in (t.reminder, t.certificate, t.event)] == before
    assert any_firm.mailbox.mails == []


def test_money_counts_from_its_day_and_is_known_from_the_next_banking_day(any_firm: Firm) -> None:
    any_firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY - 19 * DAY)  # Thursday: the day of its first reminder
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY - 11 * DAY)
    any_firm.import_lines(money_in("L1", "300.00", "BOLT", "INV-2001", on=TODAY - 4 * DAY))
    any_firm.settle()
    found = replayed(any_firm)
    assert [(each.number, each.sent_on, each.paid_on) for each in found.paid] == [
        ("INV-1002", TODAY - 19 * DAY, TODAY - 19 * DAY),
        ("INV-2001", TODAY - 4 * DAY, TODAY - 4 * DAY),
    ]
    assert (found.all.lines, found.all.lines_paid, found.all.paid_that_day, found.all.messages_naming_paid) == (
        2,
        2,
        2,
        2,
    )


def test_a_part_that_was_taken_off_without_a_day_counts_from_the_start(firm: Firm) -> None:
    with firm.app.store.write() as db:
        db.execute(t.document.update().where(t.document.c.number == "INV-2001").values(balance_minor=10_000))
    found = replayed(firm)
    assert found.undated == 1
    assert found.all.lines == 4


def test_a_hold_counts_for_the_days_on_which_it_stood(firm: Firm) -> None:
    document_id = firm.document("INV-2001").id
    placed = {"organisation_id": firm.id, "document_id": document_id, "code": "paused", "placed_by": "Dana"}
    with firm.app.store.write() as db:
        place_hold(db, **placed, reason="Dana paused it.", at=firm.app.clock() - 6 * DAY)
        release_hold(db, firm.id, document_id, "paused", firm.app.clock() - 2 * DAY)
    found = replayed(firm)
    assert found.held["paused"] == 1
    assert found.all.lines == 4, "it is reminded on the first business day after that"
    with firm.app.store.write() as db:
        place_hold(db, **placed, reason="Dana paused it.", at=firm.app.clock() - 6 * DAY)
    assert replayed(firm).all.lines == 3


def test_its_last_days_agree_with_the_plan_of_today(firm: Firm) -> None:
    """What a replay from nothing sends on its first day is what the plan would send then."""
    planned = plan_reminders(firm.app, firm.id)
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        found = replay_days(db, organisation, first=TODAY, last=TODAY, now=firm.app.clock() + DAY)
    assert (found.all.messages, found.all.lines) == (planned["messages"], planned["remind"])


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (YESTERDAY, YESTERDAY - DAY, "run backwards"),
        (YESTERDAY, TODAY, "is not past"),
        (YESTERDAY - 366 * DAY, YESTERDAY, "more than 366 days"),
    ],
)
def test_days_that_cannot_be_replayed_are_refused(firm: Firm, first: object, last: object, reason: str) -> None:
    with firm.app.store.read() as db, pytest.raises(InputError, match=reason):
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        replay_days(db, organisation, first=first, last=last, now=firm.app.clock())  # type: ignore[arg-type]
