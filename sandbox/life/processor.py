"""Money through the processor: cards and debits, what takes them back, and payouts to the bank and from it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.life.debts import Debt, Source
from sandbox.life.firm import Firm
from sandbox.life.hands import Acts, Hands
from sandbox.world.model import Charge
from sandbox.world.takings import card_fee

_PAYS_OUT_ABROAD = 0.5
_DEBIT_FAILS, _PART, _REFUND_FAILS, _WON, _PAYOUT_FAILS = 0.25, 0.30, 0.4, 0.5, 0.25
_RECENT = 60  # payments that may still be taken back
# Where a payment stands: on its way, with the firm, refused at once or later, or back with its payer.
PROCESSING, LIVE, DECLINED, TAKEN_BACK = "processing", "live", "declined", "taken_back"
PART_BACK = "part_back"  # a person has to book what is left
DEBIT_OF = {"GBP": "bacs_debit", "EUR": "sepa_debit", "USD": "us_bank_account"}  # each network knows one currency


def _pay_by_card(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    owed = hands.owed(debt)
    charge = charge_by(hands, firm, debt, "card", hands.share(owed) if hands.rng.random() < _PART else owed)
    hands.note(firm, debt, Source.PROCESSOR, paid=charge.amount)
    return f"{charge.amount} on {debt.number}"


def _pay_by_debit(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    charge = charge_by(hands, firm, debt, DEBIT_OF[debt.invoice.currency], hands.owed(debt))
    debit_ends(hands, firm, debt, charge)
    return f"{charge.amount} on {debt.number}"


def debit_ends(hands: Hands, firm: Firm, debt: Debt, charge: Charge) -> None:
    """A debit is on its way; days later it settles, or fails."""
    hands.note(firm, debt, Source.PROCESSOR, holds="processing")
    charge.state = PROCESSING
    fails = hands.rng.random() < _DEBIT_FAILS

    def ends() -> str:
        if fails:
            firm.processor.fail(charge)
        else:
            firm.processor.account.settle(charge.payment_intent)
        charge.state = DECLINED if fails else LIVE
        paid = Decimal(0) if fails else charge.amount
        hands.note(firm, debt, Source.PROCESSOR, frees="processing", paid=paid)
        return f"{firm.key}: the debit on {debt.number} {'fails' if fails else 'settles'}"

    # Most take some days; SEPA's may take fourteen banking days.
    days = hands.rng.choice((hands.rng.randint(1, 4), hands.rng.randint(1, 4), hands.rng.randint(5, 19)))
    hands.later(timedelta(days=days, hours=hands.rng.randint(0, 12)), "debit ends", ends)


def _refund(hands: Hands, firm: Firm) -> str | None:
    charge = _taken(hands, firm, "card")
    if charge is None:
        return None
    refund = firm.processor.refund(charge)
    _goes_back(hands, firm, charge, "refund_review")
    if hands.rng.random() < _REFUND_FAILS:
        days = hands.rng.randint(1, 5)
        hands.later(timedelta(days=days), "refund fails", lambda: _comes_again(hands, firm, charge, refund))
    return f"{charge.amount} of {charge.invoice}"


def _refund_in_part(hands: Hands, firm: Firm) -> str | None:
    """The customer paid more than was agreed: some of it goes back, and they are to pay that another way."""
    charge = _taken(hands, firm, "card")
    if charge is None or charge.amount <= 1:
        return None
    charge.refunded, charge.state = hands.share(charge.amount), PART_BACK
    firm.processor.refund(charge, charge.refunded)
    debt = firm.debts[charge.invoice]
    hands.note(firm, debt, Source.PROCESSOR, paid=-charge.refunded, holds="refund_review")
    return f"{charge.refunded} of {charge.amount} on {charge.invoice}"


def _refund_at_once(hands: Hands, firm: Firm) -> str | None:
    """A payer pays the wrong firm's page or the wrong invoice, and is given the money back the moment it is noticed."""
    debt = hands.payable(firm)
    if debt is None:
        return None
    charge = charge_by(hands, firm, debt, "card", hands.owed(debt))
    hands.note(firm, debt, Source.PROCESSOR, paid=charge.amount)
    firm.processor.refund(charge)
    _goes_back(hands, firm, charge, "refund_review")
    return f"{charge.amount} of {debt.number}"


def _comes_again(hands: Hands, firm: Firm, charge: Charge, refund: str) -> str:
    """The payer's bank sends a refund back: the customer has paid once more."""
    firm.processor.account.fail_refund(refund)
    hands.note(firm, firm.debts[charge.invoice], Source.PROCESSOR, paid=charge.amount, frees="refund_review")
    return f"{firm.key}: the refund of {charge.invoice} fails"


def _charge_back(hands: Hands, firm: Firm) -> str | None:
    charge = _taken(hands, firm, "card", rather=firm.unpaid)
    if charge is None:
        return None
    dispute = firm.processor.charge_back(charge)
    _goes_back(hands, firm, charge, "chargeback_open")
    won = hands.rng.random() < _WON

    def decided() -> str:
        firm.processor.account.close_dispute(dispute, won)
        if won:
            debt = firm.debts[charge.invoice]
            hands.note(firm, debt, Source.PROCESSOR, paid=charge.amount, frees="chargeback_open")
        return f"{firm.key}: the chargeback of {charge.invoice} is {'won' if won else 'lost'}"

    hands.later(timedelta(days=hands.rng.randint(2, 9)), "chargeback decided", decided)
    return f"{charge.amount} of {charge.invoice}"


def _fail_late(hands: Hands, firm: Firm) -> str | None:
    """A debit that had succeeded comes back: the processor tells it as a dispute that is lost already."""
    charge = _taken(hands, firm, *DEBIT_OF.values())
    if charge is None:
        return None
    dispute = firm.processor.account.dispute(charge.payment_intent, reason="insufficient_funds")
    firm.processor.account.close_dispute(dispute, won=False)
    _goes_back(hands, firm, charge, "chargeback_open")
    return f"{charge.amount} of {charge.invoice}"


def _pay_out(hands: Hands, firm: Firm) -> str | None:
    """The processor settles its balance with the bank, whichever of the two owes the other."""
    account, currency = firm.processor.account, firm.profile.currency
    if firm.abroad is not None and firm.abroad.rng.random() < _PAYS_OUT_ABROAD:
        currency = firm.abroad.currency
    try:
        payout = account.pay_out(arrival_on=hands.today(), currency=currency)
    except ValueError:
        try:
            payout = account.debit_bank(arrival_on=hands.today(), currency=currency)
        except ValueError:
            return None
    amount = Decimal(account.payouts[payout]["amount"]).scaleb(-2)
    _book(hands, firm, payout, amount)
    if amount > 0 and hands.rng.random() < _PAYOUT_FAILS:
        hands.later(timedelta(days=hands.rng.randint(1, 3)), "payout fails", lambda: _send_back(hands, firm, payout))
    return f"{amount} {currency}"


def _send_back(hands: Hands, firm: Firm, payout: str) -> str:
    amount = Decimal(firm.processor.account.payouts[payout]["amount"]).scaleb(-2)
    firm.processor.account.fail_payout(payout)
    _book(hands, firm, payout, -amount)
    return f"{firm.key}: the bank sends the payout of {amount} back"


def _book(hands: Hands, firm: Firm, payout: str, amount: Decimal) -> None:
    text = f"STRIPE {payout[-8:].upper()}"
    bank = firm.banks[str(firm.processor.account.payouts[payout]["currency"]).upper()]
    bank.book(on=hands.today(), amount=amount, payer="STRIPE", payer_account="", remittance=text)


def charge_by(hands: Hands, firm: Firm, debt: Debt, method: str, amount: Decimal) -> Charge:
    """Let an invoice be paid through the processor."""
    fee = min(amount, card_fee(amount, debt.invoice.currency))
    charge = new_charge(firm, debt, method=method, amount=amount, fee=fee, at=hands.clock())
    firm.processor.pay(charge, firm.customer_of(debt))
    return charge


def new_charge(
    firm: Firm, debt: Debt, *, method: str, amount: Decimal, fee: Decimal, at: datetime, payment_intent: str = ""
) -> Charge:
    """Note in the firm's books a payment for a debt through the processor."""
    charge = Charge(
        key=f"charge:{len(firm.charges) + 1}",
        invoice=debt.number,
        customer=debt.invoice.customer,
        currency=debt.invoice.currency,
        amount=amount,
        method=method,
        state=LIVE,
        created_at=at,
        fee=fee,
        payment_intent=payment_intent,
    )
    firm.charges.append(charge)
    return charge


def _taken(hands: Hands, firm: Firm, *methods: str, rather: Collection[str] = ()) -> Charge | None:
    """Draw a payment by these methods that stands, to be taken back; rather one of these invoices, if there is one."""
    live = [each for each in firm.charges[-_RECENT:] if each.method in methods and each.state == LIVE]
    live = [each for each in live if not firm.took_less(each.invoice)]
    live = [each for each in live if each.invoice in rather] or live
    return hands.rng.choice(live) if live else None


def _goes_back(hands: Hands, firm: Firm, charge: Charge, hold: str) -> None:
    charge.state = TAKEN_BACK
    hands.note(firm, firm.debts[charge.invoice], Source.PROCESSOR, paid=-charge.amount, holds=hold)


ACTS: Acts = {
    "pay by card": (14, _pay_by_card),
    "pay by debit": (8, _pay_by_debit),
    "refund": (3, _refund),
    "refund at once": (2, _refund_at_once),
    "refund in part": (2, _refund_in_part),
    "charge back": (2, _charge_back),
    "fail late": (2, _fail_late),
    "pay out": (4, _pay_out),
}
