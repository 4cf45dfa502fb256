"""The reasons not to remind: one pure function per code, and `evaluate`, which asks them all.

Source: DESIGN section 3 ("Truly due"). Holds that rest on a guess end by themselves; the bounds are named here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from receivables.document import DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from reminders.business_time import start_of_day
from reminders.contact import DEFAULT_LIMITS, ContactLimits, obstacles
from reminders.evidence import FlagCode, InFlight, InFlightKind, ItemEvidence, PlausibleReceipt, require_aware
from reminders.freshness import gaps

# SEPA debits confirm within 14 business days at the latest (Stripe), ACH and Bacs sooner.
DEBIT_SETTLES_WITHIN = timedelta(days=21)
IN_FLIGHT_MAX_AGE = {
    InFlightKind.BANK_DEBIT: DEBIT_SETTLES_WITHIN,
    InFlightKind.CHECKOUT: timedelta(hours=1),
    InFlightKind.AUTOPAY: DEBIT_SETTLES_WITHIN,  # it may be a debit
    InFlightKind.INSTALMENT: timedelta(days=7),
}
DUE_SOON = timedelta(days=7)  # an autopay or instalment counts this long before its charge
PROBABLY_PAID_DAYS = 14
MAX_RANK_HELD = 3  # a receipt holds the items of its three best explanations, no more
PROMISE_GRACE_DAYS = 2  # money sent on the promised day takes a night or two to arrive


class HoldCode(StrEnum):
    """Why an item must not be reminded, in the order of DESIGN section 3."""

    SETTLED = "settled"
    IN_FLIGHT = "in_flight"
    PROBABLY_PAID = "probably_paid"
    CREDIT_AVAILABLE = "credit_available"
    DISPUTED = "disputed"
    PROMISED = "promised"
    PLAN = "plan"
    REPLY_UNREAD = "reply_unread"
    REFUND_REVIEW = "refund_review"
    CHARGEBACK_OPEN = "chargeback_open"
    DISCOUNT = "discount"
    LEGAL = "legal"
    PAUSED = "paused"
    NOT_FINAL = "not_final"
    CONTACT = "contact"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason not to remind, in plain words. Without `until` it lasts until the facts change."""

    code: HoldCode
    reason: str
    until: datetime | None = None


def evaluate(
    *,
    evidence: ItemEvidence,
    as_of: datetime,
    limits: ContactLimits = DEFAULT_LIMITS,
    freshness_is_reported: bool = False,
) -> tuple[Hold, ...]:
    """Return every hold that applies, in the order of `HoldCode`; none means truly due and sendable.

    `freshness_is_reported` is for a dry run in the past, where evidence cannot be fresh: `stale` is left out.
    EvidenceError for an `as_of` without a time zone.
    """
    require_aware(as_of)
    holds = [check(evidence, as_of) for check in _CHECKS]
    holds.append(contact(evidence, as_of, limits))
    if not freshness_is_reported:
        holds.append(stale(evidence, as_of))
    return tuple(hold for hold in holds if hold is not None)


def settled(evidence: ItemEvidence, _as_of: datetime) -> Hold | None:
    """The ledger, or our allocations on their way to it, leave nothing open."""
    if evidence.document_status is DocumentStatus.PAID:
        return Hold(HoldCode.SETTLED, "The ledger shows the invoice as paid.")
    if evidence.remaining.minor > 0:
        return None
    if evidence.allocated_by_us:
        text = (
            f"Allocations of {evidence.allocated_by_us} cover the balance of {evidence.ledger_balance} in the ledger."
        )
        return Hold(HoldCode.SETTLED, text)
    return Hold(HoldCode.SETTLED, "Nothing is open any more.")


def in_flight(evidence: ItemEvidence, as_of: datetime) -> Hold | None:
    """A payment is on its way; the hold ends when it must have arrived or failed."""
    active = [payment for payment in evidence.in_flight if is_on_its_way(payment, as_of)]
    if not active:
        return None
    reason = " ".join(_in_flight_text(payment) for payment in active)
    return Hold(HoldCode.IN_FLIGHT, reason, max(in_flight_until(payment) for payment in active))


def in_flight_until(payment: InFlight) -> datetime:
    """When `payment` stops holding: its own expiry, but never later than its kind allows."""
    return min(payment.expires_at, payment.begun_at + IN_FLIGHT_MAX_AGE[payment.kind])


def is_on_its_way(payment: InFlight, as_of: datetime) -> bool:
    """Whether a payment counts as on its way: begun, or near, and not too old to be believed."""
    scheduled = payment.kind in (InFlightKind.AUTOPAY, InFlightKind.INSTALMENT)
    near = not scheduled or as_of >= payment.begun_at - DUE_SOON
    return payment.amount.minor > 0 and near and as_of < in_flight_until(payment)


def probably_paid(evidence: ItemEvidence, as_of: datetime) -> Hold | None:
    """A receipt that is not applied may pay this item; for a stated number of days, while a person is asked.

    One that was applied to it before is no guess, and holds until the person has answered.
    """
    zone = evidence.contact.time_zone
    active = [
        (receipt, until)
        for receipt in evidence.plausible_receipts
        if receipt.rank <= MAX_RANK_HELD and ((until := plausible_until(receipt, zone)) is None or as_of < until)
    ]
    if not active:
        return None
    reason = " ".join(
        f"{receipt.amount} received on {receipt.received_on} may pay this invoice, because {receipt.why}; "
        f"a person is asked{f', until {until:%Y-%m-%d}' if until else ''}."
        for receipt, until in active
    )
    ends = [until for _, until in active if until is not None]
    return Hold(HoldCode.PROBABLY_PAID, reason, max(ends) if len(ends) == len(active) else None)


def credit_available(evidence: ItemEvidence, _as_of: datetime) -> Hold | None:
    """The customer's own unapplied credit would close the item in full."""
    if evidence.remaining.minor <= 0 or evidence.credit_available < evidence.remaining:
        return None
    text = (
        f"The customer has {evidence.credit_available} of unapplied credit, enough for the {evidence.remaining} open."
    )
    return Hold(HoldCode.CREDIT_AVAILABLE, text)


def disputed(evidence: ItemEvidence, _as_of: datetime) -> Hold | None:
    """The customer contests the invoice and nobody has resolved it."""
    if not evidence.disputes:
        return None
    reasons = "; ".join(dispute.reason for dispute in evidence.disputes)
    return Hold(HoldCode.DISPUTED, f"The customer contests this invoice: {reasons}")


def promised(evidence: ItemEvidence, as_of: datetime) -> Hold | None:
    """The customer said when they will pay, and that day with its grace has not passed."""
    if not evidence.promises:
        return None
    latest = max(evidence.promises, key=lambda promise: promise.promised_on)
    first_day = latest.promised_on + timedelta(days=PROMISE_GRACE_DAYS + 1)
    until = start_of_day(first_day, evidence.contact.time_zone)
    if as_of >= until:
        return None
    if latest.amount is not None and latest.amount.minor <= 0:
        reason = f"The part that was promised by {latest.promised_on} is paid; the rest waits for that day."
    else:
        reason = f"The customer promised to pay {latest.amount or evidence.remaining} by {latest.promised_on}."
    return Hold(HoldCode.PROMISED, reason, until)


def flagged(code: FlagCode) -> Callable[[ItemEvidence, datetime], Hold | None]:
    """The check for one flag: its hold lasts as long as the flag does."""

    def check(evidence: ItemEvidence, as_of: datetime) -> Hold | None:
        active = [flag for flag in evidence.flags if flag.code is code and (flag.until is None or as_of < flag.until)]
        if not active:
            return None
        ends = [flag.until for flag in active if flag.until is not None]
        until = max(ends) if len(ends) == len(active) else None
        return Hold(HoldCode(code.value), " ".join(flag.reason for flag in active), until)

    return check


def not_final(evidence: ItemEvidence, _as_of: datetime) -> Hold | None:
    """The document is not one the customer has to pay: not issued, not sent, voided or gone."""
    if evidence.document_status is None:
        return Hold(HoldCode.NOT_FINAL, "The invoice was deleted in the ledger.")
    if evidence.document_status is DocumentStatus.DRAFT:
        return Hold(HoldCode.NOT_FINAL, "The invoice is still a draft.")
    if evidence.document_status is DocumentStatus.VOID:
        return Hold(HoldCode.NOT_FINAL, "The invoice was voided.")
    if not evidence.document_sent:
        return Hold(HoldCode.NOT_FINAL, "The invoice has not been sent to the customer yet.")
    return None


def contact(evidence: ItemEvidence, as_of: datetime, limits: ContactLimits = DEFAULT_LIMITS) -> Hold | None:
    """This person may not be contacted this way at this time."""
    found = obstacles(contact=evidence.contact, as_of=as_of, limits=limits)
    if not found:
        return None
    ends = [obstacle.until for obstacle in found if obstacle.until is not None]
    until = max(ends) if len(ends) == len(found) else None
    return Hold(HoldCode.CONTACT, " ".join(obstacle.reason for obstacle in found), until)


def stale(evidence: ItemEvidence, as_of: datetime) -> Hold | None:
    """Some source was read too long ago to rule a payment out."""
    found = gaps(freshness=evidence.freshness, as_of=as_of)
    return Hold(HoldCode.STALE, " ".join(found)) if found else None


def distribute_credit(*, items: Sequence[OpenItem], credit: Money) -> frozenset[str]:
    """Return the ids of the items that `credit` would close in full, taking the oldest due first.

    An item larger than what is left is passed over: part of a credit does not make the rest undue.
    Items in another currency than the credit are never covered.
    """
    covered = set()
    left = credit
    for item in sorted(items, key=lambda item: (item.due_on, item.issued_on, item.item_id)):
        if item.open_amount.currency == left.currency and item.open_amount <= left:
            covered.add(item.item_id)
            left -= item.open_amount
    return frozenset(covered)


def _in_flight_text(payment: InFlight) -> str:
    amount, until = payment.amount, in_flight_until(payment)
    begun = f"{payment.begun_at:%Y-%m-%d}"
    if payment.kind is InFlightKind.BANK_DEBIT:
        return (
            f"A bank debit of {amount} begun on {begun} is still processing; it settles or fails by {until:%Y-%m-%d}."
        )
    if payment.kind is InFlightKind.CHECKOUT:
        return (
            f"A checkout of {amount} begun on {payment.begun_at:%Y-%m-%d %H:%M} may still complete until {until:%H:%M}."
        )
    if payment.kind is InFlightKind.AUTOPAY:
        return f"An automatic payment of {amount} is set for {begun}; it arrives by {until:%Y-%m-%d}."
    return f"A plan instalment of {amount} is due on {begun}; it arrives by {until:%Y-%m-%d}."


def plausible_until(receipt: PlausibleReceipt, time_zone: str) -> datetime | None:
    """When money that may pay an item stops holding it; None where it was applied to it before."""
    if receipt.was_applied:
        return None
    seen_on = max(receipt.received_on, receipt.noticed_on or receipt.received_on)
    return start_of_day(seen_on + timedelta(days=PROBABLY_PAID_DAYS), time_zone)


_CHECKS: tuple[Callable[[ItemEvidence, datetime], Hold | None], ...] = (
    settled,
    in_flight,
    probably_paid,
    credit_available,
    disputed,
    promised,
    *(flagged(code) for code in FlagCode),
    not_final,
)
