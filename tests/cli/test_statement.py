"""`truedue statement`: banks' files of every format, and files that are none."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import one_line, refused, truedue
from tests.shared import shared_data

GOOD = {
    "camt/test_data_camt053.v4.xml": "camt.053",
    "camt/test_data_camt054.v4.xml": "camt.054",
    "camt/test_data_camt052.v8.xml": "camt.052",
    "mt940/jejik__generic.sta": "mt940",
    "mt940/mBank__mt942.sta": "mt942",
    "bai2/sample2.txt": "bai2",
    "ofx/checking.ofx": "ofx",
}
WRONG = "camt/test_data_camt053.v2.wrong.xml"
FILE_KEYS = ["file", "format", "accounts", "problems"]
ACCOUNT_KEYS = ["account", "currency", "opening", "closing", "entries"]
ENTRY_KEYS = [
    "entry_id",
    "booked_on",
    "value_on",
    "amount",
    "currency",
    "counterparty",
    "counterparty_account",
    "remittance",
    "status",
    "reversal",
    "parts",
]
_AMOUNT = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@pytest.fixture(scope="module")
def bank() -> Path:
    return shared_data() / "bank"


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_good_files_of_every_format_are_printed_a_line_each(bank: Path, tmp_path: Path) -> None:
    files = [bank / name for name in GOOD]
    result = truedue("statement", *files, "--json", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    read = objects(result.stdout)
    assert [each["file"] for each in read] == [str(file) for file in files]
    assert [each["format"] for each in read] == list(GOOD.values())
    for each in read:
        assert list(each) == FILE_KEYS
        assert each["accounts"]
        for account in each["accounts"]:
            assert_account(account)


def assert_account(account: dict[str, Any]) -> None:
    assert list(account) == ACCOUNT_KEYS
    for balance in (account["opening"], account["closing"]):
        assert balance is None or _AMOUNT.fullmatch(balance)
    for entry in account["entries"]:
        assert list(entry) == ENTRY_KEYS
        assert _AMOUNT.fullmatch(entry["amount"])
        assert all(day is None or _DAY.fullmatch(day) for day in (entry["booked_on"], entry["value_on"]))
        assert isinstance(entry["reversal"], bool)
        assert isinstance(entry["parts"], list)


def test_the_entries_explain_the_balances(bank: Path, tmp_path: Path) -> None:
    result = truedue("statement", bank / "mt940/jejik__generic.sta", "--json", folder=tmp_path)
    (account,) = json.loads(result.stdout)["accounts"]
    moved = sum(Decimal(entry["amount"]) for entry in account["entries"])
    assert moved != 0
    assert Decimal(account["opening"]) + moved == Decimal(account["closing"])


def test_a_refused_file_among_good_ones_is_named_and_the_others_are_printed(bank: Path, tmp_path: Path) -> None:
    good, other = bank / "mt940/jejik__generic.sta", bank / "bai2/sample2.txt"
    result = truedue("statement", good, bank / WRONG, other, "--json", folder=tmp_path)
    assert result.returncode == 2
    first, refusal, last = objects(result.stdout)
    assert (first["file"], last["file"]) == (str(good), str(other))
    assert first["accounts"]
    assert last["accounts"]
    assert (refusal["file"], refusal["accounts"]) == (str(bank / WRONG), [])
    assert [set(problem) for problem in refusal["problems"]] == [{"code", "text", "remedy"}]
    assert str(bank / WRONG) in one_line(result)
    assert refusal["problems"][0]["text"] in one_line(result)


def test_without_json_it_speaks_to_people(bank: Path, tmp_path: Path) -> None:
    result = truedue("statement", bank / "mt940/jejik__generic.sta", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "jejik__generic.sta: mt940\n" in result.stdout
    assert "opening" in result.stdout


@pytest.mark.parametrize(
    ("name", "content"), [("empty.sta", b""), ("garbage.bin", bytes(range(255, -1, -1)) * 64), ("words.txt", b"hello")]
)
def test_a_file_that_is_no_statement_is_refused_with_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    result = truedue("statement", file, "--json", folder=tmp_path)
    assert result.returncode == 2
    (refusal,) = objects(result.stdout)
    assert (refusal["file"], refusal["accounts"]) == (str(file), [])
    assert one_line(result).startswith(f"{file}: ")
    assert file.read_bytes() == content


def test_an_account_cut_off_in_the_middle_is_refused_whole(bank: Path, tmp_path: Path) -> None:
    whole = (bank / "camt/test_data_camt053.v4.xml").read_bytes()
    (tmp_path / "cut.xml").write_bytes(whole[: len(whole) // 2])
    result = truedue("statement", tmp_path / "cut.xml", "--json", folder=tmp_path)
    assert (result.returncode, json.loads(result.stdout)["accounts"]) == (2, [])


def test_a_missing_file_and_a_folder_are_refused_before_anything_is_printed(bank: Path, tmp_path: Path) -> None:
    good, missing = bank / "mt940/jejik__generic.sta", tmp_path / "missing.sta"
    assert refused("statement", good, missing, folder=tmp_path) == f"{missing}: there is no such file"
    assert refused("statement", good, tmp_path, folder=tmp_path) == f"{tmp_path}: this is no file"
