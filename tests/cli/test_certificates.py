"""The command certificate: a chain leaves the store as a file, and the file alone shows what was changed in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from tests.cli.command import refused, truedue
from tests.cli.test_sync import Command, command, firm
from tests.operations.firm import Firm

__all__ = ["command", "firm"]


@pytest.fixture
def chain(firm: Firm, command: Command, tmp_path: Path) -> Path:
    """The exported certificates of three reminded invoices, in a folder with nothing else."""
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    file = tmp_path / "elsewhere" / "chain.jsonl"
    file.parent.mkdir()
    exported = command("certificate", "export")
    assert exported.returncode == 0, exported.stderr
    file.write_text(exported.stdout, encoding="utf-8")
    return file


def _verdict(file: Path, *more: str) -> tuple[int, dict[str, object]]:
    result = truedue("certificate", "verify", file.name, *more, "--json", folder=file.parent)
    assert result.stderr == ""
    return result.returncode, json.loads(result.stdout)


def test_the_file_is_verified_without_a_database_and_agrees_with_the_store(chain: Path, command: Command) -> None:
    code, found = _verdict(chain)
    assert (code, found["certificates"], found["ok"], found["problem"]) == (0, 3, True, None)
    assert json.loads(command("certificate", "verify", "--json").stdout) == found
    assert sorted(path.name for path in chain.parent.iterdir()) == ["chain.jsonl"], "nothing was made"
    spoken = truedue("certificate", "verify", chain.name, folder=chain.parent).stdout
    assert spoken == f"3 certificates, chain whole, last digest {found['head']}\n"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: [lines[0], lines[1].replace("GBP", "GBQ"), lines[2]], "certificate 2 does not match its digest"),
        (lambda lines: [lines[0], lines[2]], "certificate 2 does not follow the one before it"),
        (lambda lines: [lines[1], lines[0], lines[2]], "certificate 1 does not follow the one before it"),
    ],
    ids=["changed", "missing", "moved"],
)
def test_the_first_that_is_broken_is_named(chain: Path, change: object, problem: str) -> None:
    assert callable(change)
    chain.write_text("\n".join(change(chain.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    code, found = _verdict(chain)
    assert (code, found["ok"], found["problem"]) == (1, False, problem)
    spoken = truedue("certificate", "verify", chain.name, folder=chain.parent)
    assert (spoken.returncode, spoken.stdout) == (1, f"{problem} ({found['digest']})\n")


def test_a_cut_end_shows_against_the_digest_kept_elsewhere(chain: Path) -> None:
    head = str(_verdict(chain)[1]["head"])
    assert _verdict(chain, "--head", head)[0] == 0
    lines = chain.read_text(encoding="utf-8").splitlines(keepends=True)
    chain.write_text("".join(lines[:2]), encoding="utf-8")
    assert _verdict(chain)[0] == 0
    code, found = _verdict(chain, "--head", head)
    assert (code, found["problem"]) == (1, "the chain does not end at the digest kept for it")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{}", "line 1: this is no certificate: it has no digest, or names none before it"),
        ("[1]", "line 1: this is no certificate: a line must hold one object"),
        ('{"digest": "a", "previous": null, "x": NaN}', "line 1: this is no certificate: "),
        ('{"digest": "a"', "line 1: this is no certificate: "),
        ('{"a":' * 100_000, "line 1: "),
        ("\n", "line 1: this is no certificate: "),
    ],
)
def test_what_is_no_certificate_is_refused_with_file_and_line(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "other.jsonl").write_text(content, encoding="utf-8")
    line = refused("certificate", "verify", "other.jsonl", folder=tmp_path)
    assert line.startswith(f"other.jsonl: {reason}")


def test_bytes_that_are_no_text_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert refused("certificate", "verify", "binary", folder=tmp_path).startswith("binary: line 1: ")
    assert refused("certificate", "verify", "none.jsonl", folder=tmp_path) == "none.jsonl: there is no such file"
    assert refused("certificate", "verify", "binary", "--org", "x", folder=tmp_path) == "name a file or --org, not both"
