"""Every known outside file is read whole, by a count of the raw text, or refused with a reason that is listed here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from connectors.banks.feed import read_statement_file, statement_file_json
from receivables.statement import StatementFile
from tests.shared import shared_data

BALANCE = "states a closing balance"
EMPTY = "holds no statement"
REFUSED = {
    "bai2/sample-parseError.txt": "is no BAI2 record",
    "bai2/sample4-continuations-newline-delimited.txt": "line 22: the 49 trailer states a control total",
    "camt/test_data_camt053.v2.five.decimals.xml": BALANCE,  # 18.150 + 8.850 is not 27.050
    "camt/test_data_camt053.v2.wrong.xml": EMPTY,
    "mt940/betterplace__amount_formats.sta": "a second :60F:",
    "mt940/betterplace__empty_86.sta": EMPTY,
    "mt940/betterplace__empty_line.sta": EMPTY,
    "mt940/betterplace__sepa_snippet.sta": BALANCE,
    "mt940/betterplace__sepa_snippet_broken.sta": "a second :25:",
    "mt940/cmxl__reference.sta": EMPTY,
    "mt940/cmxl__statement_number.sta": EMPTY,
    "mt940/jejik__abnamro.sta": BALANCE,
    "mt940/jejik__ing.sta": BALANCE,
    "mt940/jejik__knab.sta": BALANCE,
    "mt940/jejik__postfinance.sta": BALANCE,
    "mt940/jejik__rabobank.sta": BALANCE,
    "mt940/jejik__triodos.sta": BALANCE,
    "mt940/mBank__with_newline_in_tnr.sta": BALANCE,
    "mt940/self-provided__details_60-63.sta": BALANCE,
    "mt940/self-provided__empty_non_swift.sta": EMPTY,
    "mt940/self-provided__invalid_statement.sta": "format was not recognised",
    "mt940/self-provided__malformed_details.sta": BALANCE,
    "mt940/self-provided__mt942.sta": ":90D: states 1 entries of 2.30",
    "mt940/self-provided__overly_long_details.sta": BALANCE,
    "mt940/self-provided__raiffeisen-cmi.sta": BALANCE,
    "mt940/self-provided__whitespace.sta": BALANCE,
    "ofx/account_listing_aggregation.ofx": EMPTY,
    "ofx/signon_fail.ofx": "the bank answered 15500",
    "ofx/signon_success_no_message.ofx": EMPTY,
}
RAW_ENTRY = {
    "bai2": re.compile(rb"^16,", re.MULTILINE),
    "camt": re.compile(rb"<Ntry>"),
    "mt940": re.compile(rb":61:"),
    "ofx": re.compile(rb"<STMTTRN>"),
}


def known_files() -> list[Path]:
    return sorted(path for path in (shared_data() / "bank").rglob("*") if path.is_file())


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def entries(statement_file: StatementFile) -> int:
    return sum(len(statement.entries) for statement in statement_file.statements)


def test_every_entry_of_every_file_is_read_or_the_file_is_refused() -> None:
    files = known_files()
    assert len(files) == 78
    for path in files:
        found = read_statement_file(path)
        if name_of(path) in REFUSED:
            continue
        assert not found.refused, found.problems
        assert entries(found) == len(RAW_ENTRY[path.parent.name].findall(path.read_bytes())), path.name


def test_the_refused_files_are_the_listed_ones_and_say_why() -> None:
    refused = {}
    for path in known_files():
        found = read_statement_file(path)
        if found.refused:
            assert found.statements == ()
            refused[name_of(path)] = found.problems[0].text
    assert refused.keys() == REFUSED.keys()
    for name, reason in REFUSED.items():
        assert reason in refused[name]
        assert name.split("/")[1] in refused[name]


def test_all_files_together_hold_the_counted_entries() -> None:
    """190 of the 265 raw lines: the other 75 stand in refused files."""
    assert sum(entries(read_statement_file(path)) for path in known_files()) == 190
    assert sum(len(RAW_ENTRY[path.parent.name].findall(path.read_bytes())) for path in known_files()) == 265


def test_the_printed_object_has_exactly_the_contracted_keys() -> None:
    for path in known_files():
        printed = json.loads(json.dumps(statement_file_json(read_statement_file(path))))
        assert printed.keys() == {"file", "format", "accounts", "problems"}
        assert all(problem.keys() == {"code", "text", "remedy"} for problem in printed["problems"])
        for account in printed["accounts"]:
            assert account.keys() == {"account", "currency", "opening", "closing", "entries"}
            for entry in account["entries"]:
                assert entry.keys() == {
                    *("entry_id", "booked_on", "value_on", "amount", "currency", "counterparty"),
                    *("counterparty_account", "remittance", "status", "reversal", "parts"),
                }
                assert re.fullmatch(r"-?\d+(\.\d+)?", entry["amount"])
                assert all("end_to_end_id" in part for part in entry["parts"])


def test_no_two_entries_of_a_file_share_an_id() -> None:
    for path in known_files():
        ids = [entry.entry_id for statement in read_statement_file(path).statements for entry in statement.entries]
        assert len(set(ids)) == len(ids), path.name


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    found = read_statement_file(tmp_path / "gone.sta")
    assert found.refused
    assert "cannot be opened" in found.problems[0].text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bai2/sample2.txt", "bai2"),
        ("camt/test_data_camt052.v8.xml", "camt.052"),
        ("camt/test_data_camt053.v4.xml", "camt.053"),
        ("camt/test_data_camt054.v4.xml", "camt.054"),
        ("mt940/mBank__mt940.sta", "mt940"),
        ("mt940/mBank__mt942.sta", "mt942"),
        ("ofx/multiple_accounts2.ofx", "ofx"),
    ],
)
def test_formats_are_named_as_the_contract_names_them(name: str, expected: str) -> None:
    assert read_statement_file(shared_data() / "bank" / name).format == expected
