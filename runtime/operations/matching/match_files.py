"""Match receipts to open items from CSV files, learning from a folder of confirmed past work."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

from receivables.allocation import Decision, Hypothesis, Proposal
from receivables.document import DocumentKind
from receivables.money import MAX_MINOR, Money, MoneyError
from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.calibrate import History
from reconcile.candidates import OpenItemIndex
from reconcile.learn import learn
from reconcile.match import propose
from runtime.operations.errors import InputError

OPEN_ITEM_COLUMNS = (
    "item_id",
    "kind",
    "number",
    "references",
    "customer_id",
    "customer_name",
    "currency",
    "amount_open",
    "issue_date",
    "due_date",
)
RECEIPT_COLUMNS = (
    "receipt_id",
    "received_on",
    "currency",
    "amount",
    "payer_name",
    "payer_account",
    "remittance",
    "fee",
)
ALLOCATION_COLUMNS = ("receipt_id", "item_id", "amount")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")  # all but tabs and line breaks

Row = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MatchRun:
    """The proposals of one run, in the order of the receipts file."""

    proposals: tuple[Proposal, ...]


def match_files(*, open_items: Path, receipts: Path, history: Path | None = None) -> MatchRun:
    """Match the receipts of one CSV file to the open items of another; InputError on the first thing that is wrong.

    `history` is a folder with `open_items.csv`, `receipts.csv` and `allocations.csv`. The files are read whole before
    anything is matched. The day of the match is that of the latest receipt.
    """
    items = read_open_items(open_items)
    received = read_receipts(receipts)
    known = read_history(history) if history is not None else None
    as_of = max((receipt.received_on for receipt in received), default=date.min)
    proposals = propose(index=OpenItemIndex(items), receipts=received, history=known, as_of=as_of)
    return MatchRun(tuple(proposals))


def proposal_json(proposal: Proposal) -> dict[str, object]:
    """Return a proposal as JSON-ready data: amounts are decimal text in the currency of the receipt."""
    runner_up = proposal.runner_up
    decision = Decision.SUGGEST if runner_up is not None and runner_up.allocations else Decision.NONE
    return {
        **_hypothesis_json(proposal.receipt_id, proposal.decision, proposal.best),
        "reasons": list(proposal.reasons),
        "runner_up": None if runner_up is None else _hypothesis_json(proposal.receipt_id, decision, runner_up),
    }


def _hypothesis_json(receipt_id: str, decision: Decision, hypothesis: Hypothesis) -> dict[str, object]:
    return {
        "receipt_id": receipt_id,
        "decision": decision.value,
        "confidence": hypothesis.confidence,
        "explanation": hypothesis.explanation.value,
        "allocations": [{"item_id": a.item_id, "amount": a.amount.text()} for a in hypothesis.allocations],
        "residuals": [{"kind": r.kind.value, "amount": r.amount.text()} for r in hypothesis.residuals],
        "unapplied": hypothesis.unapplied.text(),
    }


def summary_json(run: MatchRun) -> dict[str, object]:
    """Count the receipts of a run by decision and by explanation; every decision is present."""
    decisions = Counter(proposal.decision.value for proposal in run.proposals)
    explanations = Counter(proposal.best.explanation.value for proposal in run.proposals)
    return {
        "receipts": len(run.proposals),
        "decisions": {decision.value: decisions[decision.value] for decision in Decision},
        "explanations": dict(sorted(explanations.items())),
    }


def read_open_items(path: Path) -> list[OpenItem]:
    """Read an open items CSV file; InputError names the file, the line and the reason."""
    return _read(path, OPEN_ITEM_COLUMNS, "item_id", _open_item)


def read_receipts(path: Path) -> list[Receipt]:
    """Read a receipts CSV file; InputError names the file, the line and the reason."""
    return _read(path, RECEIPT_COLUMNS, "receipt_id", _receipt)


def read_history(folder: Path) -> History:
    """Read a folder of confirmed work and learn from it; InputError if a file is bad or names what is not there."""
    items = read_open_items(folder / "open_items.csv")
    receipts = read_receipts(folder / "receipts.csv")
    paid = _read_allocations(folder / "allocations.csv", items, receipts)
    confirmed = [receipt for receipt in receipts if receipt.receipt_id in paid]
    return learn(items=items, receipts=confirmed, paid=paid)


def _read_allocations(path: Path, items: Sequence[OpenItem], receipts: Sequence[Receipt]) -> dict[str, set[str]]:
    item_ids = {item.item_id for item in items}
    currencies = {receipt.receipt_id: receipt.amount.currency for receipt in receipts}
    paid: defaultdict[str, set[str]] = defaultdict(set)
    for line, row in _rows(path, ALLOCATION_COLUMNS):
        receipt_id, item_id = row["receipt_id"], row["item_id"]
        if receipt_id not in currencies:
            raise _bad(path, line, f"receipt_id {receipt_id!r} is not in receipts.csv")
        if item_id and item_id not in item_ids:
            raise _bad(path, line, f"item_id {item_id!r} is not in open_items.csv")
        named = paid[receipt_id]
        if item_id in named:
            raise _bad(path, line, f"a second row of receipt {receipt_id!r} for item {item_id!r}")
        if named and ("" in named or not item_id):
            raise _bad(path, line, f"receipt_id {receipt_id!r} has a row that says that it paid nothing and another")
        if row["amount"] and not item_id:
            raise _bad(path, line, f"receipt_id {receipt_id!r} has an amount and no item_id")
        if row["amount"]:
            _checked(path, line, partial(_positive, "amount", row["amount"], currencies[receipt_id]))
        named.add(item_id)
    return {receipt_id: named - {""} for receipt_id, named in paid.items()}


def _open_item(row: Row) -> OpenItem:
    kinds = [kind.value for kind in DocumentKind]
    if row["kind"] not in kinds:
        raise ValueError(f"kind {row['kind']!r} is not one of {', '.join(kinds)}")
    if not row["customer_id"]:
        raise ValueError("customer_id is empty")
    return OpenItem(
        item_id=row["item_id"],
        kind=DocumentKind(row["kind"]),
        number=row["number"],
        customer_id=row["customer_id"],
        customer_name=row["customer_name"],
        open_amount=_positive("amount_open", row["amount_open"], row["currency"]),
        issued_on=_date("issue_date", row["issue_date"]),
        due_on=_date("due_date", row["due_date"]),
        references=tuple(part.strip() for part in row["references"].split("|") if part.strip()),
    )


def _receipt(row: Row) -> Receipt:
    currency = row["currency"]
    fee = _money("fee", row["fee"], currency) if row["fee"] else None
    if fee is not None and fee.minor < 0:
        raise ValueError(f"fee {row['fee']} is negative")
    amount = _positive("amount", row["amount"], currency)
    if fee is not None and amount.minor + fee.minor > MAX_MINOR:
        raise ValueError(f"amount and fee of {currency} are together too large")
    return Receipt(
        receipt_id=row["receipt_id"],
        received_on=_date("received_on", row["received_on"]),
        amount=amount,
        payer_name=row["payer_name"],
        payer_account=row["payer_account"],
        remittance=row["remittance"],
        fee=fee or None,
    )


def _date(column: str, text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{column} {text!r} is not a date such as 2026-03-31")


def _money(column: str, text: str, currency: str) -> Money:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{column} {text!r} is not a plain decimal number")
    try:
        return Money.parse(text, currency)
    except MoneyError as error:
        raise ValueError(str(error)) from None


def _positive(column: str, text: str, currency: str) -> Money:
    money = _money(column, text, currency)
    if money.minor <= 0:
        raise ValueError(f"{column} {text} is not positive")
    return money


def _read(path: Path, columns: Sequence[str], key: str, build: Callable[[Row], T]) -> list[T]:
    seen: dict[str, int] = {}
    found: list[T] = []
    for line, row in _rows(path, columns):
        if not row[key]:
            raise _bad(path, line, f"{key} is empty")
        if row[key] in seen:
            raise _bad(path, line, f"{key} {row[key]!r} is already on line {seen[row[key]]}")
        seen[row[key]] = line
        found.append(_checked(path, line, partial(build, row)))
    return found


def _checked(path: Path, line: int, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as error:
        raise _bad(path, line, str(error)) from None


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Yield the rows, stripped, with the line each ends on; the header must be exactly `columns`, in any order."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header, columns)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise _bad(path, reader.line_num, f"{len(cells)} values for {len(header)} columns")
                if any(map(_CONTROL.search, cells)):
                    raise _bad(path, reader.line_num, "has a control character")
                yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except OSError as error:
        raise _bad(path, 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _bad(path, _line_not_utf8(path), "is not UTF-8 text") from None
    except csv.Error as error:
        raise _bad(path, reader.line_num, f"is not well-formed CSV: {error}") from None


def _line_not_utf8(path: Path) -> int:
    content = path.read_bytes()
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 1  # somebody has written it anew meanwhile


def _check_header(path: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    for name in header:
        if name not in columns:
            raise _bad(path, 1, f"unknown column {name!r}")
        if header.count(name) > 1:
            raise _bad(path, 1, f"column {name!r} occurs twice")
    missing = [name for name in columns if name not in header]
    if missing:
        raise _bad(path, 1, f"missing column {missing[0]!r}")


def _bad(path: Path, line: int, reason: str) -> InputError:
    return InputError(f"{path}, line {line}: {reason}")
