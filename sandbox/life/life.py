"""What people, banks and networks do, drawn from a seed. Each act changes the systems first and the truth with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.firm import Firm
from sandbox.world.bank import account_of, payer_name, reference_to
from sandbox.world.model import Charge, Customer, TrueInvoice, Truth
from sandbox.world.takings import card_fee

CENT = Decimal("0.01")
TERMS_DAYS = (0, 1, 3, 7, 14, 30)
MAX_OPEN = 60  # debts of one firm that are open at a time: above it nothing more is sold until somebody pays
Clock = Callable[[], datetime]
Later = Callable[[timedelta, str, Callable[[], str | None]], None]


@dataclass
class Life:
    """The firms' daily life. `act` lets one thing happen and tells it; `later` is where what follows is left."""

    rng: Random
    clock: Clock
    firms: dict[str, Firm]
    later: Later

    def act(self) -> str:
        """Let somebody do something that is possible now; returns what happened."""
        firm = self.firms[self.rng.choice(sorted(self.firms))]
        names = list(_ACTS)
        for name in self.rng.choices(names, weights=[_ACTS[name][0] for name in names], k=_ATTEMPTS):
            told = _ACTS[name][1](self, firm)
            if told is not None:
                return f"{firm.key}: {name}: {told}"
        return self.sell_something()

    def sell_something(self) -> str:
        """Let a firm sell."""
        firm = self.firms[self.rng.choice(sorted(self.firms))]
        return f"{firm.key}: sell: {self._sell(firm)}"

    # --- trade -----------------------------------------------------------------------------------------------------

    def _sell(self, firm: Firm) -> str | None:
        if len(self._open(firm)) >= MAX_OPEN:
            return None
        customer = self.rng.choice(self._customers(firm))
        number = firm.profile.invoice_number.format(next(firm.numbers))
        total = Decimal(max(20.0, float(customer.scale) * self.rng.lognormvariate(0, 0.6))).quantize(
            CENT, ROUND_HALF_UP
        )
        today = self._today()
        issued_on = today - timedelta(days=self.rng.choice((0, 0, 0, 5, 20)))
        due_on = issued_on + timedelta(days=self.rng.choice(TERMS_DAYS))
        invoice = TrueInvoice(
            organisation=firm.key,
            number=number,
            customer=customer.key,
            currency=customer.currency,
            total=total,
            issued_on=issued_on,
            reference="",
            role="life",
            ledger_open=total,
            truth=Truth(total, due_on),
            reachable=customer.reachable,
        )
        firm.ledger.sell(invoice, customer)
        firm.organisation.invoices[number] = invoice
        firm.debts[number] = Debt(invoice, self.clock())
        return f"{number} of {total} to {customer.name}, due {due_on}"

    def _void(self, firm: Firm) -> str | None:
        debt = self._pick(firm, lambda each: not each.facts)
        if debt is None:
            return None
        firm.ledger.void(debt.invoice)
        self._now(debt, Source.LEDGER, holds="void")
        return debt.number

    def _credit(self, firm: Firm) -> str | None:
        debt = self._pick(firm, lambda each: not self._is_touched(each))
        if debt is None:
            return None
        amount = self._share(self._owed(debt))
        customer = firm.customer_of(debt)
        firm.ledger.credit(debt.invoice, customer, amount, f"CN-{debt.number}-{len(debt.facts)}", self._today())
        if firm.profile.system == "xero":
            self._now(debt, Source.LEDGER, paid=amount)
        else:
            firm.in_credit.add(customer.key)
        return f"{amount} of {debt.number}"

    def _move_due_date(self, firm: Firm) -> str | None:
        debt = self._pick(firm, lambda each: not each.state(self._today()).held)
        if debt is None:
            return None
        on = self._today() + timedelta(days=self.rng.randint(1, 20))
        firm.ledger.move_due_date(debt.invoice, on)
        self._now(debt, Source.LEDGER, due_on=on)
        return f"{debt.number} to {on}"

    # --- money through the bank -------------------------------------------------------------------------------------

    def _pay_by_bank(self, firm: Firm) -> str | None:
        debt = self._payable(firm)
        if debt is None:
            return None
        customer, owed = firm.customer_of(debt), self._owed(debt)
        how = self.rng.choices(("whole", "part", "over", "several"), weights=(70, 10, 8, 12))[0]
        debts, amount = [debt], owed
        if how == "part" and owed > 1:
            amount = self._share(owed)
        elif how == "over":
            amount = owed + self._share(owed)
        elif how == "several":
            debts += [d for d in self._open(firm) if d is not debt and self._may_pay(firm, d, customer)][:3]
            amount = sum((self._owed(each) for each in debts), Decimal(0))
        text = " ".join(reference_to(each.invoice, self.rng) for each in debts)
        return self._bank(firm, customer, debts, amount, self._damage(text))

    def _pay_for_another(self, firm: Firm) -> str | None:
        debt = self._payable(firm, lambda each: firm.customer_of(each).parent is not None)
        if debt is None:
            return None
        customer = firm.customer_of(debt)
        payer = firm.organisation.customers[customer.parent or ""]
        return self._bank(firm, payer, [debt], self._owed(debt), reference_to(debt.invoice, self.rng))

    def _pay_twice(self, firm: Firm) -> str | None:
        paid = [each for each in firm.bank.booked[-30:] if each.pays and each.line.amount > 0 and not each.unapplied]
        if not paid:
            return None
        again = self.rng.choice(paid)
        customer = firm.organisation.customers[again.customer]
        line = again.line
        firm.bank.book(
            on=self._today(),
            amount=line.amount,
            payer=line.counterparty,
            payer_account=line.counterparty_account,
            remittance=line.remittance,
            customer=customer.key,
            pays=(),
        )
        firm.in_credit.add(customer.key)
        return f"{line.amount} again from {customer.name}"

    def _spend(self, firm: Firm) -> str | None:
        amount = -Decimal(self.rng.randint(2_000, 900_000)).scaleb(-2)
        firm.bank.book(
            on=self._today(), amount=amount, payer="Running costs", payer_account="", remittance="RENT AND RATES",
            customer="", pays=(),
        )  # fmt: skip
        return str(amount)

    def _record_by_hand(self, firm: Firm) -> str | None:
        """The accountant books a line of the bank before the product has decided about it."""
        waiting = [
            each
            for each in firm.bank.booked[-20:]
            if len(each.pays) == 1 and not each.unapplied and each.line.booked_on == self._today()
        ]
        for money in waiting:
            (number, amount), debt = money.pays[0], firm.debts[money.pays[0][0]]
            if any(fact.source is Source.LEDGER and fact.paid for fact in debt.facts):
                continue
            firm.ledger.record_payment(debt.invoice, amount, money.line.booked_on)
            for fact in debt.facts:
                if fact.source is Source.BANK and fact.paid == amount:
                    fact.source = Source.LEDGER
                    fact.show(self.clock())
                    return f"{amount} on {number}"
        return None

    # --- money through the processor --------------------------------------------------------------------------------

    def _pay_by_card(self, firm: Firm) -> str | None:
        debt = self._payable(firm)
        if debt is None:
            return None
        charge = self._charge(firm, debt, "card")
        self._now(debt, Source.PROCESSOR, paid=charge.amount)
        return f"{charge.amount} on {debt.number}"

    def _pay_by_debit(self, firm: Firm) -> str | None:
        debt = self._payable(firm)
        if debt is None:
            return None
        charge = self._charge(firm, debt, firm.profile.debit_method)
        self._now(debt, Source.PROCESSOR, holds="processing")
        fails = self.rng.random() < _DEBIT_FAILS

        def ends() -> str:
            if fails:
                firm.processor.fail(charge)
            else:
                firm.processor.account.settle(charge.payment_intent)
            self._now(debt, Source.PROCESSOR, frees="processing", paid=Decimal(0) if fails else charge.amount)
            return f"{firm.key}: the debit on {debt.number} {'fails' if fails else 'settles'}"

        self.later(timedelta(days=self.rng.randint(1, 4), hours=self.rng.randint(0, 12)), "debit ends", ends)
        return f"{charge.amount} on {debt.number}"

    def _refund(self, firm: Firm) -> str | None:
        charge = self._paid_charge(firm)
        if charge is None:
            return None
        firm.processor.refund(charge)
        self._taken_back(firm, charge, "refund_review")
        return f"{charge.amount} of {charge.invoice}"

    def _charge_back(self, firm: Firm) -> str | None:
        charge = self._paid_charge(firm)
        if charge is None:
            return None
        firm.processor.charge_back(charge)
        self._taken_back(firm, charge, "chargeback_open")
        return f"{charge.amount} of {charge.invoice}"

    def _pay_out(self, firm: Firm) -> str | None:
        today = self._today()
        account = firm.processor.account
        try:
            payout_id = account.pay_out(arrival_on=today)
        except ValueError:
            return None
        amount = Decimal(account.payouts[payout_id]["amount"]).scaleb(-2)
        firm.bank.book(
            on=today, amount=amount, payer="STRIPE", payer_account="", remittance=f"STRIPE {payout_id[-8:].upper()}",
            customer="", pays=(),
        )  # fmt: skip
        return f"{amount}"

    # --- words ------------------------------------------------------------------------------------------------------

    def _contest(self, firm: Firm) -> str | None:
        debt = self._shown_in_crm(firm)
        if debt is None:
            return None
        firm.crm.edit_invoice(debt.invoice, Disputed__c=True, Dispute_Reason__c="Two boxes arrived damaged")
        self._now(debt, Source.CRM, holds="disputed")

        def settled() -> str:
            firm.crm.edit_invoice(debt.invoice, Disputed__c=False, Dispute_Reason__c=None)
            self._now(debt, Source.CRM, frees="disputed")
            return f"{firm.key}: the dispute about {debt.number} is settled"

        self.later(timedelta(days=self.rng.randint(1, 6)), "dispute settled", settled)
        return debt.number

    def _promise(self, firm: Firm) -> str | None:
        debt = self._shown_in_crm(firm)
        if debt is None:
            return None
        on = self._today() + timedelta(days=self.rng.randint(1, 5))
        firm.crm.edit_invoice(debt.invoice, Promised_On__c=on.isoformat())
        self._now(debt, Source.CRM, holds="promised", until=on)
        return f"{debt.number} by {on}"

    def _extend_in_crm(self, firm: Firm) -> str | None:
        debt = self._shown_in_crm(firm)
        if debt is None:
            return None
        on = self._today() + timedelta(days=self.rng.randint(2, 20))
        firm.crm.edit_invoice(debt.invoice, Due_Date__c=on.isoformat())
        self._now(debt, Source.CRM, due_on=on)
        return f"{debt.number} to {on}"

    def _correct_email(self, firm: Firm) -> str | None:
        reachable = [each for each in self._customers(firm) if each.reachable and each.parent is None]
        if not reachable:
            return None
        customer = self.rng.choice(reachable)
        box, _, host = (customer.email or "").partition("@")
        stem, _, number = box.partition("+")
        email = f"{stem}+{int(number or 0) + 1}@{host}"
        firm.crm.edit_email(customer, email)
        customer.change_email(email)
        return f"{customer.name} at {email}"

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _today(self) -> date:
        return self.clock().date()

    def _now(self, debt: Debt, source: Source, **facts: object) -> Fact:
        at = self.clock()
        return debt.happened(Fact(source, at, at, **facts))  # type: ignore[arg-type]

    def _owed(self, debt: Debt) -> Decimal:
        return debt.state(self._today()).open

    def _share(self, amount: Decimal) -> Decimal:
        return max(CENT, (amount * Decimal(self.rng.randint(10, 80)) / 100).quantize(CENT, ROUND_HALF_UP))

    def _customers(self, firm: Firm) -> list[Customer]:
        return list(firm.organisation.customers.values())

    def _open(self, firm: Firm) -> list[Debt]:
        today = self._today()
        return [
            each for each in firm.debts.values() if each.state(today).open > 0 and "void" not in each.state(today).held
        ]

    def _pick(self, firm: Firm, fits: Callable[[Debt], bool]) -> Debt | None:
        fitting = [each for each in self._open(firm) if fits(each)]
        return self.rng.choice(fitting) if fitting else None

    def _payable(self, firm: Firm, fits: Callable[[Debt], bool] = lambda _debt: True) -> Debt | None:
        return self._pick(firm, lambda each: not self._is_touched(each) and fits(each))

    def _is_touched(self, debt: Debt) -> bool:
        """Whether nobody in their right mind would pay it now."""
        return bool(debt.state(self._today()).held - {"promised"})

    def _may_pay(self, firm: Firm, debt: Debt, customer: Customer) -> bool:
        return debt.invoice.customer == customer.key and not self._is_touched(debt)

    def _shown_in_crm(self, firm: Firm) -> Debt | None:
        debt = self._pick(firm, lambda each: not each.state(self._today()).held)
        return debt if debt is not None and firm.crm.invoice(debt.invoice) is not None else None

    def _damage(self, text: str) -> str:
        fate = self.rng.random()
        if fate < _NO_REFERENCE:
            return ""
        return text[:18] if fate < _NO_REFERENCE + _CUT_REFERENCE else text

    def _bank(self, firm: Firm, payer: Customer, debts: Sequence[Debt], amount: Decimal, text: str) -> str:
        at, rest, pays, customer = self.clock(), amount, [], firm.customer_of(debts[0])
        for debt in debts:
            part = min(rest, self._owed(debt))
            if part:
                pays.append((debt.number, part))
                rest -= part
        money = firm.bank.book(
            on=at.date(),
            amount=amount,
            payer=payer_name(payer, self.rng),
            payer_account=account_of(payer, firm.profile.currency),
            remittance=text,
            customer=customer.key,
            pays=pays,
        )
        for number, part in pays:
            money.shown.append(firm.debts[number].happened(Fact(Source.BANK, at, None, paid=part)).show)
        if rest:
            firm.in_credit.add(customer.key)
        return f"{amount} from {payer.name} for {', '.join(number for number, _ in pays)} ({text or 'no reference'})"

    def _charge(self, firm: Firm, debt: Debt, method: str) -> Charge:
        amount = self._owed(debt)
        charge = Charge(
            key=f"charge:{len(firm.charges) + 1}",
            invoice=debt.number,
            customer=debt.invoice.customer,
            currency=debt.invoice.currency,
            amount=amount,
            method=method,
            state="live",
            created_at=self.clock(),
            fee=min(amount, card_fee(amount, firm.profile.currency)),
        )
        firm.processor.pay(charge, firm.customer_of(debt))
        firm.charges.append(charge)
        return charge

    def _paid_charge(self, firm: Firm) -> Charge | None:
        cards = [each for each in firm.charges if each.method == "card" and each.state == "live"]
        if not cards:
            return None
        charge = self.rng.choice(cards)
        charge.state = "taken_back"
        return charge

    def _taken_back(self, firm: Firm, charge: Charge, hold: str) -> None:
        self._now(firm.debts[charge.invoice], Source.PROCESSOR, paid=-charge.amount, holds=hold)


Act = Callable[[Life, Firm], str | None]
_ATTEMPTS = 4
_DEBIT_FAILS = 0.25
_NO_REFERENCE, _CUT_REFERENCE = 0.12, 0.08
# How often each happens beside the others, and what it is.
_ACTS: dict[str, tuple[int, Act]] = {
    "sell": (30, Life._sell),
    "pay by bank": (16, Life._pay_by_bank),
    "pay by card": (14, Life._pay_by_card),
    "pay by debit": (8, Life._pay_by_debit),
    "pay for another": (3, Life._pay_for_another),
    "pay twice": (2, Life._pay_twice),
    "spend": (3, Life._spend),
    "record by hand": (4, Life._record_by_hand),
    "refund": (2, Life._refund),
    "charge back": (1, Life._charge_back),
    "pay out": (3, Life._pay_out),
    "void": (2, Life._void),
    "credit": (3, Life._credit),
    "move due date": (3, Life._move_due_date),
    "contest": (7, Life._contest),
    "promise": (7, Life._promise),
    "extend in the CRM": (3, Life._extend_in_crm),
    "correct an address": (2, Life._correct_email),
}
