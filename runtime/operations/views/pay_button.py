"""What somebody sees who comes from the pay-now button of a ledger's invoice: that invoice, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, MoneyError
from reminders.holds import HoldCode
from runtime.operations.matching.open_items import open_documents
from runtime.operations.payers.pay_by_card import may_pay_by_card
from runtime.operations.reminding.on_their_way import on_their_way
from runtime.operations.views.standing import standings
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_OF_A_NUMBER = 10  # invoices that bear the same number: one, where a ledger keeps its own rule


class Payable(StrEnum):
    """Where an invoice stands for whoever wants to pay it."""

    OPEN = "open"
    ON_ITS_WAY = "on its way"
    CHECKING = "checking"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class ButtonInvoice:
    """An invoice of which the visitor knew the number and the amount; `on_its_way` was paid already."""

    document_id: str
    customer_id: str
    number: str
    open_amount: Money
    on_its_way: Money
    state: Payable
    may_pay_by_card: bool

    @property
    def still_open(self) -> Money:
        """What is left to be paid once what is on its way has arrived."""
        return self.open_amount - self.on_its_way


def named_invoice(
    db: Connection, organisation: Organisation, *, number: str, currency: str, amount: str, now: datetime
) -> ButtonInvoice | None:
    """Return the invoice that a pay-now button names, None for anything else.

    A number alone can be guessed, so the amount must be one that the invoice has: its total, its balance in the ledger
    as last read, or what is open.
    """
    try:
        asked = Money.parse(amount.replace(",", "").strip(), currency.strip().upper())
    except MoneyError:
        return None
    document = t.document.c
    wanted = (
        (document.organisation_id == organisation.id)
        & (document.number == number.strip())
        & (document.kind == DocumentKind.INVOICE.value)
        & (document.currency == asked.currency)
        & document.status.in_((DocumentStatus.OPEN.value, DocumentStatus.PAID.value))
    )
    ids = list(db.scalars(select(document.id).where(wanted).order_by(document.id).limit(MAX_OF_A_NUMBER)))
    for each in open_documents(db, organisation.id, document_ids=ids) if ids else ():
        if asked.minor > 0 and asked in (each.document.total, each.document.balance, each.open_amount):
            document_id, opened = each.document.document_id, each.open_amount
            coming = on_their_way(db, organisation, {document_id: opened}, now=now).get(document_id)
            begun = coming.amount if coming else Money.zero(opened.currency)
            return ButtonInvoice(
                document_id=document_id,
                customer_id=each.document.customer_id,
                number=each.document.number,
                open_amount=opened,
                on_its_way=begun,
                state=_state(db, organisation, document_id, opened=opened, begun=begun, now=now),
                may_pay_by_card=may_pay_by_card(db, organisation),
            )
    return None


def _state(
    db: Connection, organisation: Organisation, document_id: str, *, opened: Money, begun: Money, now: datetime
) -> Payable:
    if not opened:
        return Payable.PAID
    standing = standings(db, organisation, now=now, document_ids=[document_id]).invoices.get(document_id)
    codes = {hold.code for hold in standing.holds} if standing else set()
    if begun == opened or (HoldCode.IN_FLIGHT in codes and not begun):
        return Payable.ON_ITS_WAY
    return Payable.CHECKING if codes & {HoldCode.PROBABLY_PAID, HoldCode.DISCOUNT} else Payable.OPEN
