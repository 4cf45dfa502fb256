"""What confirming a proposal would write in the ledger, to be seen before it is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from receivables.allocation import Hypothesis, Residual
from receivables.money import Money
from receivables.settlement import FEE_KINDS
from runtime.operations.applying.postings import fee_account
from runtime.operations.systems.ledger_accounts import account_of
from runtime.operations.systems.treatments import Treatment
from runtime.store import tables as t

CASH = "cash"


@dataclass(frozen=True, slots=True)
class PostingAhead:
    """A line of it: `kind` is CASH or that of a residual; `account` its name and handle, None where none is known."""

    kind: str
    amount: Money
    account: str | None


@dataclass
class LedgerAhead:
    """Tells it for the proposals of one organisation; accounts that several share are looked up once."""

    db: Connection
    organisation_id: str
    treatments: Mapping[str, Treatment]
    _cash: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def of(self, receipt: Mapping[str, Any], best: Hypothesis) -> tuple[PostingAhead, ...]:
        """Return what would be written for a receipt (a row): its money, and what closes items beside it."""
        amount = Money(receipt["amount_minor"], receipt["currency"])
        lines = [PostingAhead(CASH, amount, self._named(self._account(receipt)))] if amount else []
        for each in best.residuals:
            account = self._account_of(each, receipt["currency"])
            lines.append(PostingAhead(each.kind.value, each.amount, self._named(account)))
        return tuple(lines)

    def _account_of(self, residual: Residual, currency: str) -> str | None:
        if residual.kind in FEE_KINDS:
            return fee_account(self.db, self.organisation_id, [residual], currency, self.treatments)
        known = self.treatments.get(residual.kind.value)
        return known.account if known else None

    def _account(self, receipt: Mapping[str, Any]) -> str | None:
        key = receipt["source"], receipt["source_account"], receipt["currency"]
        if key not in self._cash:
            self._cash[key] = account_of(self.db, self.organisation_id, dict(receipt))
        return self._cash[key]

    def _named(self, handle: str | None) -> str | None:
        if handle is None:
            return None
        if not self._names:
            rows = self.db.execute(
                select(t.account.c.handle, t.account.c.name).where(t.account.c.organisation_id == self.organisation_id)
            )
            self._names.update({row.handle: f"{row.name} ({row.handle})" for row in rows})
        return self._names.get(handle, handle)
