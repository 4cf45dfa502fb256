"""What would have been reminded over past days: the same holds and policy, asked of what was known on each day."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from receivables.document import DocumentStatus
from receivables.money import Money, total
from reminders.business_time import is_business_day
from reminders.evidence import Flag, ItemEvidence
from reminders.holds import HoldCode, evaluate
from reminders.policy import DunningPolicy, next_level, pause_before
from reminders.policy_book import Debtor, PolicyBook
from reminders.reach import as_reached
from reminders.schedule import Candidate, Plan, Verdict, plan

MAX_DAYS = 366
SENT_AT = time(10, 0)  # on the payer's clock
_WEEK = timedelta(days=7)
_UNKNOWN = Debtor({}, 0)


@dataclass(frozen=True, slots=True)
class PastMoney:
    """A part of an invoice that was paid on a day, and the first day on which its evidence could be read."""

    amount: Money
    paid_on: date
    known_on: date


@dataclass(frozen=True, slots=True)
class PastHold:
    """A hold that a person or a system placed, and when it ended; None where it stands."""

    flag: Flag
    placed_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastInvoice:
    """An invoice as it is known now, with the days of its money.

    `owed` is what was to be paid: the total less what was taken off it on a day that nobody tells. What else has no
    day (a dispute, a promise, credit of the customer's, an opt-out) counts as known from the start.
    """

    evidence: ItemEvidence
    owed: Money
    money: tuple[PastMoney, ...]
    holds: tuple[PastHold, ...] = ()

    def left(self, day: date) -> Money:
        """What is open by what is known on `day`."""
        return self.owed - total([part.amount for part in self.money if part.known_on <= day], self.owed.currency)

    def paid_by(self, day: date) -> date | None:
        """The day on which it was in truth paid in full, if that is not after `day`."""
        left = self.owed
        for part in sorted(self.money, key=lambda part: part.paid_on):
            left -= part.amount
            if left.minor <= 0:
                return part.paid_on if part.paid_on <= day else None
        return None

    def as_known(self, at: datetime, contacts: Sequence[datetime]) -> ItemEvidence:
        """The evidence at `at`, when the customer was written to at `contacts`."""
        day = self.evidence.contact.local(at).date()
        recent = [contact for contact in contacts if contact > at - _WEEK]
        return replace(
            self.evidence,
            item=replace(self.evidence.item, open_amount=self.owed),
            document_status=DocumentStatus.OPEN,
            ledger_balance=self.left(day),
            our_allocations=(),
            in_flight=tuple(each for each in self.evidence.in_flight if each.begun_at <= at),
            plausible_receipts=tuple(r for r in self.evidence.plausible_receipts if r.received_on < day),
            flags=tuple(
                each.flag
                for each in self.holds
                if each.placed_at <= at and (each.released_at is None or at < each.released_at)
            ),
            contact=replace(
                self.evidence.contact,
                contacts_this_week=len(recent),
                last_contact_at=contacts[-1] if contacts else None,
            ),
        )


@dataclass(frozen=True, slots=True)
class ReplayedLine:
    """An invoice named in a message; `paid_on` is set where it had in truth been paid by then."""

    item_id: str
    number: str
    level: int
    amount_due: Money
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class ReplayedMessage:
    """A message that would have been sent on `day`, the payer's day."""

    day: date
    recipient_id: str
    lines: tuple[ReplayedLine, ...]

    @property
    def names_paid(self) -> bool:
        """Whether it names an invoice that had been paid."""
        return any(line.paid_on is not None for line in self.lines)


@dataclass(frozen=True, slots=True)
class Replay:
    """The messages in their order, and the invoices that each hold kept back on some day."""

    messages: tuple[ReplayedMessage, ...]
    held: dict[HoldCode, frozenset[str]]


@dataclass
class _Desk:
    """What was sent so far. Nothing counts as sent before the first day."""

    book: PolicyBook
    known: Mapping[str, Debtor]
    messages: list[ReplayedMessage] = field(default_factory=list)
    held: defaultdict[HoldCode, set[str]] = field(default_factory=lambda: defaultdict(set))
    contacts: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    reminded: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def work(self, invoices: Iterable[PastInvoice], day: date) -> None:
        """Decide about what is open on `day`, at ten o'clock in each time zone."""
        by_zone: defaultdict[str, list[PastInvoice]] = defaultdict(list)
        for each in invoices:
            if is_business_day(day, each.evidence.contact.country):
                by_zone[each.evidence.contact.time_zone].append(each)
        for zone, those in sorted(by_zone.items()):
            at = datetime.combine(day, SENT_AT, ZoneInfo(zone))
            policies = self._policies(those, day)
            asked = [each for each in those if self._is_asked(each, at, policies)]
            candidates = [self._candidate(each, at, policies) for each in asked]
            decided = plan(candidates=candidates, policy=self.book.default, policies=policies, as_of=at)
            self._note(decided, {each.evidence.item.item_id: each for each in those}, at)

    def _policies(self, invoices: Sequence[PastInvoice], day: date) -> dict[str, DunningPolicy]:
        """The policy of each customer by what was open on `day`; of nobody where one is for everyone."""
        if self.book.is_for_everyone:
            return {}
        by_customer: defaultdict[str, list[PastInvoice]] = defaultdict(list)
        for each in invoices:
            by_customer[each.evidence.contact.recipient_id].append(each)
        return {
            customer: self.book.policy_for(_debtor(those, day, self.known.get(customer, _UNKNOWN)))
            for customer, those in by_customer.items()
        }

    def _is_asked(self, invoice: PastInvoice, at: datetime, policies: Mapping[str, DunningPolicy]) -> bool:
        """Whether the policy asks for it now: of the others, most by far, nothing else need be known."""
        policy = policies.get(invoice.evidence.contact.recipient_id, self.book.default)
        level, reminded_at = self.reminded.get(invoice.evidence.item.item_id, (0, None))
        days = (at.date() - invoice.evidence.item.due_on).days
        step = next_level(policy=policy, days_overdue=days, reminded_level=level)
        if step is None:
            return False
        return reminded_at is None or at >= reminded_at + pause_before(policy=policy, step=step, reminded_level=level)

    def _candidate(self, invoice: PastInvoice, at: datetime, policies: Mapping[str, DunningPolicy]) -> Candidate:
        evidence = invoice.as_known(at, self.contacts[invoice.evidence.contact.recipient_id])
        policy = policies.get(evidence.contact.recipient_id, self.book.default)
        level, reminded_at = self.reminded.get(evidence.item.item_id, (0, None))
        step = next_level(policy=policy, days_overdue=evidence.days_overdue(at), reminded_level=level)
        evidence = replace(evidence, contact=as_reached(evidence.contact, step))
        holds = evaluate(evidence=evidence, as_of=at, limits=policy.limits, freshness_is_reported=True)
        return Candidate(evidence, holds, reminded_level=level, reminded_at=reminded_at)

    def _note(self, decided: Plan, invoices: Mapping[str, PastInvoice], at: datetime) -> None:
        levels = {each.evidence.item.item_id: each.level.level for each in decided.decisions if each.level is not None}
        for decision in decided.decisions:
            if decision.verdict is Verdict.HELD:
                for hold in decision.holds:
                    self.held[hold.code].add(decision.evidence.item.item_id)
        for each in decided.reminders:
            lines = tuple(
                ReplayedLine(
                    item_id=line.item_id,
                    number=line.number,
                    level=levels[line.item_id],
                    amount_due=line.amount_due,
                    paid_on=invoices[line.item_id].paid_by(at.date()),
                )
                for line in each.lines
            )
            self.messages.append(ReplayedMessage(at.date(), each.recipient_id, lines))
            self.contacts[each.recipient_id].append(at)
            self.reminded.update({line.item_id: (line.level, at) for line in lines})


def _debtor(invoices: Sequence[PastInvoice], day: date, known: Debtor) -> Debtor:
    amounts: dict[str, Money] = {}
    for each in invoices:
        left = each.left(day)
        amounts[left.currency] = left + amounts.get(left.currency, Money.zero(left.currency))
    oldest = min(each.evidence.item.due_on for each in invoices)
    country = invoices[0].evidence.contact.country
    numbers = tuple(each.evidence.item.number for each in invoices)
    return replace(known, open_amounts=amounts, days_overdue=(day - oldest).days, country=country, numbers=numbers)


def replay(
    *,
    invoices: Sequence[PastInvoice],
    first: date,
    last: date,
    book: PolicyBook,
    known: Mapping[str, Debtor] = MappingProxyType({}),
) -> Replay:
    """Play the days from `first` to `last`, both included. ValueError for none, or for more than MAX_DAYS.

    `known` is what each customer is like now: how they pay, their risk, how they are reached. What they owed on a day,
    and for how long, is that day's.
    """
    length = (last - first).days + 1
    if not 1 <= length <= MAX_DAYS:
        raise ValueError(f"{first} to {last} is {length} days; 1 to {MAX_DAYS} can be replayed")
    desk = _Desk(book, known)
    waiting = deque(sorted(invoices, key=lambda each: (each.evidence.item.issued_on, each.evidence.item.item_id)))
    open_now: list[PastInvoice] = []
    for day in (first + timedelta(days=passed) for passed in range(length)):
        while waiting and waiting[0].evidence.item.issued_on <= day:
            open_now.append(waiting.popleft())
        open_now = [each for each in open_now if each.left(day).minor > 0]
        desk.work(open_now, day)
    return Replay(tuple(desk.messages), {code: frozenset(items) for code, items in desk.held.items()})
