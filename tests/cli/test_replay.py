"""The command `remind --replay`: a table for a person, an object for a program, one line for bad days."""

from __future__ import annotations

import json

import pytest

from tests.cli.command import one_line
from tests.cli.test_sync import Command, command, firm
from tests.operations.firm import Firm

__all__ = ["command", "firm"]

DAYS = ("2026-02-15", "2026-03-09")


def test_an_object_tells_what_would_have_been_sent(firm: Firm, command: Command) -> None:
    result = command("remind", "--replay", *DAYS, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert (found["organisation"], found["from"], found["to"]) == (firm.id, *DAYS)
    assert {name: found[name] for name in ("messages", "customers", "lines", "lines_paid")} == {
        "messages": 4,
        "customers": 2,
        "lines": 4,
        "lines_paid": 0,
    }
    assert [each["month"] for each in found["months"]] == ["2026-02", "2026-03"]
    assert sum(each["messages"] for each in found["months"]) == found["messages"]


def test_a_person_gets_one_table(command: Command) -> None:
    lines = command("remind", "--replay", *DAYS).stdout.splitlines()
    assert lines[0] == "Firm, 2026-02-15 to 2026-03-09, policy standard, version 1"
    assert lines[1].split()[0] == "month"
    assert [line.split() for line in lines[2:5]] == [
        ["2026-02", "1", "1", "1", "0", "0"],
        ["2026-03", "3", "2", "3", "0", "0"],
        ["all", "4", "2", "4", "0", "0"],
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--replay", "2026-03-09", "2026-02-15"), "the days 2026-03-09 to 2026-02-15 run backwards"),
        (("--replay", "2026-02-15", "2199-01-01"), "2199-01-01 is not past"),
        (("--replay", "2024-02-15", "2026-02-15"), "is more than 366 days"),
        (("--replay", "today", "2026-02-15"), "--replay today: not a day such as 2026-09-01"),
        (("--replay", *DAYS, "--dry-run"), "--replay goes alone"),
        (("--replay", *DAYS, "--as-of", "2026-03-09T10:00:00Z"), "--replay goes alone"),
        (("--replay", *DAYS, "--org", "nobody"), "there is no organisation nobody"),
    ],
)
def test_bad_days_are_refused_in_one_line(command: Command, arguments: tuple[str, ...], reason: str) -> None:
    result = command("remind", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert reason in one_line(result)
