"""Looking after an installation: doctor, connect, sandbox, and commands on a database that is not there."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import insert, update

from runtime.app import build
from runtime.settings import Settings
from runtime.store import tables as t
from runtime.store.connections import BROKEN
from runtime.store.engine import Store
from tests.cli.books import NAME, connected
from tests.cli.command import (
    ANOTHER_KEY,
    KEY,
    Result,
    contents,
    free_port,
    refused,
    sqlite,
    started,
    truedue,
    wait_until,
)

SYSTEMS = ["xero", "quickbooks", "salesforce", "stripe"]
CARRIERS = ["twilio", "print", "lob"]
XERO_CLIENT = {"xero_client_id": "a-client", "xero_client_secret": "not-a-secret", "xero_webhook_secret": "neither"}


def make(folder: Path, **values: str) -> str:
    """A database with a connected organisation, which is given back by its id."""
    app = build(Settings.model_validate({"database_url": sqlite(folder), "key": KEY}))
    try:
        return connected(app, **values)
    finally:
        app.close()


def checks(result: Result) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(list(line) == ["check", "ok", "detail"] for line in lines)
    return {line["check"]: line for line in lines}


def failing(folder: Path, **settings: str) -> dict[str, str]:
    """What doctor finds wrong; it exits 1 and changes nothing."""
    before = contents(folder)
    result = truedue("doctor", "--json", folder=folder, **({"key": KEY, "database_url": sqlite(folder)} | settings))
    assert (result.returncode, result.stderr) == (1, "")
    assert contents(folder) == before
    return {name: check["detail"] for name, check in checks(result).items() if not check["ok"]}


def test_doctor_finds_nothing_wrong_with_a_sound_installation(tmp_path: Path) -> None:
    make(tmp_path)
    settings = {"key": KEY, "database_url": sqlite(tmp_path), **XERO_CLIENT}
    result = truedue("doctor", "--json", folder=tmp_path, **settings)
    assert (result.returncode, result.stderr) == (0, "")
    found = checks(result)
    assert all(check["ok"] for check in found.values())
    own = {f"{NAME}: xero", f"{NAME}: matching", f"{NAME}: other reminders"}
    assert set(found) == {"settings", "key", "database", "stored tokens", *own, *SYSTEMS, "mail", *CARRIERS}
    assert found[f"{NAME}: matching"]["detail"] == "applies proof only: 0 matches looked at, 0 of them wrong"
    spoken = truedue("doctor", folder=tmp_path, **settings)
    assert spoken.returncode == 0
    assert [line.split(maxsplit=1)[0] for line in spoken.stdout.splitlines()] == ["ok"] * len(found)


@pytest.mark.parametrize(
    ("sending", "others_remind", "against"),
    [(True, None, "nobody has said"), (True, True, "customers hear twice"), (False, True, "customers hear twice")],
)
def test_doctor_asks_what_else_reminds(tmp_path: Path, sending: bool, others_remind: bool | None, against: str) -> None:
    make(tmp_path)
    store = Store(sqlite(tmp_path))
    with store.write() as db:
        db.execute(update(t.organisation).values(sending_on=sending, others_remind=others_remind))
    store.close()
    ((name, detail),) = failing(tmp_path, **XERO_CLIENT).items()
    assert name == f"{NAME}: other reminders"
    assert against in detail


def test_doctor_says_when_the_mailbox_cannot_be_looked_into(tmp_path: Path) -> None:
    make(tmp_path)
    store = Store(sqlite(tmp_path))
    row = {"name": "box", "numbering": 1, "last": 2, "read_at": datetime(2026, 3, 10, tzinfo=UTC), "problem": ""}
    with store.write() as db:
        db.execute(insert(t.mailbox).values(row | {"problem": "the password is refused"}))
        db.execute(insert(t.mailbox).values(row | {"name": "another"}))
    store.close()
    assert failing(tmp_path, **XERO_CLIENT) == {"mailbox box": "the password is refused"}


def test_doctor_names_each_thing_that_does_not_hold(tmp_path: Path) -> None:
    make(tmp_path, status=BROKEN)
    port = free_port()
    found = failing(
        tmp_path,
        twilio_account_sid="AC1",
        key="abc",
        xero_client_id="a-client",
        xero_client_secret="not-a-secret",
        smtp_host="127.0.0.1",
        smtp_port=str(port),
        mail_from="accounts@truedue.example",
    )
    assert set(found) == {"key", f"{NAME}: xero", "xero", "mail", "twilio"}
    assert found["key"].startswith("TRUEDUE_KEY must be 32 random bytes")
    assert found[f"{NAME}: xero"] == "connect it again"
    assert found["xero"].endswith("no webhook secret")
    assert found["mail"] == f"127.0.0.1:{port} does not answer: Connection refused"
    assert found["twilio"] == "incomplete: set TRUEDUE_TWILIO_AUTH_TOKEN, TRUEDUE_TWILIO_FROM_NUMBER"


def test_doctor_names_a_database_that_cannot_serve(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    for content in (b"", b"no tables here\n" * 100):
        file.write_bytes(content)
        assert failing(tmp_path) == {"database": f"{file} is not a database of TrueDue"}
    assert failing(tmp_path, database_url="mysql://a/b") == {
        "database": "TRUEDUE_DATABASE_URL must be sqlite or postgresql, not mysql"
    }
    closed = failing(tmp_path, database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
    assert "Connection refused" in closed["database"]
    assert failing(tmp_path, smtp_port="many") == {
        "settings": "TRUEDUE_SMTP_PORT: Input should be a valid integer, unable to parse string as an integer"
    }


def test_doctor_sees_that_the_key_does_not_open_what_is_stored(tmp_path: Path) -> None:
    make(tmp_path)
    assert failing(tmp_path, key=ANOTHER_KEY) == {
        "stored tokens": "TRUEDUE_KEY is not the key that this database's tokens were sealed with"
    }


@pytest.mark.parametrize(
    "arguments",
    [("remind", "--dry-run", "--json"), ("remind",), ("sync",), ("certificate", "verify"), ("connect", "xero")],
)
def test_a_missing_database_is_said_and_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    line = refused(*arguments, folder=tmp_path, key=KEY, database_url=sqlite(tmp_path), **XERO_CLIENT)
    path = tmp_path / "store.sqlite3"
    assert line == f"{path}: there is no database; run `truedue serve` or set TRUEDUE_DATABASE_URL"


def test_a_database_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE recipe (name TEXT)")
        db.commit()
    for arguments in (("remind", "--dry-run"), ("certificate", "verify"), ("sync",)):
        line = refused(*arguments, folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
        assert line == f"{file}: this is not a database of TrueDue; set TRUEDUE_DATABASE_URL"


def test_a_database_without_our_tables_asks_for_serve(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as db:
        db.execute("PRAGMA journal_mode=WAL")
    line = refused("remind", "--dry-run", folder=tmp_path, database_url=sqlite(tmp_path))
    assert line == "the database is of another version: run `truedue serve` once to bring it up to date"


def test_as_of_belongs_to_the_dry_run(tmp_path: Path) -> None:
    line = refused("remind", "--as-of", "2026-11-17T10:00:00Z", folder=tmp_path)
    assert line == "--as-of goes with --dry-run: messages are only ever sent now"


def test_connect_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    url = sqlite(tmp_path)
    line = refused("connect", "sage", folder=tmp_path, key=KEY, database_url=url)
    assert line == "Invalid value for 'SYSTEM': 'sage' is not one of 'xero', 'quickbooks', 'salesforce', 'stripe'."
    line = refused("connect", "xero", "--create", "Acme", folder=tmp_path, key=KEY, database_url=url)
    assert line.startswith("TRUEDUE_XERO_CLIENT_ID and TRUEDUE_XERO_CLIENT_SECRET are not set")
    for option, value, reason in (
        ("--time-zone", "Mars/Base", "'Mars/Base' is not a time zone such as Europe/Dublin"),
        ("--country", "Ireland", "'Ireland' is not a country of two letters such as IE"),
    ):
        arguments = ("connect", "xero", "--create", "Acme", option, value)
        line = refused(*arguments, folder=tmp_path, key=KEY, database_url=url, **XERO_CLIENT)
        assert line == f"Invalid value for '{option}': {reason}"


VENDOR_URLS = ("XERO_API_URL", "QUICKBOOKS_API_URL", "SALESFORCE_URL", "STRIPE_API_URL")


def test_the_sandbox_serves_what_it_prints_and_connect_leads_to_it(tmp_path: Path) -> None:
    with started("sandbox", "--json", folder=tmp_path, name="sandbox") as sandbox:
        wait_until(lambda: sandbox.printed.endswith("\n"), sandbox)
        printed: dict[str, str] = json.loads(sandbox.printed)
        expected = {f"TRUEDUE_{system.upper()}_CLIENT_ID" for system in SYSTEMS}
        assert expected | {"TRUEDUE_KEY", "TRUEDUE_XERO_API_URL", "TRUEDUE_SALESFORCE_URL"} <= set(printed)
        with httpx.Client(trust_env=False, timeout=10) as http:
            for name in (*VENDOR_URLS, "TWILIO_API_URL", "LOB_API_URL"):
                assert http.get(printed[f"TRUEDUE_{name}"]).status_code < 500
            settings = {name.removeprefix("TRUEDUE_").lower(): value for name, value in printed.items()}
            settings["database_url"] = sqlite(tmp_path)
            result = truedue("connect", "xero", "--create", "Acme", folder=tmp_path, **settings)
            assert (result.returncode, result.stderr) == (0, "")
            address = urlsplit(result.stdout.strip())
            assert result.stdout.startswith(printed["TRUEDUE_XERO_IDENTITY_URL"])
            query = parse_qs(address.query)
            assert query["client_id"] == [printed["TRUEDUE_XERO_CLIENT_ID"]]
            assert query["redirect_uri"] == ["http://127.0.0.1:8000/connect/xero/callback"]
            assert query["state"]
            assert http.get(result.stdout.strip()).status_code < 400
        assert sandbox.terminate() == 0, sandbox.said


def test_connect_needs_to_know_for_whom(tmp_path: Path) -> None:
    make(tmp_path)
    settings = {"key": KEY, "database_url": sqlite(tmp_path), **XERO_CLIENT}
    result = truedue("connect", "xero", "--org", "nobody", folder=tmp_path, **settings)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "truedue: there is no organisation nobody\n"
