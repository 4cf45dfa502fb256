"""The program itself: its commands, its version, and what it says to one that it does not have."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.command import installed, refused

COMMANDS = {
    "certificate",
    "charges",
    "connect",
    "demo",
    "doctor",
    "match",
    "policy",
    "remind",
    "sandbox",
    "serve",
    "statement",
    "sync",
    "worker",
}


def test_help_lists_every_command(tmp_path: Path) -> None:
    result = installed("--help", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    listed = set(re.findall(r"^  ([a-z]+) ", result.stdout.partition("Commands:")[2], re.MULTILINE))
    assert listed >= COMMANDS


def test_version(tmp_path: Path) -> None:
    result = installed("--version", folder=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"truedue, version {version('truedue')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nonsense"], "No such command 'nonsense'."),
        ([], "name a command; `truedue --help` lists them"),
        (["certificate"], "name a command; `truedue certificate --help` lists them"),
        (["match"], "Missing option '--open-items'."),
        (["statement"], "Missing argument 'FILE...'."),
        (["serve", "--port", "70000"], "Invalid value for '--port': 70000 is not in the range 1<=x<=65535."),
        (["remind", "--nonsense"], "No such option '--nonsense'."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    assert refused(*arguments, folder=tmp_path) == line
