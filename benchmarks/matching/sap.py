"""The published cash application data of SAP and TU Darmstadt as the files that `truedue match` reads.

JPY and KRW stand there with two decimals, which they do not have, so they are relabelled; amounts are rounded to cents.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.matching.files import ALLOCATION_HEADER, OPEN_ITEM_HEADER, RECEIPT_HEADER, Row, read_rows

RELABELLED = {"JPY": "CAD", "KRW": "PLN"}


@dataclass(frozen=True)
class SapData:
    """Items, receipts, and the true matches: item ids and receipt ids that belong together."""

    items: list[Row]
    receipts: list[Row]
    matches: list[tuple[list[str], list[str]]]

    def truth(self) -> dict[str, frozenset[str]]:
        """The items that each receipt pays."""
        return {receipt: frozenset(items) for items, receipts in self.matches for receipt in receipts}


def read_sap(folder: Path) -> SapData:
    """Read the folder `cash_application/sap_single`."""
    return SapData(
        items=[_item(row) for row in read_rows(folder / "invoices.csv")],
        receipts=[_receipt(row) for row in read_rows(folder / "payments.csv")],
        matches=[
            (_ids(row["invoice_ids"], "I"), _ids(row["payment_ids"], "P")) for row in read_rows(folder / "matches.csv")
        ],
    )


def export_sap(folder: Path, data: SapData, wanted: Callable[[int], bool] = lambda _: True) -> None:
    """Write open items, receipts and allocations of the matches whose position is wanted; amounts are unknown."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [match for at, match in enumerate(data.matches) if wanted(at)]
    items = {item for pair in chosen for item in pair[0]}
    receipts = {receipt for pair in chosen for receipt in pair[1]}
    _write(folder / "open_items.csv", OPEN_ITEM_HEADER, (row for row in data.items if row["item_id"] in items))
    _write(folder / "receipts.csv", RECEIPT_HEADER, (row for row in data.receipts if row["receipt_id"] in receipts))
    pairs = ((receipt, item) for pair in chosen for receipt in pair[1] for item in pair[0])
    rows = ({"receipt_id": receipt, "item_id": item, "amount": ""} for receipt, item in pairs)
    _write(folder / "allocations.csv", ALLOCATION_HEADER, rows)


def _write(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


def _ids(text: str, prefix: str) -> list[str]:
    return [f"{prefix}{number}" for number in json.loads(text)]


def _day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _amount(text: str) -> str:
    return str(Decimal(text).quantize(Decimal("0.01")))


def _item(row: Row) -> Row:
    currency = row["Currency Code"]
    return {
        "item_id": f"I{row['invoice_id']}",
        "kind": "invoice",
        "number": row["Billing Number"],
        "references": f"{row['Assignment Number']}|{row['Document Number']}",
        "customer_id": row["Customer ID"],
        "customer_name": row["Customer Name"],
        "currency": RELABELLED.get(currency, currency),
        "amount_open": _amount(row["Amount"]),
        "issue_date": _day(row["Document Date"]),
        "due_date": _day(row["Due Date"]),
    }


def _receipt(row: Row) -> Row:
    return {
        "receipt_id": f"P{row['payment_id']}",
        "received_on": _day(row["Posting Date"]),
        "currency": RELABELLED.get(row["Currency"], row["Currency"]),
        "amount": _amount(row["Amount"]),
        "payer_name": row["Business Partner"],
        "payer_account": row["Account Number"],
        "remittance": row["Memo Line"],
        "fee": "",
    }
