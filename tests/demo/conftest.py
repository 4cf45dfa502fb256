"""One run of the demo for all tests that look at it: vendors' real call limits make it take more than a minute."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.cli.command import Result, sqlite
from tests.demo.playing import play


@dataclass
class Played:
    """What a headless demo printed, and the folder that it kept its database in."""

    result: Result
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.result.stdout)
        return summary

    @property
    def url(self) -> str:
        return sqlite(self.folder, "truedue.sqlite3")

    def organisations(self) -> list[str]:
        with closing(sqlite3.connect(self.folder / "truedue.sqlite3")) as db:
            return [row[0] for row in db.execute("SELECT id FROM organisation ORDER BY id")]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The run of this session; workers share it: the first plays while the others wait for its result."""
    folder = shared_folder(tmp_path_factory) / "demo"
    kept = folder.with_suffix(".json")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder.mkdir()
            done = play(folder)
            kept.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), encoding="utf-8")
    code, output, errors = json.loads(kept.read_text(encoding="utf-8"))
    return Played(CompletedProcess("truedue demo", code, output, errors), folder)


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole session: a worker's own lies inside it."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture
def copied(played: Played, tmp_path: Path) -> Played:
    """The same, with a database that a test may spoil."""
    with (
        closing(sqlite3.connect(played.folder / "truedue.sqlite3")) as source,
        closing(sqlite3.connect(tmp_path / "truedue.sqlite3")) as target,
    ):
        source.backup(target)
    return Played(played.result, tmp_path)
