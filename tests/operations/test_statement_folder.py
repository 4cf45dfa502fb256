"""A watched folder: files are read once they are whole, and moved to where one sees what became of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runtime.operations.bank_files.statement_folder import QUIET_SECONDS, take_in_files
from runtime.store import tables as t
from tests.operations.firm import Firm, money_in, statement

MONEY = statement(money_in("L1", "10.00", "A", "one"))
MORE = statement(money_in("L1", "10.00", "A", "one"), money_in("L2", "20.00", "B", "two"))


@pytest.fixture
def folder(firm: Firm, tmp_path: Path) -> Path:
    firm.app.settings.statement_folder = str(tmp_path / "bank")
    own = tmp_path / "bank" / firm.id
    own.mkdir(parents=True)
    return own


def put_in(folder: Path, name: str, content: bytes, *, age: float = 2 * QUIET_SECONDS) -> Path:
    file = folder / name
    file.write_bytes(content)
    os.utime(file, (time.time() - age,) * 2)
    return file


def _amounts(firm: Firm) -> list[int]:
    return sorted(row.amount_minor for row in firm.rows(t.receipt))


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_files_are_read_and_moved_and_one_that_comes_again_adds_nothing(firm: Firm, folder: Path) -> None:
    put_in(folder, "monday.xml", MONEY)
    assert take_in_files(firm.app) == {"taken": 1}
    put_in(folder, "monday.xml", MORE)
    assert take_in_files(firm.app) == {"taken": 1}
    assert _amounts(firm) == [1_000, 2_000]
    assert len(_left(folder)) == 2, "the earlier file is not overwritten"
    assert {path.read_bytes() for path in (folder / "taken").iterdir()} == {MONEY, MORE}


def test_a_refused_file_says_why_and_keeps_no_other_waiting(firm: Firm, folder: Path) -> None:
    put_in(folder, "a.xml", MONEY[:-100])
    put_in(folder, "b.xml", MORE)
    assert take_in_files(firm.app) == {"refused": 1, "taken": 1}
    assert _amounts(firm) == [1_000, 2_000]
    assert _left(folder) == ["refused/a.xml", "refused/a.xml.reason.txt", "taken/b.xml"]
    assert "a.xml" in (folder / "refused" / "a.xml.reason.txt").read_text()
    assert "statement_refused" in firm.problems()
    put_in(folder, "a.xml", MONEY)
    assert take_in_files(firm.app) == {"taken": 1}
    assert "statement_refused" not in firm.problems()


def test_what_is_not_whole_or_no_file_of_ours_is_left_alone(firm: Firm, folder: Path) -> None:
    put_in(folder, "fresh.xml", MONEY, age=0)
    put_in(folder, "sending.xml.part", MONEY)
    put_in(folder, ".hidden.xml", MONEY)
    outside = put_in(folder.parent.parent, "outside.xml", MONEY)
    (folder / "link.xml").symlink_to(outside)
    os.utime(folder / "link.xml", (0, 0), follow_symlinks=False)
    stranger = folder.parent / "nobody"
    stranger.mkdir()
    put_in(stranger, "theirs.xml", MONEY)
    assert take_in_files(firm.app) == {}
    assert _amounts(firm) == []
    assert outside.exists()


def test_without_a_folder_nothing_is_looked_at(firm: Firm, tmp_path: Path) -> None:
    assert take_in_files(firm.app) == {}
    firm.app.settings.statement_folder = str(tmp_path / "missing")
    assert take_in_files(firm.app) == {}
