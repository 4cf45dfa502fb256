"""Past days are decided by what was known on each of them, and judged by what was true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receivables.document import DocumentStatus
from receivables.promise import Dispute
from reminders.business_time import is_business_day
from reminders.evidence import Flag, FlagCode
from reminders.holds import HoldCode
from reminders.policy_book import BY_SIZE, DEFAULT_BOOK
from reminders.replay import MAX_DAYS, PastHold, PastInvoice, PastMoney, Replay, replay
from tests.reminders.facts import contact, eur, evidence, item

DUE = date(2026, 9, 1)  # a Tuesday
MONDAY = date(2026, 9, 7)
LATEST = DUE + timedelta(days=60)


def day(number: int) -> date:
    """The day so many days after the due date."""
    return DUE + timedelta(days=number)


def invoice(*money: PastMoney, owed: str = "100.00", name: str = "item-1", **changes: Any) -> PastInvoice:  # noqa: ANN401
    """An invoice of 100 EUR due on the first of September, paid today if anything ever paid it."""
    of = item(item_id=name, number=name.upper(), issued_on=day(-30), due_on=DUE, open_amount=eur("100.00"))
    facts = evidence(item=of, document_status=DocumentStatus.PAID, ledger_balance=eur("0"), **changes)
    return PastInvoice(facts, eur(owed), money)


def paid(amount: str, on: date, known: date | None = None) -> PastMoney:
    return PastMoney(eur(amount), on, known or on)


def played(*invoices: PastInvoice, first: date = DUE, last: date = LATEST) -> Replay:
    return replay(invoices=invoices, first=first, last=last, book=DEFAULT_BOOK)


def sent(found: Replay) -> list[tuple[date, int, date | None]]:
    return [(message.day, line.level, line.paid_on) for message in found.messages for line in message.lines]


def test_levels_follow_each_other_on_business_days_until_it_is_paid() -> None:
    assert sent(played(invoice())) == [(day(1), 1, None), (day(14), 2, None), (day(30), 3, None)]
    money = paid("100.00", day(20))
    assert sent(played(invoice(money))) == [(day(1), 1, None), (day(14), 2, None)]
    friday = invoice(paid("100.00", day(40)))
    friday = replace(friday, evidence=replace(friday.evidence, item=replace(friday.evidence.item, due_on=day(3))))
    assert sent(played(friday))[0] == (MONDAY, 1, None), "level 1 is reached on a Saturday"


def test_what_was_paid_but_not_known_yet_is_named_as_paid() -> None:
    unseen = paid("100.00", day(0), known=day(2))
    assert sent(played(invoice(unseen))) == [(day(1), 1, day(0))]
    that_day = paid("100.00", day(1), known=day(2))
    assert sent(played(invoice(that_day))) == [(day(1), 1, day(1))]
    assert sent(played(invoice(paid("100.00", day(2), known=day(3)))))[0] == (day(1), 1, None)


def test_the_day_of_the_last_part_is_the_day_it_was_paid() -> None:
    parts = (paid("60.00", day(10)), paid("40.00", DUE))
    assert invoice(*parts).paid_by(day(9)) is None
    assert invoice(*parts).paid_by(day(10)) == day(10)
    found = played(invoice(*parts))
    assert [line.amount_due for message in found.messages for line in message.lines] == [eur("60.00")]


def test_what_was_taken_off_without_a_day_was_never_owed() -> None:
    assert sent(played(invoice(owed="0"))) == []
    reduced = played(invoice(owed="30.00"))
    assert reduced.messages[0].lines[0].amount_due == eur("30.00")


def test_one_message_a_customer_and_never_more_than_the_limits() -> None:
    found = played(invoice(), invoice(name="item-2"))
    assert [len(message.lines) for message in found.messages] == [2, 2, 2]
    later = item(item_id="item-3", issued_on=day(-30), due_on=day(1), open_amount=eur("100.00"))
    late = PastInvoice(evidence(item=later, document_status=DocumentStatus.PAID), eur("100.00"), ())
    days = [message.day for message in played(invoice(), late, last=day(14)).messages]
    assert days == [day(1), day(6), day(14)], "three days lie between two messages, and a weekend"


def test_holds_that_stood_then_hold_and_those_that_ended_do_not() -> None:
    placed = PastHold(
        Flag(FlagCode.PAUSED, "A person paused it."),
        datetime(2026, 9, 2, 7, 0, tzinfo=UTC),
        datetime(2026, 9, 10, 12, 0, tzinfo=UTC),
    )
    found = played(replace(invoice(), holds=(placed,)), last=day(12))
    assert sent(found) == [(day(10), 1, None)]
    assert found.held == {HoldCode.PAUSED: frozenset({"item-1"})}
    disputed = invoice(disputes=(Dispute("item-1", "wrong price"),))
    assert sent(played(disputed)) == []


def test_the_days_themselves_are_bounded() -> None:
    for first, last in ((day(1), DUE), (DUE, DUE + timedelta(days=MAX_DAYS))):
        with pytest.raises(ValueError, match="can be replayed"):
            played(invoice(), first=first, last=last)


MONEY = st.builds(
    lambda minor, on, late: PastMoney(eur(f"{minor}.00"), day(on), day(on + late)),
    st.integers(1, 60),
    st.integers(-20, 60),
    st.integers(0, 4),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(MONEY, max_size=3), min_size=1, max_size=6), st.integers(0, 5), st.booleans())
def test_nobody_is_reminded_of_what_was_known_to_be_paid(
    money: list[list[PastMoney]], start: int, by_size: bool
) -> None:
    book = BY_SIZE if by_size else DEFAULT_BOOK
    invoices = {
        f"item-{number}": invoice(*parts, name=f"item-{number}", contact=contact(recipient_id=f"customer-{number % 2}"))
        for number, parts in enumerate(money)
    }
    found = replay(invoices=list(invoices.values()), first=day(start), last=day(start + 60), book=book)
    levels: dict[str, int] = {}
    for message in found.messages:
        assert is_business_day(message.day, "DE")
        for line in message.lines:
            past = invoices[line.item_id]
            known = sum(part.amount.minor for part in past.money if part.known_on <= message.day)
            true = sum(part.amount.minor for part in past.money if part.paid_on <= message.day)
            assert line.amount_due.minor == past.owed.minor - known > 0
            assert (line.paid_on is not None) == (true >= past.owed.minor)
            assert line.level == levels.get(line.item_id, 0) + 1
            levels[line.item_id] = line.level
