"""`truedue match`: its result line by line, and every kind of bad input refused with nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import refused, truedue

ITEMS_HEADER = "item_id,kind,number,references,customer_id,customer_name,currency,amount_open,issue_date,due_date"
RECEIPTS_HEADER = "receipt_id,received_on,currency,amount,payer_name,payer_account,remittance,fee"
ITEM = "A,invoice,INV-0401,PO-7781,C1,Harbour Supplies Ltd,EUR,100.00,2026-01-15,2026-02-15"
YEN = "Y,invoice,INV-0500,,C2,Sakura KK,JPY,5000,2026-01-15,2026-02-15"
RECEIPT = "R1,2026-02-10,EUR,97.10,Harbour Supplies Ltd,,INV-0401,2.90"
UNKNOWN = "R2,2026-02-11,EUR,3.33,Somebody Else,,thanks,"
ALLOCATIONS_HEADER = "receipt_id,item_id,amount"


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def books(
    folder: Path, *, items: tuple[str, ...] = (ITEM, YEN), receipts: tuple[str, ...] = (RECEIPT, UNKNOWN)
) -> None:
    write(folder / "items.csv", ITEMS_HEADER, *items)
    write(folder / "receipts.csv", RECEIPTS_HEADER, *receipts)


def arguments(folder: Path, *more: object) -> tuple[object, ...]:
    return ("match", "--open-items", folder / "items.csv", "--receipts", folder / "receipts.csv", *more)


def test_one_json_line_a_receipt_as_the_contract_says(tmp_path: Path) -> None:
    books(tmp_path)
    result = truedue(*arguments(tmp_path, "--json"), folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    paid, unknown = map(json.loads, result.stdout.splitlines())
    assert list(paid) == [
        "receipt_id",
        "decision",
        "confidence",
        "explanation",
        "allocations",
        "residuals",
        "unapplied",
        "reasons",
        "runner_up",
    ]
    assert (paid["receipt_id"], paid["decision"], paid["explanation"]) == ("R1", "apply", "exact")
    assert paid["allocations"] == [{"item_id": "A", "amount": "100.00"}]
    assert paid["residuals"] == [{"kind": "processor_fee", "amount": "2.90"}]
    assert paid["unapplied"] == "0.00"
    assert isinstance(paid["confidence"], float)
    assert 0 < paid["confidence"] <= 1
    assert paid["reasons"]
    assert all(isinstance(reason, str) for reason in paid["reasons"])
    assert (unknown["receipt_id"], unknown["decision"], unknown["explanation"]) == ("R2", "none", "unrelated")
    assert (unknown["allocations"], unknown["residuals"], unknown["unapplied"]) == ([], [], "3.33")


def test_a_runner_up_has_the_same_shape_without_reasons(tmp_path: Path) -> None:
    twin = ITEM.replace("A,", "B,", 1).replace("INV-0401", "INV-0402").replace("PO-7781", "")
    first = ITEM.replace("PO-7781", "")
    books(tmp_path, items=(first, twin), receipts=("R1,2026-02-10,EUR,100.00,Harbour Supplies Ltd,,,",))
    line = json.loads(truedue(*arguments(tmp_path), folder=tmp_path).stdout)
    assert line["decision"] == "suggest"
    assert set(line["runner_up"]) == set(line) - {"reasons", "runner_up"}
    assert {each["allocations"][0]["item_id"] for each in (line, line["runner_up"])} == {"A", "B"}


def test_out_takes_the_lines_and_stdout_one_summary(tmp_path: Path) -> None:
    books(tmp_path)
    lines = truedue(*arguments(tmp_path), folder=tmp_path).stdout
    result = truedue(*arguments(tmp_path, "--out", tmp_path / "out.jsonl", "--json"), folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == lines
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == {
        "receipts": 2,
        "decisions": {"apply": 1, "suggest": 0, "none": 1},
        "explanations": {"exact": 1, "unrelated": 1},
    }


def test_no_match_and_no_receipt_at_all_are_no_failure(tmp_path: Path) -> None:
    books(tmp_path, receipts=(UNKNOWN,))
    result = truedue(*arguments(tmp_path), folder=tmp_path)
    assert (result.returncode, json.loads(result.stdout)["decision"]) == (0, "none")
    books(tmp_path, receipts=())
    result = truedue(*arguments(tmp_path), folder=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_history_is_read_and_learned_from(tmp_path: Path) -> None:
    books(tmp_path)
    past = tmp_path / "past"
    past.mkdir()
    write(past / "open_items.csv", ITEMS_HEADER, ITEM)
    write(past / "receipts.csv", RECEIPTS_HEADER, RECEIPT, UNKNOWN)
    write(past / "allocations.csv", ALLOCATIONS_HEADER, "R1,A,100.00", "R2,,")
    result = truedue(*arguments(tmp_path, "--history", past), folder=tmp_path)
    assert (result.returncode, result.stderr, result.stdout.count("\n")) == (0, "", 2)


@pytest.mark.parametrize(
    ("file", "bad", "reason"),
    [
        ("items", ITEM.replace("100.00", "ten"), "amount_open 'ten' is not a plain decimal number"),
        ("items", ITEM.replace("100.00", "-100.00"), "amount_open -100.00 is not positive"),
        ("items", ITEM.replace("2026-01-15", "15.01.2026"), "issue_date '15.01.2026' is not a date such as 2026-03-31"),
        ("items", ITEM.replace("2026-02-15", "2026-02-30"), "due_date '2026-02-30' is not a date such as 2026-03-31"),
        ("items", ITEM.replace("invoice", "bill"), "kind 'bill' is not one of invoice, credit_note"),
        ("items", "Y" + ITEM[1:], "item_id 'Y' is already on line 2"),
        ("items", ITEM + ",extra", "11 values for 10 columns"),
        ("receipts", RECEIPT.replace("2.90", "-2.90"), "fee -2.90 is negative"),
        ("receipts", "R2" + RECEIPT[2:], "receipt_id 'R2' is already on line 2"),
        ("receipts", RECEIPT.replace("2026-02-10", ""), "received_on '' is not a date such as 2026-03-31"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_reason(tmp_path: Path, file: str, bad: str, reason: str) -> None:
    books(tmp_path)
    header, sound = (ITEMS_HEADER, YEN) if file == "items" else (RECEIPTS_HEADER, UNKNOWN)
    path = write(tmp_path / f"{file}.csv", header, sound, bad)
    line = refused(*arguments(tmp_path, "--out", tmp_path / "out.jsonl"), folder=tmp_path)
    assert line == f"{path}, line 3: {reason}"


@pytest.mark.parametrize(
    ("bad", "of_the_reason"),
    [
        (ITEM.replace("100.00", "100.005"), ("100.005", "EUR")),
        (YEN.replace("5000", "5000.5"), ("5000.5", "JPY")),
        (ITEM.replace("EUR", "QQQ"), ("QQQ",)),
    ],
)
def test_an_amount_too_fine_and_a_currency_unknown(tmp_path: Path, bad: str, of_the_reason: tuple[str, ...]) -> None:
    books(tmp_path, items=(bad,))
    line = refused(*arguments(tmp_path, "--out", tmp_path / "out.jsonl"), folder=tmp_path)
    assert line.startswith(f"{tmp_path / 'items.csv'}, line 2: ")
    assert all(part in line for part in of_the_reason)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (ITEMS_HEADER.replace("due_date", "due"), "unknown column 'due'"),
        (ITEMS_HEADER.removesuffix(",due_date"), "missing column 'due_date'"),
        (ITEMS_HEADER + ",due_date", "column 'due_date' occurs twice"),
    ],
)
def test_a_wrong_column_is_named(tmp_path: Path, header: str, reason: str) -> None:
    books(tmp_path)
    path = write(tmp_path / "items.csv", header, ITEM)
    assert refused(*arguments(tmp_path), folder=tmp_path) == f"{path}, line 1: {reason}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: missing column 'item_id'"),
        (bytes(range(256)) * 8, "line 2: is not UTF-8 text"),  # a line ends before the first byte that is none
    ],
)
def test_an_empty_and_a_binary_file_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    books(tmp_path)
    (tmp_path / "items.csv").write_bytes(content)
    assert refused(*arguments(tmp_path), folder=tmp_path) == f"{tmp_path / 'items.csv'}, {reason}"


def test_a_truncated_file_is_refused_at_its_last_line(tmp_path: Path) -> None:
    books(tmp_path)
    whole = (tmp_path / "items.csv").read_bytes()
    (tmp_path / "items.csv").write_bytes(whole[: whole.index(b"Sakura")] + b'"Sak')
    line = refused(*arguments(tmp_path), folder=tmp_path)
    assert line.startswith(f"{tmp_path / 'items.csv'}, line 3: is not well-formed CSV: ")


def test_missing_files_are_named(tmp_path: Path) -> None:
    books(tmp_path)
    (tmp_path / "past").mkdir()
    missing = tmp_path / "past" / "open_items.csv"
    line = refused(*arguments(tmp_path, "--history", tmp_path / "past"), folder=tmp_path)
    assert line == f"{missing}, line 1: cannot be read: No such file or directory"
    (tmp_path / "items.csv").unlink()
    line = refused(*arguments(tmp_path), folder=tmp_path)
    assert line == f"{tmp_path / 'items.csv'}, line 1: cannot be read: No such file or directory"


def test_history_that_names_what_is_not_there_is_refused(tmp_path: Path) -> None:
    books(tmp_path)
    past = tmp_path / "past"
    past.mkdir()
    write(past / "open_items.csv", ITEMS_HEADER, ITEM)
    write(past / "receipts.csv", RECEIPTS_HEADER, RECEIPT)
    path = write(past / "allocations.csv", ALLOCATIONS_HEADER, "R1,Z,100.00")
    line = refused(*arguments(tmp_path, "--history", past), folder=tmp_path)
    assert line == f"{path}, line 2: item_id 'Z' is not in open_items.csv"


@pytest.mark.parametrize(("out", "reason"), [("nowhere/out.jsonl", "No such file"), (".", "Is a directory")])
def test_out_that_cannot_be_written_leaves_nothing(tmp_path: Path, out: str, reason: str) -> None:
    books(tmp_path)
    line = refused(*arguments(tmp_path, "--out", tmp_path / out), folder=tmp_path)
    assert line.startswith(f"{tmp_path / out}: {reason}")
