from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from runtime.operations.errors import InputError
from runtime.operations.matching.match_files import (
    ALLOCATION_COLUMNS,
    OPEN_ITEM_COLUMNS,
    RECEIPT_COLUMNS,
    match_files,
    proposal_json,
    read_history,
    summary_json,
)

ITEM = {
    "item_id": "A",
    "kind": "invoice",
    "number": "INV-0401",
    "references": "PO-7781|PO-7782",
    "customer_id": "C1",
    "customer_name": "Harbour Supplies Ltd",
    "currency": "EUR",
    "amount_open": "100.00",
    "issue_date": "2026-01-15",
    "due_date": "2026-02-15",
}
RECEIPT = {
    "receipt_id": "R1",
    "received_on": "2026-02-10",
    "currency": "EUR",
    "amount": "97.10",
    "payer_name": "Harbour Supplies Ltd",
    "payer_account": "",
    "remittance": "INV-0401",
    "fee": "2.90",
}


def write(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def files(folder: Path, items: list[dict[str, str]], receipts: list[dict[str, str]]) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    return (
        write(folder / "open_items.csv", items, OPEN_ITEM_COLUMNS),
        write(folder / "receipts.csv", receipts, RECEIPT_COLUMNS),
    )


def test_a_proposal_is_printed_as_the_contract_says(tmp_path: Path) -> None:
    second = {**ITEM, "item_id": "B", "number": "INV-0402", "references": "", "amount_open": "55.00"}
    open_items, receipts = files(tmp_path, [ITEM, second], [RECEIPT])
    run = match_files(open_items=open_items, receipts=receipts)
    (found,) = [proposal_json(proposal) for proposal in run.proposals]
    reasons = found.pop("reasons")
    assert isinstance(reasons, list)
    assert all(isinstance(reason, str) for reason in reasons)
    assert json.loads(json.dumps(found)) == {
        "receipt_id": "R1",
        "decision": "apply",
        "confidence": 0.9995,
        "explanation": "exact",
        "allocations": [{"item_id": "A", "amount": "100.00"}],
        "residuals": [{"kind": "processor_fee", "amount": "2.90"}],
        "unapplied": "0.00",
        "runner_up": None,
    }
    assert summary_json(run) == {
        "receipts": 1,
        "decisions": {"apply": 1, "suggest": 0, "none": 0},
        "explanations": {"exact": 1},
    }


def test_the_runner_up_has_the_same_shape_without_reasons(tmp_path: Path) -> None:
    second = {**ITEM, "item_id": "B", "number": "INV-0402", "references": ""}
    open_items, receipts = files(tmp_path, [ITEM, second], [{**RECEIPT, "remittance": ""}])
    (found,) = [proposal_json(p) for p in match_files(open_items=open_items, receipts=receipts).proposals]
    runner_up = found["runner_up"]
    assert isinstance(runner_up, dict)
    assert set(runner_up) == set(found) - {"reasons", "runner_up"}
    assert (found["decision"], found["allocations"]) == ("suggest", [{"item_id": "A", "amount": "100.00"}])
    assert runner_up["allocations"] == [{"item_id": "B", "amount": "100.00"}]


def test_no_match_at_all_is_no_error(tmp_path: Path) -> None:
    open_items, receipts = files(tmp_path, [], [RECEIPT])
    (found,) = [proposal_json(p) for p in match_files(open_items=open_items, receipts=receipts).proposals]
    assert (found["decision"], found["allocations"], found["unapplied"]) == ("none", [], "97.10")
    empty_items, empty_receipts = files(tmp_path / "empty", [], [])
    assert match_files(open_items=empty_items, receipts=empty_receipts).proposals == ()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("kind", "bill", "kind 'bill'"),
        ("customer_id", "", "customer_id is empty"),
        ("item_id", "", "item_id is empty"),
        ("currency", "EUX", "unknown currency 'EUX'"),
        ("currency", "", "unknown currency ''"),
        ("amount_open", "100.005", "finer than the minor unit"),
        ("amount_open", "0.00", "not positive"),
        ("amount_open", "-5.00", "not positive"),
        ("amount_open", "1,000.00", "not a plain decimal"),
        ("amount_open", "1e3", "not a plain decimal"),
        ("amount_open", "NaN", "not a plain decimal"),
        ("amount_open", "", "not a plain decimal"),
        ("amount_open", "9" * 25, "too large"),
        ("amount_open", "١٠٠", "not a plain decimal"),
        ("number", "INV\x1f401", "has a control character"),
        ("issue_date", "15.01.2026", "issue_date '15.01.2026'"),
        ("issue_date", "20260115", "issue_date '20260115'"),
        ("due_date", "2026-02-30", "due_date '2026-02-30'"),
        ("due_date", "", "due_date ''"),
    ],
)
def test_a_bad_open_item_is_refused_by_file_line_and_reason(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    bad = {**ITEM, "item_id": "B", column: value}
    open_items, receipts = files(tmp_path, [ITEM, bad], [RECEIPT])
    with pytest.raises(InputError) as caught:
        match_files(open_items=open_items, receipts=receipts)
    assert str(caught.value).startswith(f"{open_items}, line 3: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("receipt_id", "", "receipt_id is empty"),
        ("currency", "eur", "unknown currency 'eur'"),
        ("received_on", "2026-13-01", "received_on"),
        ("amount", "1.001", "finer than the minor unit"),
        ("amount", "0", "not positive"),
        ("fee", "-0.01", "fee -0.01 is negative"),
        ("fee", "0.001", "finer than the minor unit"),
        ("fee", "some", "not a plain decimal"),
        ("fee", str(2**63)[:17], "too large"),
    ],
)
def test_a_bad_receipt_is_refused_by_file_line_and_reason(tmp_path: Path, column: str, value: str, reason: str) -> None:
    amount = "92233720368547758.07" if column == "fee" and reason == "too large" else "97.10"
    bad = {**RECEIPT, "receipt_id": "R2", "amount": amount, column: value}
    open_items, receipts = files(tmp_path, [ITEM], [RECEIPT, bad])
    with pytest.raises(InputError) as caught:
        match_files(open_items=open_items, receipts=receipts)
    assert str(caught.value).startswith(f"{receipts}, line 3: ")
    assert reason in str(caught.value)


def test_a_duplicate_id_is_refused(tmp_path: Path) -> None:
    open_items, receipts = files(tmp_path, [ITEM, ITEM], [RECEIPT])
    with pytest.raises(InputError, match="line 3: item_id 'A' is already on line 2"):
        match_files(open_items=open_items, receipts=receipts)
    open_items, receipts = files(tmp_path, [ITEM], [RECEIPT, RECEIPT])
    with pytest.raises(InputError, match="line 3: receipt_id 'R1' is already on line 2"):
        match_files(open_items=open_items, receipts=receipts)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: missing column 'receipt_id'"),
        (b"receipt_id,received_on\n", "line 1: missing column 'currency'"),
        (",".join([*RECEIPT_COLUMNS, "colour"]).encode(), "line 1: unknown column 'colour'"),
        (",".join([*RECEIPT_COLUMNS, "fee"]).encode(), "line 1: column 'fee' occurs twice"),
        (",".join(RECEIPT_COLUMNS).encode() + b"\nR1,2026-02-10\n", "line 2: 2 values for 8 columns"),
        (",".join(RECEIPT_COLUMNS).encode() + b'\nR1,"a"b\n', "line 2: is not well-formed CSV"),
        (b"\xff\xfe", "line 1: is not UTF-8"),
        (",".join(RECEIPT_COLUMNS).encode() + b"\nR1,2026-02-10,EUR,5,M\xfcller,,,\n", "line 2: is not UTF-8"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    open_items, receipts = files(tmp_path, [ITEM], [])
    receipts.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        match_files(open_items=open_items, receipts=receipts)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    open_items, _ = files(tmp_path, [ITEM], [])
    with pytest.raises(InputError, match="cannot be read"):
        match_files(open_items=open_items, receipts=tmp_path / "none.csv")


def test_columns_may_come_in_any_order_and_after_a_byte_order_mark(tmp_path: Path) -> None:
    open_items, receipts = files(tmp_path, [ITEM], [])
    write(receipts, [RECEIPT], tuple(reversed(RECEIPT_COLUMNS)))
    receipts.write_bytes(b"\xef\xbb\xbf" + receipts.read_bytes())
    (proposal,) = match_files(open_items=open_items, receipts=receipts).proposals
    assert proposal.decision == "apply"


def test_history_teaches_whose_name_and_account_pays_for_whom(tmp_path: Path) -> None:
    agent = {**RECEIPT, "payer_name": "H Supplies Agent", "payer_account": "DE7"}
    past = [{**agent, "receipt_id": "P1"}, {**agent, "receipt_id": "P2"}]
    items = [ITEM, {**ITEM, "item_id": "B", "number": "INV-0400"}]
    files(tmp_path / "history", items, past)
    rows = [{"receipt_id": "P1", "item_id": "B", "amount": ""}, {"receipt_id": "P2", "item_id": "", "amount": ""}]
    write(tmp_path / "history" / "allocations.csv", rows, ALLOCATION_COLUMNS)
    open_items, receipts = files(tmp_path, [ITEM], [{**RECEIPT, "amount": "96.50", "payer_name": "H Supplies Agent"}])
    (before,) = match_files(open_items=open_items, receipts=receipts).proposals
    (after,) = match_files(open_items=open_items, receipts=receipts, history=tmp_path / "history").proposals
    assert (before.decision, after.decision) == ("suggest", "apply")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("R9", "A", "")], "line 2: receipt_id 'R9' is not in receipts.csv"),
        ([("R1", "Z", "")], "line 2: item_id 'Z' is not in open_items.csv"),
        ([("R1", "A", ""), ("R1", "A", "")], "line 3: a second row"),
        ([("R1", "A", ""), ("R1", "", "")], "line 3: receipt_id 'R1' has a row that says that it paid nothing"),
        ([("R1", "", ""), ("R1", "A", "")], "line 3: receipt_id 'R1' has a row that says that it paid nothing"),
        ([("R1", "", ""), ("R1", "", "")], "line 3: a second row"),
        ([("R1", "", "5.00")], "line 2: receipt_id 'R1' has an amount and no item_id"),
        ([("R1", "A", "1.001")], "line 2: amount 1.001"),
        ([("R1", "A", "-1")], "line 2: amount -1 is not positive"),
    ],
)
def test_bad_allocations_are_refused(tmp_path: Path, rows: list[tuple[str, str, str]], reason: str) -> None:
    files(tmp_path, [ITEM], [RECEIPT])
    table = [dict(zip(ALLOCATION_COLUMNS, row, strict=True)) for row in rows]
    write(tmp_path / "allocations.csv", table, ALLOCATION_COLUMNS)
    with pytest.raises(InputError, match=reason):
        read_history(tmp_path)
