"""`truedue columns`, and columns named for `truedue statement`: the command line beside the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.app import build
from runtime.settings import Settings
from tests.cli.books import connected
from tests.cli.command import KEY, refused, sqlite, truedue

FILE = "When;Much\n26.02.2026;120,00\n27.02.2026;-900,50\n"
COLUMNS = {"columns": {"booked_on": "When", "amount": "Much"}, "account": "DE01", "currency": "EUR"}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    sample, said = tmp_path / "feb.csv", tmp_path / "columns.json"
    sample.write_text(FILE)
    said.write_text(json.dumps(COLUMNS))
    return sample, said


def test_a_file_is_read_by_columns_that_a_file_names(files: tuple[Path, Path], tmp_path: Path) -> None:
    sample, said = files
    result = truedue("statement", sample, "--columns", said, "--json", folder=tmp_path)
    (account,) = json.loads(result.stdout)["accounts"]
    assert (account["account"], [entry["amount"] for entry in account["entries"]]) == ("DE01", ["120.00", "-900.50"])
    assert "name the columns" in truedue("statement", sample, folder=tmp_path).stderr


def test_columns_are_tried_kept_shown_and_forgotten(files: tuple[Path, Path], tmp_path: Path) -> None:
    app = build(Settings.model_validate({"database_url": sqlite(tmp_path), "key": KEY}))
    connected(app)
    app.close()
    own = {"key": KEY, "database_url": sqlite(tmp_path)}
    read = {"lines": 2, "first": "2026-02-26", "last": "2026-02-27", "accounts": ["DE01"]}
    read |= {"came": {"lines": 1, "sums": {"EUR": "120.00"}}, "left": {"lines": 1, "sums": {"EUR": "-900.50"}}}
    sample, said = files
    for more, kept in ((("--dry-run",), 0), ((), 1)):
        done = truedue("columns", "set", sample, "--columns", said, "--json", *more, folder=tmp_path, **own)
        assert json.loads(done.stdout) == read, done.stderr
        shown = truedue("columns", "show", "--json", folder=tmp_path, **own).stdout.splitlines()
        assert len(shown) == kept
    found = json.loads(shown[0])
    assert (found["columns"], found["date_order"], found["decimal_mark"]) == (COLUMNS["columns"], "dmy", ",")
    forgotten = json.loads(truedue("columns", "forget", found["id"], "--json", folder=tmp_path, **own).stdout)
    assert (forgotten["id"], forgotten["forgotten"]) == (found["id"], True)
    assert truedue("columns", "show", "--json", folder=tmp_path, **own).stdout == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "it is not JSON"),
        ('{"colums": {}}', "no other names than"),
        ('{"columns": {"booked_on": 1}}', "columns must be an object of headings"),
        ('{"columns": {"booked_on": "When"}}', "say which column is the amount"),
        (json.dumps(COLUMNS | {"date_order": "dym"}), "is no order of dates"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(files: tuple[Path, Path], tmp_path: Path, said: str, why: str) -> None:
    files[1].write_text(said)
    line = refused("statement", files[0], "--columns", files[1], folder=tmp_path)
    assert line.startswith(f"{files[1]}: ")
    assert why in line
