"""Short constructors for the tests of the matcher."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from receivables.allocation import Proposal
from receivables.document import DocumentKind
from receivables.money import Money
from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.candidates import OpenItemIndex
from reconcile.match import propose

DAY = date(2026, 3, 2)


def item(
    item_id: str,
    amount: int,
    *,
    number: str = "",
    customer: str = "Harbour Supplies Ltd",
    kind: DocumentKind = DocumentKind.INVOICE,
    currency: str = "EUR",
    due_on: date = DAY,
    references: tuple[str, ...] = (),
    parent_id: str | None = None,
) -> OpenItem:
    customer_id = customer.upper().replace(" ", "-")
    return OpenItem(
        item_id=item_id,
        kind=kind,
        number=number or item_id,
        customer_id=customer_id,
        customer_name=customer,
        open_amount=Money(amount, currency),
        issued_on=date(2026, 1, 15),
        due_on=due_on,
        references=references,
        parent_id=parent_id,
    )


def receipt(
    amount: int,
    remittance: str = "",
    *,
    receipt_id: str = "R1",
    payer: str = "Harbour Supplies Ltd",
    currency: str = "EUR",
    account: str = "",
    fee: int | None = None,
    payer_id: str | None = None,
    item_hints: tuple[str, ...] = (),
    received_on: date = DAY,
) -> Receipt:
    return Receipt(
        receipt_id=receipt_id,
        received_on=received_on,
        amount=Money(amount, currency),
        payer_name=payer,
        payer_account=account,
        remittance=remittance,
        fee=None if fee is None else Money(fee, currency),
        payer_id=payer_id,
        item_hints=item_hints,
    )


def match(items: Sequence[OpenItem], *receipts: Receipt) -> list[Proposal]:
    return propose(index=OpenItemIndex(items), receipts=receipts, as_of=DAY)


def paid(proposal: Proposal) -> dict[str, int]:
    return {a.item_id: a.amount.minor for a in proposal.best.allocations}


def residuals(proposal: Proposal) -> dict[str, int]:
    return {r.kind.value: r.amount.minor for r in proposal.best.residuals}
