"""Why each hold did not apply, in words: the other half of a certificate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reminders.evidence import BankEvidence, FlagCode, ItemEvidence
from reminders.holds import MAX_RANK_HELD, HoldCode, in_flight_until

_FLAG_CODES = frozenset(flag.value for flag in FlagCode)


def why_clear(code: HoldCode, evidence: ItemEvidence, as_of: datetime) -> str:
    """Return the sentence that says why `code` did not hold the item; only for a code that did not."""
    if code.value in _FLAG_CODES:
        ended = sum(flag.code == code.value for flag in evidence.flags)
        return f"{ended} such states, all ended." if ended else "No such state is set."
    return _FINDINGS[code](evidence, as_of)


def _settled(evidence: ItemEvidence, _as_of: datetime) -> str:
    return (
        f"The ledger shows {evidence.ledger_balance} open and {evidence.allocated_by_us} is allocated by us "
        f"beside it: {evidence.remaining} remains."
    )


def _in_flight(evidence: ItemEvidence, _as_of: datetime) -> str:
    if not evidence.in_flight:
        return "No payment is on its way."
    ends = ", ".join(f"{p.kind} of {p.amount} until {in_flight_until(p):%Y-%m-%d %H:%M}" for p in evidence.in_flight)
    return f"No payment is on its way at this time; known: {ends}."


def _probably_paid(evidence: ItemEvidence, _as_of: datetime) -> str:
    if not evidence.plausible_receipts:
        return "No unapplied receipt could pay this invoice."
    seen = ", ".join(f"{r.receipt_id} of {r.received_on} at rank {r.rank}" for r in evidence.plausible_receipts)
    return f"Receipts seen are too old, or rank below {MAX_RANK_HELD} among what they could pay: {seen}."


def _credit_available(evidence: ItemEvidence, _as_of: datetime) -> str:
    return f"Unapplied credit left for this invoice is {evidence.credit_available}, less than {evidence.remaining}."


def _disputed(_evidence: ItemEvidence, _as_of: datetime) -> str:
    return "No open dispute."


def _promised(evidence: ItemEvidence, _as_of: datetime) -> str:
    if not evidence.promises:
        return "No promise to pay."
    return f"The last promise was for {max(p.promised_on for p in evidence.promises)} and has passed."


def _not_final(evidence: ItemEvidence, _as_of: datetime) -> str:
    return f"The invoice is {evidence.document_status} and was sent to the customer."


def _contact(evidence: ItemEvidence, as_of: datetime) -> str:
    who = evidence.contact
    return (
        f"{who.channel} rests on {who.lawful_basis}; not opted out of it, not bounced; "
        f"{who.contacts_this_week} contacts in seven days, {who.contacts_for_others} of them for others there, "
        f"{who.contacts_elsewhere} by other organisations; "
        f"{who.local(as_of):%A %H:%M} in {who.time_zone} is inside contact hours."
    )


def _stale(evidence: ItemEvidence, _as_of: datetime) -> str:
    facts = evidence.freshness
    read = facts.ledger_read_at.isoformat() if facts.ledger_read_at else "never"
    processors = [f"{p.name} caught up at {p.caught_up_at.isoformat()}" for p in facts.processors if p.caught_up_at]
    crm = [f"{facts.crm.name} read at {facts.crm.read_at.isoformat()}"] if facts.crm and facts.crm.read_at else []
    return "; ".join([f"Ledger read at {read}", *processors, *crm, *map(_bank, facts.bank)]) + "."


def _bank(bank: BankEvidence) -> str:
    reach = bank.attested_by or bank.evidence_until or bank.caught_up_at
    return f"bank account {bank.account} by {bank.declares}: {reach}"


_FINDINGS: dict[HoldCode, Callable[[ItemEvidence, datetime], str]] = {
    HoldCode.SETTLED: _settled,
    HoldCode.IN_FLIGHT: _in_flight,
    HoldCode.PROBABLY_PAID: _probably_paid,
    HoldCode.CREDIT_AVAILABLE: _credit_available,
    HoldCode.DISPUTED: _disputed,
    HoldCode.PROMISED: _promised,
    HoldCode.NOT_FINAL: _not_final,
    HoldCode.CONTACT: _contact,
    HoldCode.STALE: _stale,
}
