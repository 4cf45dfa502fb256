"""An accountant who knows the customers: what she says of each line in the queue, and what nobody has decided yet."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select

from receivables.money import Money
from receivables.receipt import ReceiptStatus
from runtime.simulation.stage import Play
from runtime.store import tables as t
from sandbox.life import Firm
from sandbox.life.bank import Money as Booked

Pays = frozenset[tuple[str, Decimal, str]]  # invoice numbers, how much of each, and in what currency


def pending(play: Play, organisation_id: str) -> list[dict[str, Any]]:
    """Return the receipts that wait in the review queue, each with its proposal's `body`."""
    with play.app.store.read() as db:
        rows = db.execute(
            select(t.receipt, t.proposal.c.body)
            .join(t.proposal, t.proposal.c.receipt_id == t.receipt.c.id)
            .where(t.receipt.c.organisation_id == organisation_id, t.proposal.c.state == "pending")
            .order_by(t.receipt.c.external_id)
        )
        return [dict(row._mapping) for row in rows]


def verdict(play: Play, key: str, row: dict[str, Any]) -> bool | None:
    """Whether a proposal is right or wrong; None when she cannot tell either, or it is right only in part."""
    firm = play.life.firms[key]
    paid = list(_paid(firm, row, without={id(each.takes_back) for each in firm.booked}))
    if any(each.exchanged and each.booked_as for each in _lines(firm, row)):
        return False  # she has said in the ledger what it pays
    if not paid:  # of a payment whose rest she booked by hand nothing is left
        return False if row["source"] == "stripe" else None
    with play.app.store.read() as db:
        mine = t.document.c.organisation_id == row["organisation_id"]
        numbers = {
            each.id: each.number for each in db.execute(select(t.document.c.id, t.document.c.number).where(mine))
        }
        settled = db.scalar(_settled_alike(row)) or 0
    proposed = frozenset(
        (numbers.get(each["item_id"], ""), amount.decimal, amount.currency)
        for each in row["body"]["best"]["allocations"]
        for amount in (Money(each["amount"]["minor"], each["amount"]["currency"]),)
    )
    if proposed in paid:
        # Of two payments that look the same, one may be a second one by mistake: as many are right as truly were.
        return True if settled < paid.count(proposed) else None
    truly = {number for pays in paid for number, *_ in pays}
    if not proposed and any(each.exchanged for each in _lines(firm, row)):
        return None
    return None if any(number in truly for number, *_ in proposed) else False


def _settled_alike(row: Mapping[str, Any]) -> Select[int]:
    """How many receipts that look the same were applied already, or booked by hand."""
    receipt = t.receipt.c
    return select(func.count()).where(
        receipt.organisation_id == row["organisation_id"],
        receipt.source == row["source"],
        receipt.received_on == row["received_on"],
        receipt.currency == row["currency"],
        receipt.amount_minor == row["amount_minor"],
        receipt.payer_name == row["payer_name"],
        receipt.state.in_(("applied", "recorded")),
    )


def undecided(play: Play, key: str) -> set[str]:
    """Numbers of the invoices whose money the product has not applied, or whose coming or going no file has shown."""
    organisation_id, firm = play.ids[key], play.life.firms[key]
    waiting = (
        (t.receipt.c.organisation_id == organisation_id)
        & t.receipt.c.source.in_(("bank", "stripe"))
        & (t.receipt.c.status == ReceiptStatus.RECEIVED.value)
        & (t.receipt.c.state != "applied")
    )
    with play.app.store.read() as db:
        rows = [dict(row._mapping) for row in db.execute(select(t.receipt).where(waiting))]
    known = {number for row in rows for pays in _paid(firm, row) for number, *_ in pays}
    later = [each for each in firm.booked if not firm.banks[each.currency].has_given(each.line.booked_on)]
    unseen = {number for each in later for number, _ in (each.takes_back or each).pays}
    return known | unseen


def _paid(firm: Firm, row: Mapping[str, Any], *, without: Container[int] = ()) -> Iterator[Pays]:
    """What the money of a receipt truly paid, in each way that fits the receipt but `without` what went back."""
    if row["source"] == "stripe":
        for charge in firm.charges:
            if charge.payment_intent == row["external_id"] and not charge.booked_as:
                yield frozenset({(charge.invoice, charge.amount, charge.currency)})
        return
    for each in _lines(firm, row):
        if id(each) not in without:
            yield frozenset((number, paid, firm.debts[number].invoice.currency) for number, paid in each.pays)


def _lines(firm: Firm, row: Mapping[str, Any]) -> list[Booked]:
    """The lines of the bank that look like a receipt; none of the processor's."""
    if row["source"] == "stripe":
        return []
    amount = Money(row["amount_minor"], row["currency"]).decimal
    there = firm.banks[row["currency"]].booked_on(row["received_on"])
    return [each for each in there if (each.line.amount, each.line.counterparty) == (amount, row["payer_name"])]
