"""What the product has read of the firms' facts, and what it must have read before a message leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.business_time import previous_business_day
from reminders.freshness import CRM_MAX_AGE, LEDGER_MAX_AGE, PROCESSOR_MAX_AGE
from runtime.demo.people import ZONES
from runtime.simulation.road import INSTRUCTIONS, Calls
from runtime.simulation.virtual import VirtualTime
from sandbox.estate import Estate
from sandbox.life import Firm, Source
from sandbox.life.debts import Fact
from sandbox.life.verdicts import CLOCKS_DIFFER

# The others are the firm's own.
SYSTEMS: Mapping[Source, str] = {
    Source.PROCESSOR: "stripe",
    Source.CRM: "salesforce",
    Source.INSTRUCTIONS: "salesforce",
}
# How old evidence may be when a message is handed over: the ledger is read for each batch, the processor caught up
# and the CRM caught up with before that.
MAX_AGE = {
    Source.LEDGER: LEDGER_MAX_AGE + timedelta(seconds=1),
    Source.PROCESSOR: PROCESSOR_MAX_AGE + LEDGER_MAX_AGE + timedelta(seconds=1),
    Source.CRM: CRM_MAX_AGE + LEDGER_MAX_AGE + timedelta(seconds=1),
    Source.INSTRUCTIONS: CRM_MAX_AGE + LEDGER_MAX_AGE + timedelta(seconds=1),
}
# A replica that is behind makes the product believe what it read there, until it reads again.
MISLED_FOR = timedelta(minutes=30)
_TICK = timedelta(microseconds=1)


@dataclass
class Lapses:
    """Remembers when each consent ended."""

    time: VirtualTime
    estate: Estate
    ended_at: dict[str, datetime] = field(default_factory=dict)
    left_at: dict[tuple[str, str], datetime] = field(default_factory=dict)  # accounts that owners disconnected here

    def has_left(self, system: str, account: str, at: datetime) -> bool:
        """Whether an owner had disconnected an account by then and not connected it again: it tells nothing more."""
        left_at = self.left_at.get((system, account))
        standin = next(each for each in self.estate.standins if each.name == system)
        stands = any(account in each.accounts and not each.revoked for each in standin.oauth.grants.values())
        return left_at is not None and left_at <= at and not stands

    def end(self, system: str, grant_id: str) -> None:
        """End a consent as its owner does at the vendor."""
        standin = next(each for each in self.estate.standins if each.name == system)
        standin.oauth.grants[grant_id].revoked = True
        self.ended_at[grant_id] = self.time.now()

    def lapsed_since(self, system: str, account: str) -> datetime | None:
        """Since when no consent of an account stands; None while one does."""
        standin = next(each for each in self.estate.standins if each.name == system)
        grants = [each for each in standin.oauth.grants.values() if account in each.accounts]
        if not grants or any(not each.revoked for each in grants):
            return None
        return max((self.ended_at[each.grant_id] for each in grants if each.grant_id in self.ended_at), default=None)


@dataclass
class Knowledge:
    """What the calls on the road let the product know of each firm."""

    time: VirtualTime
    estate: Estate
    calls: Calls
    lapses: Lapses
    credits_read: Callable[[Firm], datetime | None]  # by the product's clock

    def last_read(self, firm: Firm, source: Source, invoice_id: str = "") -> datetime | None:
        """When the product last read where a source shows its facts; a bank's file as it is given, people at once.

        The ledger shows an invoice in its lists, and when it is asked for it.
        """
        if source in (Source.BANK, Source.DESK):
            return self.time.now() + _TICK
        system, account = self._books(firm, source)
        listed = self.calls.read_at.get((INSTRUCTIONS if source is Source.INSTRUCTIONS else system, account))
        alone = self.calls.looked_at.get((system, account, invoice_id)) if source is Source.LEDGER else None
        return max((at for at in (listed, alone) if at is not None), default=None)

    def must_know(self, firm: Firm, fact: Fact, at: datetime) -> bool:
        """Whether a message that leaves at `at` without knowing a fact rests on evidence that is too old.

        A bank's account is known up to the last banking day, whether its file was taken or not.
        """
        if fact.source is Source.BANK:
            today = at.astimezone(ZoneInfo(ZONES[firm.profile.country])).date()
            return fact.is_told and fact.at.date() <= previous_business_day(today, firm.profile.country)
        if fact.source not in MAX_AGE or fact.shown_at is None:
            return False
        if self.lapses.has_left(*self._books(firm, fact.source), fact.shown_at):
            return False
        misled_at = self.calls.misled_at.get(self._books(firm, fact.source))
        if misled_at is not None and at - misled_at < MISLED_FOR:
            return False
        return fact.shown_at < at - MAX_AGE[fact.source]

    def credits_read_until(self, firm: Firm) -> datetime | None:
        """Up to when the product says it has read the credit notes of a firm."""
        until = self.credits_read(firm)
        return None if until is None else until - CLOCKS_DIFFER

    def shut_out(self, firm: Firm, at: datetime) -> str | None:
        """Why nobody may ask for a firm's money: the ledger, the processor or the CRM cannot be read any more."""
        for source in (Source.LEDGER, Source.PROCESSOR, Source.CRM):
            system, account = self._books(firm, source)
            since = self.lapses.lapsed_since(system, account)
            if since is not None and at - since > MAX_AGE[source]:
                return f"the consent of {system} ended on {since}"
        return None

    def _books(self, firm: Firm, source: Source) -> tuple[str, str]:
        system = SYSTEMS.get(source, firm.profile.system)
        return system, firm.account_of(system, self.estate)
