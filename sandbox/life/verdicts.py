"""Judges messages at the moment they are handed over, by what the firm's books say and by what the product had read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sandbox.capture import CapturedMail
from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.firm import Firm
from sandbox.world.model import Customer, Organisation
from sandbox.world.score import is_reminder, mentions

PROMISE_GRACE = timedelta(days=4)  # money that was promised for a day may still be on its way
LastRead = Callable[[Firm, Source], datetime | None]


@dataclass(frozen=True)
class Wrong:
    """A reminder that should not have gone: `text` says why, `window` how long its evidence had stood unread.

    A false reminder (`window` None) is contradicted by evidence that its source showed before the product read it last.
    """

    text: str
    window: timedelta | None


@dataclass
class Judge:
    """Knows the firms, and when the product last read each source of each."""

    firms: Mapping[str, Firm]
    last_read: LastRead
    wrongs: list[Wrong] = field(default_factory=list)
    reminded: set[tuple[str, str]] = field(default_factory=set)
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
        for organisation, invoice, amounts in mentions(organisations, mail):
            firm = self.firms[organisation.key]
            debt = firm.debts[invoice.number]
            self.reminded.add((firm.key, debt.number))
            self.unheard.append((firm, firm.customer_of(debt), mail.received_at))
            self.wrongs += self._asked(firm, debt, mail.received_at)
            known = debt.state(mail.received_at.date(), self._known_of(firm))
            if amounts and known.open > 0 and known.open not in amounts:
                self.wrongs.append(
                    Wrong(f"{firm.key} {debt.number}: names {', '.join(map(str, amounts))}, {known.open} is open", None)
                )
            self.wrongs += _addressed(firm, firm.customer_of(debt), mail)

    def missed(self, on: date, *, grace_days: int) -> list[tuple[Firm, Debt]]:
        """Debts truly due for longer than `grace_days` whose customer can be reached and that no message ever named.

        A customer with money or credit that pays nothing yet is not counted: holding is right there.
        """
        return [
            (firm, debt)
            for firm, debt in self.due(on, grace_days=grace_days)
            if (firm.key, debt.number) not in self.reminded
        ]

    def due(self, on: date, *, grace_days: int) -> list[tuple[Firm, Debt]]:
        """Debts truly due for longer than `grace_days` whose customer can be reached."""
        return [
            (firm, debt)
            for firm in self.firms.values()
            for debt in firm.debts.values()
            if debt.state(on).wrong_to_ask(on) is None
            and (on - debt.state(on).due_on).days >= grace_days
            and firm.customer_of(debt).reachable
            and not any(fact.until is not None and on - fact.until <= PROMISE_GRACE for fact in debt.facts)
            and not firm.in_credit & {debt.invoice.customer, firm.customer_of(debt).parent or ""}
        ]

    def _asked(self, firm: Firm, debt: Debt, at: datetime) -> Iterator[Wrong]:
        truth = debt.state(at.date()).wrong_to_ask(at.date())
        if truth is None:
            return
        knowable = debt.state(at.date(), self._known_of(firm)).wrong_to_ask(at.date())
        if knowable is not None:
            yield Wrong(f"{firm.key} {debt.number}: {knowable}", None)
            return
        unread = [fact for fact in debt.facts if not self._known_of(firm)(fact)]
        since = min((fact.shown_at or at for fact in unread), default=at)
        yield Wrong(f"{firm.key} {debt.number}: {truth}, not shown before the last reading", at - since)

    def _known_of(self, firm: Firm) -> Callable[[Fact], bool]:
        def known(fact: Fact) -> bool:
            read_at = self.last_read(firm, fact.source)
            return fact.shown_at is not None and read_at is not None and fact.shown_at < read_at

        return known


def _addressed(firm: Firm, customer: Customer, mail: CapturedMail) -> Iterator[Wrong]:
    if customer.opted_out or not any(customer.knows(address) for address in mail.recipients):
        yield Wrong(f"{firm.key}: sent to {', '.join(mail.recipients)}, {customer.name} is at {customer.email}", None)
