"""Money through the processor: cards, debits that settle or fail, refunds, chargebacks, payouts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from sandbox.life.debts import Debt, Source
from sandbox.life.firm import Firm
from sandbox.life.hands import Acts, Hands
from sandbox.world.model import Charge
from sandbox.world.takings import card_fee

_DEBIT_FAILS = 0.25
_RECENT = 60  # payments that may still be taken back


def _pay_by_card(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    charge = _charge(hands, firm, debt, "card")
    hands.note(firm, debt, Source.PROCESSOR, paid=charge.amount)
    return f"{charge.amount} on {debt.number}"


def _pay_by_debit(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    charge = _charge(hands, firm, debt, firm.profile.debit_method)
    hands.note(firm, debt, Source.PROCESSOR, holds="processing")
    fails = hands.rng.random() < _DEBIT_FAILS

    def ends() -> str:
        if fails:
            firm.processor.fail(charge)
        else:
            firm.processor.account.settle(charge.payment_intent)
        paid = Decimal(0) if fails else charge.amount
        hands.note(firm, debt, Source.PROCESSOR, frees="processing", paid=paid)
        return f"{firm.key}: the debit on {debt.number} {'fails' if fails else 'settles'}"

    hands.later(timedelta(days=hands.rng.randint(1, 4), hours=hands.rng.randint(0, 12)), "debit ends", ends)
    return f"{charge.amount} on {debt.number}"


def _refund(hands: Hands, firm: Firm) -> str | None:
    charge = _paid_charge(hands, firm)
    if charge is None:
        return None
    firm.processor.refund(charge)
    _taken_back(hands, firm, charge, "refund_review")
    return f"{charge.amount} of {charge.invoice}"


def _charge_back(hands: Hands, firm: Firm) -> str | None:
    charge = _paid_charge(hands, firm)
    if charge is None:
        return None
    firm.processor.charge_back(charge)
    _taken_back(hands, firm, charge, "chargeback_open")
    return f"{charge.amount} of {charge.invoice}"


def _pay_out(hands: Hands, firm: Firm) -> str | None:
    account = firm.processor.account
    try:
        payout_id = account.pay_out(arrival_on=hands.today())
    except ValueError:
        return None
    amount = Decimal(account.payouts[payout_id]["amount"]).scaleb(-2)
    text = f"STRIPE {payout_id[-8:].upper()}"
    firm.bank.book(
        on=hands.today(), amount=amount, payer="STRIPE", payer_account="", remittance=text, customer="", pays=()
    )
    return f"{amount}"


def _charge(hands: Hands, firm: Firm, debt: Debt, method: str) -> Charge:
    amount = hands.owed(debt)
    charge = Charge(
        key=f"charge:{len(firm.charges) + 1}",
        invoice=debt.number,
        customer=debt.invoice.customer,
        currency=debt.invoice.currency,
        amount=amount,
        method=method,
        state="live",
        created_at=hands.clock(),
        fee=min(amount, card_fee(amount, firm.profile.currency)),
    )
    firm.processor.pay(charge, firm.customer_of(debt))
    firm.charges.append(charge)
    return charge


def _paid_charge(hands: Hands, firm: Firm) -> Charge | None:
    cards = [each for each in firm.charges[-_RECENT:] if each.method == "card" and each.state == "live"]
    if not cards:
        return None
    charge = hands.rng.choice(cards)
    charge.state = "taken_back"
    return charge


def _taken_back(hands: Hands, firm: Firm, charge: Charge, hold: str) -> None:
    hands.note(firm, firm.debts[charge.invoice], Source.PROCESSOR, paid=-charge.amount, holds=hold)


ACTS: Acts = {
    "pay by card": (14, _pay_by_card),
    "pay by debit": (8, _pay_by_debit),
    "refund": (2, _refund),
    "charge back": (1, _charge_back),
    "pay out": (3, _pay_out),
}
