"""The command policy: a file is shown, checked without a database, weighed on real items, and set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import one_line, refused, truedue
from tests.cli.test_sync import Command, command, firm
from tests.operations.firm import Firm

__all__ = ["command", "firm"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example for debts of several sizes, as it is printed."""
    example = truedue("policy", "show", "--example", "by-size", folder=tmp_path)
    assert example.returncode == 0, example.stderr
    path = tmp_path / "policies.yaml"
    path.write_text(example.stdout, encoding="utf-8")
    return path


def test_a_file_is_checked_without_a_database(file: Path) -> None:
    result = truedue("policy", "check", file.name, folder=file.parent)
    assert (result.returncode, result.stdout) == (
        0,
        "policies.yaml: 4 policies: long-standing debt, large debt, small debt, standard\n",
    )


def test_a_mistake_is_named_with_file_and_line(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[6] = lines[6].replace("understanding", "gentle")
    file.write_text("\n".join(lines), encoding="utf-8")
    for arguments in (("check", file.name), ("set", file.name)):
        line = refused("policy", *arguments, folder=file.parent)
        assert line.startswith("policies.yaml: line 7: 'gentle' is not one of upcoming, ")
    file.write_bytes(b"policies:\n\xff")
    assert refused("policy", "check", file.name, folder=file.parent).startswith("policies.yaml: line 2: ")
    assert refused("policy", "check", "none", folder=file.parent) == "none: there is no such file"


def test_a_file_is_set_and_shown_as_it_was_written(firm: Firm, command: Command, file: Path) -> None:
    built_in = json.loads(command("policy", "show", "--json").stdout)
    assert (built_in["version"], built_in["policies"], built_in["set_by"]) == (1, ["standard"], None)
    file.write_text("# ours\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    weighed = json.loads(command("policy", "check", file.name, "--org", firm.id, "--json").stdout)["preview"]
    assert sum(weighed["customers_by_policy"].values()) == 2
    made = json.loads(command("policy", "set", file.name, "--by", "Dana Fenwick", "--json").stdout)
    assert (made["version"], made["set_by"]) == (2, "Dana Fenwick")
    assert command("policy", "show").stdout == file.read_text(encoding="utf-8")
    assert command("policy", "show", "--version", "1").stdout.startswith("policies:\n- name: standard\n")
    unknown = command("policy", "show", "--version", "9")
    assert (unknown.returncode, one_line(unknown)) == (2, "there is no version 9; there are 2, 1")
