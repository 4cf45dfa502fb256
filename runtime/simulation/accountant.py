"""An accountant who knows the customers: what she says of each line in the queue, and what nobody has decided yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from receivables.money import Money
from runtime.simulation.stage import Play
from runtime.store import tables as t
from sandbox.life import Firm
from sandbox.life.bank import Money as Booked


def verdict(play: Play, key: str, row: dict[str, Any]) -> bool | None:
    """Whether a proposal is right or wrong; None when she cannot tell either, or it is right only in part."""
    booked = _lines(play.life.firms[key], row)
    if not booked:
        return None
    with play.app.store.read() as db:
        mine = t.document.c.organisation_id == row["organisation_id"]
        numbers = {
            each.id: each.number for each in db.execute(select(t.document.c.id, t.document.c.number).where(mine))
        }
    proposed = {
        (numbers.get(each["item_id"]), Money(each["amount"]["minor"], each["amount"]["currency"]).decimal)
        for each in row["body"]["best"]["allocations"]
    }
    if any(proposed == set(each.pays) for each in booked):
        return True
    truly = {number for each in booked for number, _ in each.pays}
    return None if any(number in truly for number, _ in proposed) else False


def undecided(play: Play, key: str) -> set[str]:
    """Numbers of the invoices that some money of the bank pays which the product has not applied."""
    organisation_id, firm = play.ids[key], play.life.firms[key]
    waiting = (
        (t.receipt.c.organisation_id == organisation_id)
        & (t.receipt.c.source == "bank")
        & (t.receipt.c.state != "applied")
    )
    with play.app.store.read() as db:
        rows = [dict(row._mapping) for row in db.execute(select(t.receipt).where(waiting))]
    known = {number for row in rows for each in _lines(firm, row) for number, _ in each.pays}
    given = firm.bank.given_until
    unseen = {
        number for each in firm.bank.booked if given is None or each.line.booked_on > given for number, _ in each.pays
    }
    return known | unseen


def _lines(firm: Firm, row: dict[str, Any]) -> list[Booked]:
    amount = Money(row["amount_minor"], row["currency"]).decimal
    return [
        each
        for each in firm.bank.booked
        if each.line.booked_on == row["received_on"]
        and each.line.amount == amount
        and each.line.counterparty == row["payer_name"]
    ]
