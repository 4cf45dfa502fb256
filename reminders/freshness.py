"""Is the evidence new enough to send on? It fails closed: what was not read proves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.business_time import previous_business_day
from reminders.evidence import BankDeclaration, BankEvidence, CrmEvidence, Freshness, ProcessorEvidence

LEDGER_MAX_AGE = timedelta(seconds=60)
PROCESSOR_MAX_AGE = timedelta(minutes=5)
CRM_MAX_AGE = timedelta(minutes=15)
LIVE_FEED_MAX_AGE = timedelta(hours=24)


def gaps(*, freshness: Freshness, as_of: datetime) -> list[str]:
    """Return a sentence for each source whose evidence is too old, or was never declared."""
    found = []
    if not _is_fresh(freshness.ledger_read_at, as_of, LEDGER_MAX_AGE):
        found.append(
            f"The ledger was {_last(freshness.ledger_read_at, 'read')}; it must be read within 60 seconds of sending."
        )
    if freshness.is_being_written:
        found.append(
            "Money of this invoice is being posted in the ledger, or taken off it there; until the balance shows that, "
            "nothing is asked for."
        )
    if freshness.has_unread_payments:
        found.append("Less is paid on this invoice than was known; the ledger's payments must be read first.")
    found.extend(
        f"Events of {processor.name} were {_last(processor.caught_up_at, 'caught up')}; "
        "they must be caught up within 5 minutes of sending."
        for processor in _late_processors(freshness, as_of)
    )
    crm = _late_crm(freshness, as_of)
    if crm is not None:
        found.append(
            f"What people say in {crm.name} was {_last(crm.read_at, 'read')}; "
            "it must be read within 15 minutes of sending."
        )
    if not freshness.bank:
        found.append("No bank account has declared its evidence.")
    found.extend(gap for bank in freshness.bank if (gap := _bank_gap(bank, as_of)) is not None)
    return found


def unheard(*, freshness: Freshness, as_of: datetime) -> list[str]:
    """Return the names of the processors and the CRM that were read too long ago to rest anything on what they said."""
    crm = _late_crm(freshness, as_of)
    return [*(each.name for each in _late_processors(freshness, as_of)), *([crm.name] if crm else [])]


def _late_processors(freshness: Freshness, as_of: datetime) -> list[ProcessorEvidence]:
    return [each for each in freshness.processors if not _is_fresh(each.caught_up_at, as_of, PROCESSOR_MAX_AGE)]


def _late_crm(freshness: Freshness, as_of: datetime) -> CrmEvidence | None:
    crm = freshness.crm
    return crm if crm is not None and not _is_fresh(crm.read_at, as_of, CRM_MAX_AGE) else None


def _bank_gap(bank: BankEvidence, as_of: datetime) -> str | None:
    if bank.declares is BankDeclaration.ATTESTED:
        named = bool(bank.attested_by and bank.attested_by.strip())
        return None if named else f"Nobody has attested that the ledger is complete for bank account {bank.account}."
    if bank.declares is BankDeclaration.LIVE_FEED:
        fresh = _is_fresh(bank.caught_up_at, as_of, LIVE_FEED_MAX_AGE)
        return (
            None if fresh else f"The feed of bank account {bank.account} was {_last(bank.caught_up_at, 'caught up')}."
        )
    needed = previous_business_day(as_of.astimezone(ZoneInfo(bank.time_zone)).date(), bank.country)
    if bank.evidence_until is not None and bank.evidence_until >= needed:
        return None
    reach = "have not arrived" if bank.evidence_until is None else f"reach {bank.evidence_until.isoformat()}"
    return f"Statements of bank account {bank.account} {reach}; they must cover {needed.isoformat()}."


def _is_fresh(read_at: datetime | None, as_of: datetime, limit: timedelta) -> bool:
    # A time in the future comes from a wrong clock, so it proves no more than one too far in the past.
    return read_at is not None and abs(as_of - read_at) <= limit


def _last(read_at: datetime | None, verb: str) -> str:
    return f"never {verb}" if read_at is None else f"last {verb} at {read_at.isoformat(timespec='seconds')}"
