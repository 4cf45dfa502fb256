"""What every act of daily life needs: chance, the clock, a place for what follows, and whom it may concern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.firm import Firm
from sandbox.quickbooks.values import Fault
from sandbox.salesforce.refusal import Refused as SalesforceRefused
from sandbox.stripe.refusal import Refused as StripeRefused
from sandbox.world.model import Customer
from sandbox.xero.values import Refused as XeroRefused

CENT = Decimal("0.01")
_NEARLY_DUE, _JUST_DUE, _PRESSING = -2, 2, 0.6  # days after the due day, and how often such a debt is what it is about
# What the systems say to people: a closed period, a paid invoice, a record that is gone.
REFUSALS = (XeroRefused, Fault, SalesforceRefused, StripeRefused)
Clock = Callable[[], datetime]
Later = Callable[[timedelta, str, Callable[[], str | None]], None]


@dataclass
class Hands:
    """Draws from the seed who does what; `agenda` is where what follows is left."""

    rng: Random
    clock: Clock
    agenda: Later

    def later(self, after: timedelta, name: str, happening: Callable[[], str | None]) -> None:
        """Leave something for later; where a system refuses it by then, it does not happen."""

        def happen() -> str | None:
            try:
                return happening()
            except REFUSALS as error:
                return f"{name}: refused ({error})"

        self.agenda(after, name, happen)

    def today(self) -> date:
        """Return the day."""
        return self.clock().date()

    def note(self, firm: Firm, debt: Debt, source: Source, **facts: object) -> Fact:
        """Let something be true of a debt that its source shows from now on."""
        at = self.clock()
        return firm.happened(debt, Fact(source, at, at, **facts))  # type: ignore[arg-type]

    def owed(self, debt: Debt) -> Decimal:
        """What is truly open of a debt."""
        return debt.state(self.today()).open

    def share(self, amount: Decimal) -> Decimal:
        """Draw a part of an amount."""
        return max(CENT, (amount * Decimal(self.rng.randint(10, 80)) / 100).quantize(CENT, ROUND_HALF_UP))

    def customers(self, firm: Firm) -> list[Customer]:
        """Return a firm's customers."""
        return list(firm.organisation.customers.values())

    def open(self, firm: Firm) -> list[Debt]:
        """Return the debts of a firm that are not paid."""
        return list(firm.unpaid.values())

    def pick(self, firm: Firm, fits: Callable[[Debt], bool]) -> Debt | None:
        """Draw an unpaid debt that fits: most often one that falls due these days, as those are on people's minds."""
        fitting = [each for each in firm.unpaid.values() if fits(each)]
        today = self.today()
        pressing = [each for each in fitting if _NEARLY_DUE <= (today - each.state(today).due_on).days <= _JUST_DUE]
        if pressing and self.rng.random() < _PRESSING:
            return self.rng.choice(pressing)
        return self.rng.choice(fitting) if fitting else None

    def payable(self, firm: Firm, fits: Callable[[Debt], bool] = lambda _debt: True) -> Debt | None:
        """Draw a debt that somebody may pay now."""
        return self.pick(firm, lambda each: not self.is_touched(each) and fits(each))

    def is_touched(self, debt: Debt) -> bool:
        """Whether nobody in their right mind would pay it now."""
        return bool(debt.state(self.today()).held - {"promised"})

    def unheld(self, firm: Firm) -> Debt | None:
        """Draw an unpaid debt that nothing holds."""
        return self.pick(firm, lambda each: not each.state(self.today()).held)

    def shown_in_crm(self, firm: Firm) -> Debt | None:
        """Draw an unpaid debt that nothing holds and that the CRM shows."""
        debt = self.unheld(firm)
        return debt if debt is not None and firm.crm.invoice(debt.invoice) is not None else None

    def overlooks(self, firm: Firm, debt: Debt, shown: date | None) -> bool:
        """Whether somebody who sees `shown` as the due date overlooks one that was agreed elsewhere."""
        in_ledger, in_crm = firm.ledger.due_on(debt.invoice), firm.crm.due_on(debt.invoice)
        is_settled = in_crm == in_ledger.isoformat()
        return not is_settled and bool(debt.state(self.today()).due_days - {shown})


Act = Callable[[Hands, Firm], str | None]  # None when it is not possible now
Acts = dict[str, tuple[int, Act]]  # how often each happens beside the others, and what it is
