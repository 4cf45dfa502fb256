"""Judges messages at the moment they are handed over, by what the firm's books say and by what the product had read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from sandbox.capture import CapturedMail
from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.firm import Firm
from sandbox.world.model import Customer, Organisation
from sandbox.world.score import all_amounts, in_its_currency, is_reminder, mentions

PROMISE_GRACE = timedelta(days=4)  # money that was promised for a day may still be on its way
ANNOUNCED_GRACE = timedelta(days=11)  # what is taken was announced a week before at most, and is taken within days
# What customers put up with, and how far apart the messages about one invoice are, give or take a wrong clock.
A_WEEK, MESSAGES_A_WEEK = timedelta(days=7), 2
BETWEEN_MESSAGES, BETWEEN_LEVELS = timedelta(days=3), timedelta(days=7)
CLOCKS_DIFFER = timedelta(minutes=11)


class Objection(StrEnum):
    """What is wrong with a message, or with what is taken."""

    NOT_DUE = "not due"
    AMOUNT = "amount"
    ADDRESS = "address"
    UNWANTED = "unwanted"
    TOO_OFTEN = "too often"
    AGAIN = "again"
    NOT_AGREED = "not agreed"
    NOT_TOLD = "not told"
    SHUT_OUT = "shut out"


@dataclass(frozen=True)
class Wrong:
    """A reminder that should not have gone: `text` says why, `window` how long its evidence had stood unread.

    A false reminder (`window` None) is contradicted by evidence that its source showed before the product read it
    last, or that nothing may be sent without.
    """

    objection: Objection
    text: str
    window: timedelta | None = None


class Knowledge(Protocol):
    """What the product has read, and what it must have read before it asks for money."""

    def last_read(self, firm: Firm, source: Source, invoice_id: str = "") -> datetime | None:
        """When it last read where a source shows its facts, of that invoice or of all; None when it never did."""

    def must_know(self, firm: Firm, fact: Fact, at: datetime) -> bool:
        """Whether a message that leaves at `at` without knowing a fact rests on evidence that is too old."""

    def credits_read_until(self, firm: Firm) -> datetime | None:
        """Up to when the product says it has read the credit notes of a firm."""

    def shut_out(self, firm: Firm, at: datetime) -> str | None:
        """Why nobody may ask for a firm's money, whatever is due; None when one may."""


@dataclass
class Judge:
    """Knows the firms, and what the product can know of them."""

    firms: Mapping[str, Firm]
    knowledge: Knowledge
    wrongs: list[Wrong] = field(default_factory=list)
    named: dict[tuple[str, str], datetime] = field(default_factory=dict)  # invoices, and when a message last did
    announced: dict[tuple[str, str], datetime] = field(default_factory=dict)  # invoices, and when autopay last was
    # Customers, and the mailboxes of those who read for several, in the last week.
    written_to: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    sent: int = 0
    unheard: list[tuple[Firm, Customer, datetime]] = field(
        default_factory=list
    )  # who was asked when, not looked at yet

    def hear(self, mail: CapturedMail) -> None:
        """Judge one message now."""
        if not is_reminder(mail):
            return
        self.sent += 1
        organisations: dict[str, Organisation] = {key: firm.organisation for key, firm in self.firms.items()}
        asked: dict[tuple[str, str], tuple[Firm, Customer]] = {}
        asked_for: defaultdict[str, Decimal] = defaultdict(Decimal)
        for organisation, invoice, stated in mentions(organisations, mail):
            amounts = in_its_currency(invoice, stated)
            asked_for[invoice.currency] += amounts[0] if amounts else 0
            firm = self.firms[organisation.key]
            debt = firm.debts[invoice.number]
            customer = firm.customer_of(debt)
            asked[firm.key, customer.key] = (firm, customer)
            self.wrongs += self._named_again(firm, debt, mail.received_at)
            self.wrongs += self._asked(firm, debt, mail.received_at)
            known = debt.state(mail.received_at.date(), self.known_of(firm, mail.received_at, debt))
            if amounts and known.open > 0 and known.open not in amounts:
                named = ", ".join(f"{amount} {currency}" for amount, currency in stated)
                text = f"{firm.key} {debt.number}: names {named}, {known.open} {invoice.currency} is open"
                self.wrongs.append(Wrong(Objection.AMOUNT, text))
            self.wrongs += self._addressed(firm, customer, mail)
        self.wrongs += _sums(mail, asked_for)
        for firm, customer in asked.values():
            self.unheard.append((firm, customer, mail.received_at))
            self.wrongs += self._written_to_again(firm, customer.key, customer.name, mail.received_at)
            if (why := self.knowledge.shut_out(firm, mail.received_at)) is not None:
                self.wrongs.append(Wrong(Objection.SHUT_OUT, f"{firm.key}: {customer.name} was asked, although {why}"))

        for key in {key for key, _ in asked}:
            for address in mail.recipients:
                self.wrongs += self._written_to_again(self.firms[key], address, address, mail.received_at)

    def missed(self, on: date, *, grace_days: int) -> list[tuple[Firm, Debt]]:
        """Debts truly due for longer than `grace_days` whose customer can be reached and that no message ever named.

        A customer with money or credit enough that pays nothing yet is not counted: holding is right there.
        """
        return [
            (firm, debt)
            for firm, debt in self.due(on, grace_days=grace_days)
            if (firm.key, debt.number) not in self.named
        ]

    def due(self, on: date, *, grace_days: int) -> list[tuple[Firm, Debt]]:
        """Debts truly due for longer than `grace_days` whose customer can be reached."""
        return [
            (firm, debt)
            for firm in self.firms.values()
            for debt in firm.debts.values()
            if debt.state(on).wrong_to_ask(on) is None
            and (on - max(debt.state(on).due_days)).days >= grace_days
            and firm.may_write(firm.customer_of(debt))
            and not any(fact.until is not None and on - fact.until <= PROMISE_GRACE for fact in debt.facts)
            and not self._is_announced(firm, debt, on)
            and not firm.has_credit_for(debt, debt.state(on).open)
        ]

    def _is_announced(self, firm: Firm, debt: Debt, on: date) -> bool:
        at = self.announced.get((firm.key, debt.number))
        return at is not None and on - at.date() <= ANNOUNCED_GRACE

    def _named_again(self, firm: Firm, debt: Debt, at: datetime) -> Iterator[Wrong]:
        before = self.named.get((firm.key, debt.number))
        self.named[firm.key, debt.number] = at
        if before is not None and at - before < BETWEEN_LEVELS - CLOCKS_DIFFER:
            yield Wrong(Objection.AGAIN, f"{firm.key} {debt.number}: named on {before} and again on {at}")

    def _written_to_again(self, firm: Firm, who: str, name: str, at: datetime) -> Iterator[Wrong]:
        before = self.written_to.get((firm.key, who), [])
        lately = [each for each in before if at - each < A_WEEK - CLOCKS_DIFFER]
        self.written_to[firm.key, who] = [*lately, at]
        if lately and at - lately[-1] < BETWEEN_MESSAGES - CLOCKS_DIFFER:
            yield Wrong(Objection.TOO_OFTEN, f"{firm.key}: {name} was written to on {lately[-1]} and on {at}")
        if len(lately) >= MESSAGES_A_WEEK:
            text = f"{firm.key}: {name} was written to {len(lately) + 1} times in the week up to {at}"
            yield Wrong(Objection.TOO_OFTEN, text)

    def _asked(self, firm: Firm, debt: Debt, at: datetime) -> Iterator[Wrong]:
        truth = debt.state(at.date()).wrong_to_ask(at.date())
        if truth is None:
            if self._is_credited(firm, debt):
                yield Wrong(Objection.NOT_DUE, f"{firm.key} {debt.number}: covered by credit")
            return
        known = self.known_of(firm, at, debt)
        knowable = debt.state(at.date(), known).wrong_to_ask(at.date())
        if knowable is not None:
            yield Wrong(Objection.NOT_DUE, f"{firm.key} {debt.number}: {knowable}")
            return
        since = min((fact.shown_at or at for fact in debt.facts if not known(fact)), default=at)
        text = f"{firm.key} {debt.number}: {truth}, not shown before the last reading"
        yield Wrong(Objection.NOT_DUE, text, at - since)

    def _is_credited(self, firm: Firm, debt: Debt) -> bool:
        """Whether credit that was read pays a debt whatever it pays before: all that may be older, in full."""
        read_until = self.knowledge.credits_read_until(firm)
        if read_until is None:
            return False
        whose = (debt.invoice.customer, debt.invoice.currency)
        theirs = [each for each in firm.credits if (each.customer, each.currency) == whose and each.at < read_until]
        left = sum((firm.ledger.credit_left(each.ledger_id) for each in theirs), Decimal(0))
        if left < debt.invoice.total:
            return False
        due_on = max(debt.due_dates())
        others = [each for each in firm.debts.values() if each is not debt and min(each.due_dates()) <= due_on]
        before = [each.invoice.total for each in others if (each.invoice.customer, each.invoice.currency) == whose]
        return left >= debt.invoice.total + sum(before, Decimal(0))

    def known_of(self, firm: Firm, at: datetime, debt: Debt | None = None) -> Callable[[Fact], bool]:
        """Return what tells of a fact (of `debt`, where it is of one) whether the product knows it then, or should."""

        def known(fact: Fact) -> bool:
            if self.knowledge.must_know(firm, fact, at):
                return True
            read_at = self.knowledge.last_read(firm, fact.source, debt.invoice.ledger_id if debt else "")
            return fact.shown_at is not None and read_at is not None and fact.shown_at < read_at

        return known

    def _addressed(self, firm: Firm, customer: Customer, mail: CapturedMail) -> Iterator[Wrong]:
        at = mail.received_at
        if customer.opted_out or not any(customer.knows(address) for address in mail.recipients):
            text = f"{firm.key}: sent to {', '.join(mail.recipients)}, {customer.name} is at {customer.email}"
            yield Wrong(Objection.ADDRESS, text)
        asked = firm.silent.get(customer.key)
        if asked is not None:
            text = f"{firm.key}: sent to {customer.name}, who asked for no more messages"
            yield Wrong(Objection.UNWANTED, text, None if self.known_of(firm, at)(asked) else at - asked.at)


def _sums(mail: CapturedMail, asked_for: Mapping[str, Decimal]) -> Iterator[Wrong]:
    """A message that asks for several invoices names what they come to, for each currency."""
    named = all_amounts(mail)
    for currency, amount in asked_for.items():
        if amount and (amount, currency) not in named:
            text = f"{', '.join(mail.recipients)}: asked for {amount} {currency} in all, which is not named"
            yield Wrong(Objection.AMOUNT, text)
