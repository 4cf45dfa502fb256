"""Which invoices are taken by themselves, on what day, and what follows a failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receivables.decline import Advice, Decline, DeclineGroup
from receivables.discount import DiscountOffer
from receivables.document import DocumentStatus
from receivables.promise import Dispute, PromiseToPay
from reminders.autopay import (
    AGAIN_AFTER_DAYS,
    LATEST_DAYS,
    MAX_ATTEMPTS,
    MAX_FAILURES,
    Terms,
    Then,
    after_failure,
    first_day,
    in_flight,
    is_time,
    is_too_late,
    may_be_tried,
    refused,
    take_on,
)
from reminders.autopay_message import AutomaticLine, FailedLine, Means, render_ahead, render_failed
from reminders.evidence import Flag, FlagCode, InFlight, InFlightKind, ItemEvidence, PlausibleReceipt
from reminders.holds import in_flight as holds_in_flight
from reminders.wording import LANGUAGES
from tests.reminders.facts import BRAND, DAY, NOW, contact, eur, evidence, freshness, links

TERMS = Terms("EUR", None, 0)
OPEN = eur("1190.00")
DUE = date(2026, 11, 1)
BERLIN = ZoneInfo("Europe/Berlin")


def _why(known: ItemEvidence, terms: Terms = TERMS, *, reported: bool = False) -> str:
    refusal = refused(terms=terms, evidence=known, as_of=NOW, announced=OPEN, freshness_is_reported=reported)
    return refusal.reason if refusal else ""


def test_what_is_truly_due_is_taken() -> None:
    assert refused(terms=TERMS, evidence=evidence(), as_of=NOW, announced=OPEN) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"disputes": (Dispute("item-1", "wrong price"),)}, "contests"),
        ({"promises": (PromiseToPay("item-1", date(2026, 11, 20)),)}, "promised"),
        ({"document_status": DocumentStatus.VOID}, "voided"),
        ({"document_status": DocumentStatus.PAID}, "as paid"),
        ({"document_sent": False}, "not been sent"),
        ({"credit_available": OPEN}, "unapplied credit"),
        ({"plausible_receipts": (PlausibleReceipt("r", OPEN, NOW.date(), "it fits"),)}, "may pay this invoice"),
        ({"in_flight": (InFlight(OPEN, InFlightKind.BANK_DEBIT, NOW - DAY, NOW + DAY),)}, "still processing"),
        *(({"flags": (Flag(code, f"because of {code}"),)}, f"because of {code}") for code in FlagCode),
        ({"freshness": freshness(ledger_read_at=NOW - timedelta(minutes=2))}, "within 60 seconds"),
        ({"freshness": freshness(bank=())}, "No bank account"),
    ],
)
def test_every_hold_of_a_reminder_keeps_it_from_being_taken(changes: dict[str, Any], why: str) -> None:
    assert why in _why(evidence(**changes))


def test_what_keeps_from_a_contact_says_nothing_of_the_debt_and_nor_does_the_payment_itself() -> None:
    assert _why(evidence(contact=contact(contacts_this_week=2, last_contact_at=NOW - DAY))) == ""
    own = in_flight(amount=OPEN, day=NOW.date(), zone=BERLIN, promised_at=None)
    assert _why(evidence(in_flight=(own,))) == ""


def test_only_evidence_that_is_too_old_is_waited_for() -> None:
    old = evidence(freshness=freshness(bank=()))
    waits = refused(terms=TERMS, evidence=old, as_of=NOW, announced=OPEN)
    assert waits is not None and waits.passes
    contested = replace(old, disputes=(Dispute("item-1", "no"),))
    over = refused(terms=TERMS, evidence=contested, as_of=NOW, announced=OPEN)
    assert over is not None and not over.passes
    assert _why(old, reported=True) == ""


def test_terms_are_kept_to_the_cent() -> None:
    assert "agreed on for USD" in _why(evidence(), Terms("USD", None, 0))
    assert "more than the 1189.99 EUR" in _why(evidence(), Terms("EUR", eur("1189.99"), 0))
    assert _why(evidence(), Terms("EUR", OPEN, 0)) == ""
    refusal = refused(terms=TERMS, evidence=evidence(), as_of=NOW, announced=eur("1189.99"))
    assert refusal is not None and "1189.99 EUR were announced" in refusal.reason
    later = evidence()
    later = replace(later, item=replace(later.item, due_on=date(2026, 11, 19)))
    assert "due later by now" in _why(later, Terms("EUR", None, 1))
    assert _why(replace(later, item=replace(later.item, due_on=date(2026, 11, 18))), Terms("EUR", None, 1)) == ""


def test_what_its_payer_may_pay_with_less_is_not_taken_whole() -> None:
    offer = DiscountOffer(eur("20.00"), NOW.date(), NOW + timedelta.resolution)
    told = refused(terms=TERMS, evidence=evidence(), as_of=NOW, announced=OPEN, discount=offer)
    assert told is not None and "it is 20.00 EUR less" in told.reason
    over = replace(offer, ends_at=NOW)
    assert refused(terms=TERMS, evidence=evidence(), as_of=NOW, announced=OPEN, discount=over) is None


@pytest.mark.parametrize(
    ("method", "told_on", "day"),
    [
        ("card", date(2026, 11, 13), date(2026, 11, 15)),
        ("sepa_debit", date(2026, 11, 13), date(2026, 11, 18)),  # a Friday: Monday, Tuesday, Wednesday
        ("bacs_debit", date(2026, 12, 23), date(2026, 12, 30)),  # two holidays and a weekend lie between
        ("anything", date(2026, 11, 13), date(2026, 11, 18)),
    ],
)
def test_a_payment_is_announced_long_enough_before(method: str, told_on: date, day: date) -> None:
    assert first_day(told_on=told_on, method=method, country="GB" if method == "bacs_debit" else "DE") == day


def test_an_invoice_is_taken_on_the_day_that_was_agreed_and_never_before_its_notice() -> None:
    def on(due_on: date, days_before: int) -> date:
        terms = Terms("EUR", None, days_before)
        return take_on(terms=terms, due_on=due_on, told_on=date(2026, 11, 10), method="card", country="DE")

    assert on(date(2026, 11, 20), 0) == date(2026, 11, 20)
    assert on(date(2026, 11, 20), 1) == date(2026, 11, 19)
    assert on(DUE, 0) == date(2026, 11, 12)


def test_it_is_taken_from_the_morning_of_its_day_and_not_long_after() -> None:
    day = date(2026, 11, 17)
    assert not is_time(day=day, now=datetime(2026, 11, 17, 7, 59, tzinfo=BERLIN), zone=BERLIN)
    assert is_time(day=day, now=datetime(2026, 11, 17, 8, 0, tzinfo=BERLIN), zone=BERLIN)
    last = datetime(2026, 11, 17 + LATEST_DAYS, 23, 59, tzinfo=BERLIN)
    assert not is_too_late(day=day, now=last, zone=BERLIN)
    assert is_too_late(day=day, now=last + timedelta(minutes=1), zone=BERLIN)


def test_a_payment_under_way_holds_reminders_and_ends_by_itself() -> None:
    def holds(promised_at: datetime | None, as_of: datetime) -> bool:
        one = in_flight(amount=OPEN, day=date(2026, 11, 20), zone=BERLIN, promised_at=promised_at)
        return holds_in_flight(evidence(in_flight=(one,)), as_of) is not None

    assert holds(None, NOW)
    assert not holds(None, NOW + 8 * DAY)
    assert holds(NOW, NOW + 20 * DAY)
    assert not holds(NOW, NOW + 21 * DAY)


def _decline(advice: Advice) -> Decline:
    return Decline(DeclineGroup.FUNDS, advice, "text")


@pytest.mark.parametrize(
    ("advice", "attempt", "failures", "then"),
    [
        (Advice.LATER, 1, 1, Then.AGAIN),
        (Advice.LATER, MAX_ATTEMPTS, 1, Then.LEAVE),
        (Advice.LATER, 1, MAX_FAILURES, Then.PAUSE),
        (Advice.DETAILS, 1, 1, Then.LEAVE),
        (Advice.DETAILS, 1, MAX_FAILURES, Then.PAUSE),
        (Advice.OTHER_WAY, 1, 1, Then.PAUSE),
        (None, 1, 1, Then.PAUSE),
    ],
)
def test_what_follows_a_failure_is_what_its_decline_advises(
    advice: Advice | None, attempt: int, failures: int, then: Then
) -> None:
    decline = _decline(advice) if advice else None
    assert after_failure(decline=decline, attempt=attempt, failures=failures) is then


def test_an_invoice_is_tried_again_days_later_and_only_where_that_may_help() -> None:
    failed_on, today = date(2026, 11, 10), date(2026, 11, 10) + timedelta(days=AGAIN_AFTER_DAYS)
    assert may_be_tried(then=[(Then.AGAIN, failed_on)], today=today)
    assert not may_be_tried(then=[(Then.AGAIN, failed_on)], today=today - DAY)
    assert not may_be_tried(then=[(Then.AGAIN, failed_on), (Then.LEAVE, failed_on)], today=today)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("method", "ending"), [("card", "4242"), ("sepa_debit", "3000"), ("link", "")])
def test_messages_name_means_amounts_and_days_in_every_language(language: str, method: str, ending: str) -> None:
    common = {
        "recipient": "Birch",
        "means": Means(method, ending),
        "brand": BRAND,
        "links": links(),
        "language": language,
    }
    line = AutomaticLine("INV-1", eur("10.00"), date(2026, 11, 20))
    ahead = render_ahead(lines=[line], **common)  # type: ignore[arg-type]
    lines = [
        FailedLine("INV-1", eur("10.00"), date(2026, 11, 20), "https://pay.example/1"),
        FailedLine("INV-2", eur("5.00"), None, "https://pay.example/2"),
    ]
    failed = render_failed(lines=lines, decline=_decline(Advice.LATER), is_paused=True, **common)  # type: ignore[arg-type]
    for message in (ahead, failed):
        assert ending in message.subject and ending in message.text
        assert "INV-1" in message.text and "20" in message.text
        assert not {"{", "}"} & set(message.subject + message.text)
    assert "https://pay.example/2" in failed.text and "https://pay.example/2" in failed.html


def test_a_failure_that_is_tried_again_asks_for_nothing() -> None:
    common = {"recipient": "Birch", "means": Means("card", "4242"), "brand": BRAND, "links": links(), "language": "en"}
    again = [FailedLine("INV-1", eur("10.00"), date(2026, 11, 20), "https://pay.example/1")]
    message = render_failed(lines=again, decline=_decline(Advice.LATER), is_paused=False, **common)  # type: ignore[arg-type]
    assert "there was not enough money" in message.text
    assert "Please pay again" not in message.text and "paused" not in message.text
