"""Reading the demo's database from the command line: the dry run of reminders, and the chain of certificates."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from reminders.holds import HoldCode
from tests.cli.command import contents, refused, truedue
from tests.demo.conftest import Played

TUESDAY = "2026-11-17T15:00:00+00:00"  # the demo's own day
FRIDAY = "2026-11-20T17:00:00+00:00"  # the next level is due for some, and it is a working hour for every payer
FAR_AHEAD = "2099-11-17T15:00:00+00:00"
KEYS = ["organisation", "item_id", "decision", "level", "channel", "holds", "certificate"]


def dry_run(played: Played, as_of: str, *more: str) -> list[dict[str, Any]]:
    result = truedue(
        "remind", "--dry-run", "--as-of", as_of, "--json", *more, folder=played.folder, database_url=played.url
    )
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_dry_run_decides_every_open_item_and_changes_nothing(copied: Played) -> None:
    before = tables(copied)
    lines = dry_run(copied, FRIDAY)
    assert tables(copied) == before
    assert {line["organisation"] for line in lines} == set(copied.organisations())
    assert len({line["item_id"] for line in lines}) == len(lines)
    # Before that Friday has come, evidence as old as the demo's holds everything.
    has_come = datetime.now(UTC) > datetime.fromisoformat(FRIDAY)
    assert {line["decision"] for line in lines} == ({"remind", "held"} if has_come else {"held"})
    for line in lines:
        assert list(line) == KEYS
        assert_decided(line)


def assert_decided(line: dict[str, Any]) -> None:
    certificate = line["certificate"]
    assert certificate["item_id"] == line["item_id"]
    assert len(certificate["digest"]) == 64
    assert {check["code"] for check in certificate["checks"]} == {code.value for code in HoldCode}
    assert [set(hold) for hold in line["holds"]] == [{"code", "reason"}] * len(line["holds"])
    if line["decision"] == "remind":
        assert line["holds"] == []
        assert isinstance(line["level"], int)
        assert line["channel"] == "email"
        assert {check["outcome"] for check in certificate["checks"]} <= {"clear", "reported"}
    else:
        assert line["holds"]


def tables(played: Played) -> list[str]:
    with closing(sqlite3.connect(played.folder / "truedue.sqlite3")) as db:
        return list(db.iterdump())


def outcomes_of_stale(lines: list[dict[str, Any]]) -> set[str]:
    return {check["outcome"] for line in lines for check in line["certificate"]["checks"] if check["code"] == "stale"}


def test_freshness_is_reported_for_the_past_and_held_on_for_what_comes(played: Played) -> None:
    past = dry_run(played, "2020-01-07T15:00:00Z")
    assert outcomes_of_stale(past) <= {"clear", "reported"}
    assert "stale" not in {hold["code"] for line in past for hold in line["holds"]}
    coming = dry_run(played, FAR_AHEAD)
    assert outcomes_of_stale(coming) == {"holds"}
    assert all("stale" in {hold["code"] for hold in line["holds"]} for line in coming)
    assert {line["decision"] for line in coming} == {"held"}


def test_one_organisation_alone(played: Played) -> None:
    first, *others = played.organisations()
    assert others
    lines = dry_run(played, TUESDAY, "--org", first)
    assert {line["organisation"] for line in lines} == {first}


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        ("2026-11-17T10:00:00", "add the time zone, such as +00:00 or Z"),
        ("2026-11-17", "add the time zone, such as +00:00 or Z"),
        ("yesterday", "not a date and time such as 2026-11-17T10:00:00+00:00"),
        ("2026-13-01T10:00:00Z", "not a date and time such as 2026-11-17T10:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", "the year must be 1900 to 2200"),
        ("9999-12-31T23:59:59Z", "the year must be 1900 to 2200"),
    ],
)
def test_a_time_that_is_none_is_refused(played: Played, as_of: str, reason: str) -> None:
    line = refused("remind", "--dry-run", "--as-of", as_of, folder=played.folder, database_url=played.url)
    assert line == f"--as-of {as_of}: {reason}"


def test_an_unknown_organisation_is_refused(played: Played) -> None:
    for arguments in (("remind", "--dry-run"), ("certificate", "verify")):
        line = refused(*arguments, "--org", "nobody", folder=played.folder, database_url=played.url)
        assert line == "there is no organisation nobody"


def test_certificates_of_several_organisations_need_a_name(played: Played) -> None:
    line = refused("certificate", "verify", folder=played.folder, database_url=played.url)
    assert line.startswith("name the organisation with --org: ")
    assert all(organisation in line for organisation in played.organisations())


def verify(played: Played, organisation: str) -> tuple[int, dict[str, Any]]:
    result = truedue(
        "certificate", "verify", "--org", organisation, "--json", folder=played.folder, database_url=played.url
    )
    assert result.stderr == ""
    return result.returncode, json.loads(result.stdout)


def test_the_chains_are_whole_and_cover_what_was_sent(played: Played) -> None:
    counted = 0
    for organisation in played.organisations():
        code, verdict = verify(played, organisation)
        assert (code, verdict["ok"], verdict["problem"]) == (0, True, None)
        counted += verdict["certificates"]
    assert counted == played.summary["items_reminded"]


def test_one_changed_byte_breaks_a_chain(copied: Played) -> None:
    organisation, *_ = copied.organisations()
    with closing(sqlite3.connect(copied.folder / "truedue.sqlite3")) as db:
        digest, body = db.execute(
            "SELECT digest, body FROM certificate WHERE organisation_id = ? ORDER BY sequence LIMIT 1 OFFSET 4",
            (organisation,),
        ).fetchone()
        amount = body.index('"amount":"') + len('"amount":"')
        changed = body[:amount] + ("2" if body[amount] == "1" else "1") + body[amount + 1 :]
        db.execute("UPDATE certificate SET body = ? WHERE digest = ?", (changed, digest))
        db.commit()
    code, verdict = verify(copied, organisation)
    assert (code, verdict["ok"]) == (1, False)
    assert verdict["problem"] == "certificate 5 does not match its digest"


def test_looking_does_not_change_the_database(played: Played) -> None:
    before = contents(played.folder)["truedue.sqlite3"]
    assert before
    dry_run(played, TUESDAY)
    verify(played, played.organisations()[0])
    assert contents(played.folder)["truedue.sqlite3"] == before
