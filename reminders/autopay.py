"""Invoices that are paid by themselves, by what their payer agreed to: which, on what day, and what follows a failure.

An invoice is taken only while nothing at all speaks against the debt: every hold of a reminder is asked, but for those
on contact, which say when somebody may be written to and nothing of what is owed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from receivables.decline import Advice, Decline
from receivables.discount import DiscountOffer
from receivables.money import Money
from reminders.business_time import next_business_day
from reminders.evidence import InFlight, InFlightKind, ItemEvidence
from reminders.holds import DEBIT_SETTLES_WITHIN, Hold, HoldCode, evaluate

CARD = "card"
# What is told before a payment is taken. Direct debits are announced 14 days before by the rule book of SEPA unless
# payer and creditor agree on less, as the consent here does; three banking days are what Bacs and Stripe go by.
CARD_NOTICE_DAYS = 2
DEBIT_NOTICE_BANKING_DAYS = 3
ANNOUNCED_DAYS_AHEAD = 7  # what is taken within these days is announced now, in one message
LATEST_DAYS = 3  # so long after its day a payment may still be taken; then it is announced anew
AGAIN_AFTER_DAYS = 3  # a payment that may work later is tried again after so many days
MAX_ATTEMPTS = 3  # of one invoice
MAX_FAILURES = 3  # in a row: then autopay is paused
MAX_DAYS_BEFORE = 1  # on the due date, or the day before
TAKES_AT = time(8, 0)  # on the organisation's clock
SHOWS_WITHIN = timedelta(days=7)  # what was taken is known at the processor by then, or nothing came of it


class MandateState(StrEnum):
    """Where autopay of a payer stands: its page was opened, it is on, it waits for the payer, it is over."""

    BEGUN = "begun"
    ON = "on"
    PAUSED = "paused"
    ENDED = "ended"


class PaymentState(StrEnum):
    """Where one payment stands: told of, promised to be taken, taken, arrived, failed; or left, and not taken."""

    ANNOUNCED = "announced"
    PROMISED = "promised"
    TAKEN = "taken"
    PAID = "paid"
    FAILED = "failed"
    LEFT = "left"


UNDER_WAY = (PaymentState.ANNOUNCED, PaymentState.PROMISED, PaymentState.TAKEN)
MADE = (PaymentState.PROMISED, PaymentState.TAKEN)  # the money may have been taken: it is no time to pay beside it


class Then(StrEnum):
    """What follows a payment that failed: it is tried again, its invoice is left to the payer, autopay is paused."""

    AGAIN = "again"
    LEAVE = "leave"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a payer agreed to: invoices in one currency, each up to a ceiling (None: any), so many days before due."""

    currency: str
    ceiling: Money | None
    days_before: int

    def day(self, due_on: date) -> date:
        """The day on which an invoice is to be paid by itself."""
        return due_on - timedelta(days=self.days_before)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an invoice is not taken. `passes` where only some evidence is too old: it is asked again in a moment."""

    reason: str
    passes: bool = False


def first_day(*, told_on: date, method: str, country: str | None) -> date:
    """Return the first day on which a payment may be taken that is announced on `told_on`."""
    if method == CARD:
        return told_on + timedelta(days=CARD_NOTICE_DAYS)
    day = told_on
    for _ in range(DEBIT_NOTICE_BANKING_DAYS):
        day = next_business_day(day, country)
    return day


def take_on(*, terms: Terms, due_on: date, told_on: date, method: str, country: str | None) -> date:
    """Return the day on which an invoice is taken whose payment is announced on `told_on`."""
    return max(terms.day(due_on), first_day(told_on=told_on, method=method, country=country))


def refused(
    *,
    terms: Terms,
    evidence: ItemEvidence,
    as_of: datetime,
    announced: Money | None = None,
    discount: DiscountOffer | None = None,
    freshness_is_reported: bool = False,
) -> Refusal | None:
    """Say why an invoice is not taken at `as_of`, None where it may be. `announced` is what its payer was told, if so.

    What was announced is taken to the last cent, or not at all. While its payer may pay with a `discount`, whether to
    is theirs to choose: the whole is taken once its time is over.
    """
    left = evidence.remaining
    if left.currency != terms.currency:
        return Refusal(f"Autopay is agreed on for {terms.currency}.")
    if announced is not None and left != announced:
        return Refusal(f"{announced} were announced, and {left} are open now.")
    if terms.ceiling is not None and left > terms.ceiling:
        return Refusal(f"{left} are more than the {terms.ceiling} that the payer allows for one invoice.")
    day = terms.day(evidence.item.due_on)
    if announced is not None and evidence.contact.local(as_of).date() < day:
        return Refusal(f"It is due later by now: it is paid on {day}.")
    if discount is not None and as_of < discount.ends_at:
        return Refusal(f"Paid by {discount.last_on} it is {discount.amount} less: until then the payer chooses.")
    holds = holds_on_debt(evidence, as_of, freshness_is_reported=freshness_is_reported)
    if not holds:
        return None
    reason = " ".join(hold.reason for hold in holds)
    return Refusal(reason, passes=all(hold.code is HoldCode.STALE for hold in holds))


def holds_on_debt(evidence: ItemEvidence, as_of: datetime, *, freshness_is_reported: bool = False) -> tuple[Hold, ...]:
    """Return all that speaks against asking for the debt now, but for the payment by autopay that is decided on."""
    others = tuple(each for each in evidence.in_flight if each.kind is not InFlightKind.AUTOPAY)
    holds = evaluate(
        evidence=replace(evidence, in_flight=others), as_of=as_of, freshness_is_reported=freshness_is_reported
    )
    return tuple(hold for hold in holds if hold.code is not HoldCode.CONTACT)


def after_failure(*, decline: Decline | None, attempt: int, failures: int) -> Then:
    """Decide what follows a failed payment: the `attempt`-th of its invoice, the `failures`-th in a row of its payer.

    What a second try with the same means would not change pauses it; without a reason nobody knows that it would.
    """
    if decline is None or decline.advice is Advice.OTHER_WAY or failures >= MAX_FAILURES:
        return Then.PAUSE
    if decline.advice is Advice.LATER and attempt < MAX_ATTEMPTS:
        return Then.AGAIN
    return Then.LEAVE


def may_be_tried(*, then: Iterable[tuple[Then, date]], today: date) -> bool:
    """Whether an invoice may be taken whose earlier payments failed, each with what was to follow and since when."""
    return all(each is Then.AGAIN and today >= failed_on + timedelta(days=AGAIN_AFTER_DAYS) for each, failed_on in then)


def is_time(*, day: date, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a payment of `day` is to be taken by now."""
    local = now.astimezone(zone)
    return local.date() > day or (local.date() == day and local.time() >= TAKES_AT)


def is_too_late(*, day: date, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the day on which a payment was announced is too long ago for it to be taken."""
    return now.astimezone(zone).date() > day + timedelta(days=LATEST_DAYS)


def in_flight(*, amount: Money, day: date, zone: ZoneInfo, promised_at: datetime | None) -> InFlight:
    """Return what a payment under way is to its item: money on its way, until it is known to have arrived or not."""
    at = promised_at or datetime.combine(day, TAKES_AT, tzinfo=zone)
    lasts = DEBIT_SETTLES_WITHIN if promised_at else timedelta(days=LATEST_DAYS + 1)
    return InFlight(amount, InFlightKind.AUTOPAY, at, at + lasts)
