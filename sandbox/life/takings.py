"""Judges what is taken from saved means at the moment it is: announced, agreed to, owed, and once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.capture import CapturedMail
from sandbox.life.debts import Debt
from sandbox.life.firm import Firm, Mandate
from sandbox.life.mandates import CARD, stands
from sandbox.life.verdicts import CLOCKS_DIFFER, Judge, Objection, Wrong
from sandbox.stripe.objects import Object
from sandbox.world.score import in_its_currency, mentions

_AHEAD = re.compile(r"will be taken from your ")  # in the subject of what the payers of the lives are told before
_FAILED = re.compile(r"could not be taken from your ")
# From a message of the evening to the morning of the day: two days on the calendar for a card, three for a debit.
_NOTICE_CARD, _NOTICE_DEBIT = timedelta(hours=32), timedelta(hours=56)


@dataclass
class Takings:
    """Knows what was announced to whom, and what was wrong with what was taken."""

    judge: Judge
    wrongs: list[Wrong] = field(default_factory=list)
    told: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def hear(self, mail: CapturedMail) -> bool:
        """Remember what a message announces; False for one that is not about what is taken."""
        if _AHEAD.search(mail.subject) is None:
            return _FAILED.search(mail.subject) is not None
        organisations = {key: firm.organisation for key, firm in self.judge.firms.items()}
        for organisation, invoice, stated in mentions(organisations, mail):
            firm = self.judge.firms[organisation.key]
            if any(firm.customer_of(firm.debts[invoice.number]).knows(address) for address in mail.recipients):
                self.judge.announced[firm.key, invoice.number] = mail.received_at
                self.told[firm.key, invoice.number] += [
                    (mail.received_at, amount) for amount in in_its_currency(invoice, stated)
                ]
        return True

    def see(self, firm: Firm, debt: Debt, mandate: Mandate, intent: Object, at: datetime) -> None:
        """Judge a payment that is asked of a saved means, before the firm's books know of it."""
        amount = Decimal(intent["amount"]).scaleb(-2)
        what = f"{firm.key} {debt.number}: {amount} by {mandate.method}"
        self.count += 1
        self.wrongs += [Wrong(kind, f"{what}: {why}") for kind, why in self._wrongs(firm, debt, mandate, intent, at)]

    def _wrongs(
        self, firm: Firm, debt: Debt, mandate: Mandate, intent: Object, at: datetime
    ) -> Iterator[tuple[Objection, str]]:
        amount = Decimal(intent["amount"]).scaleb(-2)
        if mandate.ended_at is not None:
            yield Objection.NOT_AGREED, f"the mandate ended on {mandate.ended_at}"
        if firm.customer(mandate.customer) is not firm.customer_of(debt):
            yield Objection.NOT_AGREED, "it is another customer's"
        if intent["currency"].upper() != debt.invoice.currency:
            yield Objection.NOT_AGREED, f"in {intent['currency']}, which is owed in {debt.invoice.currency}"
        if mandate.ceiling is not None and amount > mandate.ceiling:
            yield Objection.NOT_AGREED, f"the ceiling is {mandate.ceiling}"
        notice = (_NOTICE_CARD if mandate.method == CARD else _NOTICE_DEBIT) - CLOCKS_DIFFER
        if not any(told == amount and at - heard >= notice for heard, told in self.told[firm.key, debt.number]):
            yield Objection.NOT_TOLD, f"told {self.told[firm.key, debt.number]}, taken on {at}"
        if any(each.invoice == debt.number and each.taken_from and stands(each) for each in firm.charges):
            yield Objection.AGAIN, "what was taken before stands"
        known = debt.state(at.date(), self.judge.known_of(firm, at, debt))
        if known.open < amount:
            yield Objection.NOT_DUE, f"{known.open} is open"
        if known.held:
            yield Objection.NOT_DUE, f"held ({', '.join(sorted(known.held))})"
        day = known.due_on - timedelta(days=mandate.days_before)
        if at.date() < day:
            yield Objection.NOT_DUE, f"it is to be taken on {day}"
