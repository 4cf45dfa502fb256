"""Money through the bank: right, in part, too much, twice, for several, for others, in another currency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import partial

from sandbox.life.abroad import Abroad
from sandbox.life.bank import Money
from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.firm import Firm
from sandbox.life.hands import CENT, Acts, Hands
from sandbox.world.bank import account_of, payer_name, reference_to
from sandbox.world.model import Customer

_NO_REFERENCE, _CUT_REFERENCE, _HAS_ID = 0.12, 0.08, 0.5
_REASONS = ("AC04", "AM04", "MD06", "")  # closed account, no funds, disputed by the payer; not called a return
_RECENT = 30  # lines of the bank that may be paid again, or go back
_EXCHANGED = 0.2  # of the payments of what is owed in a second currency are made in the firm's own
EXCHANGED = ("whole", "part", "number")  # how
_SHORT = 18  # characters that some banks leave of a text


def _pay_by_bank(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    abroad = firm.abroad
    if abroad is not None and debt.invoice.currency == abroad.currency and abroad.rng.random() < _EXCHANGED:
        return pay_in_firms_currency(hands, firm, debt, abroad, how=abroad.rng.choice(EXCHANGED))
    customer, owed = firm.customer_of(debt), hands.owed(debt)
    how = hands.rng.choices(("whole", "part", "over", "several"), weights=(70, 10, 8, 12))[0]
    debts, amount = [debt], owed
    if how == "part" and owed > 1:
        amount = hands.share(owed)
    elif how == "over":
        amount = owed + hands.share(owed)
    elif how == "several":
        debts += [each for each in hands.open(firm) if each is not debt and _may_pay(hands, each, debt)][:3]
        amount = sum((hands.owed(each) for each in debts), Decimal(0))
    text = " ".join(reference_to(each.invoice, hands.rng) for each in debts)
    left = _damage(hands, text)
    return pay(hands, firm, customer, debts, amount=amount, text=left, clear=left == text)


def pay_in_firms_currency(hands: Hands, firm: Firm, debt: Debt, abroad: Abroad, *, how: str) -> str:
    """What is owed in the second currency is paid in the firm's own: at the day's rate, in part, or the bare number.

    What it pays only a person can say, who books it by hand.
    """
    rng, own, customer, owed = abroad.rng, firm.profile.currency, firm.customer_of(debt), hands.owed(debt)
    paid = max(CENT, (owed * rng.randint(10, 80) / 100).quantize(CENT, ROUND_DOWN)) if how == "part" else owed
    amount = paid if how == "number" else max(CENT, (paid / abroad.rate).quantize(CENT, ROUND_HALF_UP))
    text = "" if rng.random() < _NO_REFERENCE else f"INVOICE {debt.number}"
    money = firm.banks[own].book(
        on=hands.today(),
        amount=amount,
        payer=payer_name(customer, rng),
        payer_account=account_of(customer, own),
        remittance=text,
        customer=customer.key,
        pays=[(debt.number, paid)],
        exchanged=True,
    )
    fact = firm.happened(debt, Fact(Source.BANK, hands.clock(), None, paid=paid, is_told=bool(text)))
    money.told = fact.is_told
    money.shown += [fact.show] if money.told else []
    return (
        f"{amount} {own} from {customer.name} for {paid} {abroad.currency} of {debt.number} ({text or 'no reference'})"
    )


def _pay_for_another(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm, lambda each: firm.customer_of(each).parent is not None)
    if debt is None:
        return None
    payer = firm.organisation.customers[firm.customer_of(debt).parent or ""]
    return pay(hands, firm, payer, [debt], amount=hands.owed(debt), text=reference_to(debt.invoice, hands.rng))


def _pay_twice(hands: Hands, firm: Firm) -> str | None:
    paid = [
        each
        for each in firm.booked[-_RECENT:]
        if each.pays
        and not each.exchanged
        and not each.unapplied
        and not any(hands.owed(firm.debts[number]) for number, _ in each.pays)
    ]
    if not paid:
        return None
    again = hands.rng.choice(paid)
    customer, line = firm.customer(again.customer), again.line
    firm.banks[again.currency].book(
        on=hands.today(),
        amount=line.amount,
        payer=line.counterparty,
        payer_account=line.counterparty_account,
        remittance=line.remittance,
        customer=customer.key,
    )
    firm.credit_to(customer, line.amount, again.currency)
    return f"{line.amount} again from {customer.name}"


def _send_back(hands: Hands, firm: Firm) -> str | None:
    """The payer's bank takes a payment back: what it paid is open again, and held until a person has looked."""
    gone = {id(each.takes_back) for each in firm.booked[-_RECENT:]}
    alike = Counter((each.line.counterparty, each.line.amount) for each in firm.booked[-2 * _RECENT :])
    there = [
        each
        for each in firm.booked[-_RECENT:]
        # Of two that look the same nobody could say which one went back.
        if each.pays
        and not each.exchanged
        and id(each) not in gone
        and alike[each.line.counterparty, each.line.amount] == 1
        and not any(firm.took_less(number) for number, _ in each.pays)
    ]
    if not there:
        return None
    money = hands.rng.choice(there)
    reason = hands.rng.choice(_REASONS if money.line.end_to_end.startswith("E2E") else _REASONS[:-1])
    back = firm.banks[money.currency].take_back(money, on=hands.today(), reason=reason)
    for number, paid in money.pays:
        holds = "refund_review" if money.clear else ""  # of what nobody could tell nothing is held
        fact = Fact(Source.BANK, hands.clock(), None, paid=-paid, holds=holds, is_told=money.told)
        firm.happened(firm.debts[number], fact)
        back.shown += [fact.show] if money.told else []
    return f"{money.line.amount} from {money.line.counterparty} ({reason or 'without a reason'})"


def _pay_in_instalments(hands: Hands, firm: Firm) -> str | None:
    debt = hands.payable(firm)
    if debt is None:
        return None
    count = hands.rng.randint(2, 4)
    part = (hands.owed(debt) / count).quantize(CENT, ROUND_DOWN)
    for number in range(count):
        after = timedelta(days=number * hands.rng.randint(1, 3), minutes=1)
        is_last = number == count - 1
        hands.later(after, "instalment", partial(_pay_instalment, hands, firm, debt, part, is_last=is_last))
    return f"{debt.number} in {count}"


def _pay_instalment(hands: Hands, firm: Firm, debt: Debt, part: Decimal, *, is_last: bool) -> str:
    owed = hands.owed(debt)
    if not owed or hands.is_touched(debt):
        return f"{firm.key}: no instalment is left to pay on {debt.number}"
    amount, text = owed if is_last else min(part, owed), reference_to(debt.invoice, hands.rng)
    return f"{firm.key}: instalment: {pay(hands, firm, firm.customer_of(debt), [debt], amount=amount, text=text)}"


def _spend(hands: Hands, firm: Firm) -> str | None:
    amount = -Decimal(hands.rng.randint(2_000, 900_000)).scaleb(-2)
    firm.banks[firm.profile.currency].book(
        on=hands.today(), amount=amount, payer="Running costs", payer_account="", remittance="RENT AND RATES"
    )
    return str(amount)


def _record_by_hand(hands: Hands, firm: Firm) -> str | None:
    """The accountant books a line of the bank before the product has decided about it."""
    waiting = [
        each
        for each in firm.booked[-20:]
        if len(each.pays) == 1 and not each.unapplied and each.line.booked_on == hands.today()
    ]
    for money in waiting:
        if any(fact.source is Source.LEDGER and fact.paid for fact in firm.debts[money.pays[0][0]].facts):
            continue
        if (told := book_by_hand(hands, firm, money)) is not None:
            return told
    return None


def book_by_hand(hands: Hands, firm: Firm, money: Money) -> str | None:
    """Book a line of the bank in the ledger that pays one invoice; None where nothing was waiting to be shown.

    Nor is it where a discount was taken in time: that waits in the product for her decision.
    """
    (number, amount), debt = money.pays[0], firm.debts[money.pays[0][0]]
    if firm.took_less(number):
        return None
    money.booked_as = firm.ledger.record_payment(debt.invoice, amount, money.line.booked_on, into=money.currency)
    for fact in debt.facts:
        if fact.source is Source.BANK and fact.paid == amount:
            fact.source = Source.LEDGER
            fact.show(hands.clock())
            return f"{amount} on {number}"
    return None


def pay(
    hands: Hands, firm: Firm, payer: Customer, debts: Sequence[Debt], *, amount: Decimal, text: str, clear: bool = True
) -> str:
    """Let `payer` send an amount for some debts in one currency, in that one; what is left over is theirs."""
    at, rest, pays, customer = hands.clock(), amount, [], firm.customer_of(debts[0])
    currency = debts[0].invoice.currency
    for debt in debts:
        part = min(rest, hands.owed(debt))
        if part:
            pays.append((debt.number, part))
            rest -= part
    money = firm.banks[currency].book(
        on=at.date(),
        amount=amount,
        payer=payer_name(payer, hands.rng),
        payer_account=account_of(payer, currency),
        remittance=text,
        customer=customer.key,
        pays=pays,
        clear=clear,
        end_to_end=f"E2E{len(firm.booked):08d}" if hands.rng.random() < _HAS_ID else "NOTPROVIDED",
    )
    for number, part in pays:
        fact = firm.happened(firm.debts[number], Fact(Source.BANK, at, None, paid=part))
        # An amount that is no invoice's, without a word, says of none that it is paid.
        money.told = fact.is_told = bool(text) or not (rest or hands.owed(firm.debts[number]))
        if money.told:
            money.shown.append(fact.show)
    if rest:
        firm.credit_to(customer, rest, currency)
    numbers = ", ".join(number for number, _ in pays)
    return f"{amount} {currency} from {payer.name} for {numbers} ({text or 'no reference'})"


def _may_pay(hands: Hands, debt: Debt, first: Debt) -> bool:
    """Whether somebody who pays the first of them may pay this one by the same transfer."""
    alike = (debt.invoice.customer, debt.invoice.currency) == (first.invoice.customer, first.invoice.currency)
    return alike and not hands.is_touched(debt)


def _damage(hands: Hands, text: str) -> str:
    fate = hands.rng.random()
    if fate < _NO_REFERENCE:
        return ""
    return text[:_SHORT] if fate < _NO_REFERENCE + _CUT_REFERENCE else text


ACTS: Acts = {
    "pay by bank": (16, _pay_by_bank),
    "pay for another": (3, _pay_for_another),
    "pay twice": (2, _pay_twice),
    "pay in instalments": (3, _pay_in_instalments),
    "send back": (3, _send_back),
    "spend": (3, _spend),
    "record by hand": (4, _record_by_hand),
}
