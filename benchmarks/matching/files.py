"""A drawn case as the CSV files that `truedue match` reads, with the truth beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from benchmarks.matching.payments import MIXES, Payers, Payment
from benchmarks.matching.world import Item, Ledger, make_customers, make_ledger

TODAY = date(2026, 6, 30)
BEFORE = date(2025, 12, 31)
OPEN_ITEM_HEADER = (
    "item_id,kind,number,references,customer_id,customer_name,currency,amount_open,issue_date,due_date".split(",")
)
RECEIPT_HEADER = "receipt_id,received_on,currency,amount,payer_name,payer_account,remittance,fee".split(",")
ALLOCATION_HEADER = "receipt_id,item_id,amount".split(",")

Row = dict[str, str]


@dataclass(frozen=True)
class Case:
    """Folders of what is open now and of the history, and the truth of the receipts by id: kind and amounts by item."""

    name: str
    now: Path
    history: Path | None
    truth: dict[str, tuple[str, dict[str, int]]]


def draw_case(folder: Path, *, name: str, seed: int, numbering: str, mix: str, items: int, receipts: int) -> Case:
    """Draw the same customers on two days half a year apart: the history always has the usual mix."""
    random = Random(f"{seed} {numbering} {mix}")  # noqa: S311 - a repeatable draw, no secret
    customers = make_customers(random, items)
    past = make_ledger(random, customers, items=items, numbering=numbering, day=BEFORE)
    paid = Payers(random, past, MIXES["usual"]).draw(receipts)
    ledger = make_ledger(random, customers, items=items, numbering=numbering, day=TODAY)
    payments = Payers(random, ledger, MIXES[mix]).draw(receipts)
    history, now = folder / "history", folder / "now"
    write_ledger(history, past, paid)
    write_ledger(now, ledger, payments)
    return Case(name, now, history, {each.receipt_id: (each.kind, each.paid) for each in payments})


def write_ledger(folder: Path, ledger: Ledger, payments: Sequence[Payment]) -> None:
    """Write open items, receipts and allocations; a receipt that paid nothing has one row without an item."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "open_items.csv", OPEN_ITEM_HEADER, (_item_row(item) for item in ledger.items))
    _write(folder / "receipts.csv", RECEIPT_HEADER, (_receipt_row(each) for each in payments))
    rows = [
        (each.receipt_id, item_id, _major(amount) if amount is not None else "")
        for each in payments
        for item_id, amount in _paid(each)
    ]
    _write(folder / "allocations.csv", ALLOCATION_HEADER, rows)


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _paid(payment: Payment) -> list[tuple[str, int | None]]:
    return list(payment.paid.items()) or [("", None)]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _item_row(item: Item) -> Sequence[str]:
    return (
        item.item_id,
        item.kind,
        item.number,
        item.order,
        item.customer.customer_id,
        item.customer.name,
        item.customer.currency,
        _major(item.amount),
        item.issued_on.isoformat(),
        item.due_on.isoformat(),
    )


def _receipt_row(payment: Payment) -> Sequence[str]:
    return (
        payment.receipt_id,
        payment.received_on.isoformat(),
        payment.currency,
        _major(payment.amount),
        payment.payer_name,
        payment.payer_account,
        payment.remittance,
        _major(payment.fee) if payment.fee else "",
    )


def _major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
