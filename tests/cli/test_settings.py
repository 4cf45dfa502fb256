"""`truedue settings`: an installation set up without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from runtime.app import App, build
from runtime.settings import Settings
from runtime.store import tables as t
from tests.cli.books import NAME, connected
from tests.cli.command import KEY, one_line, refused, sqlite, truedue

BANK = {"handle": "090", "name": "Current account", "currency": "EUR"}
UNPROVED = {"declares": None, "identification": None, "evidence_until": None, "attested_by": None}
MAIL = {"smtp_host": "mail.example", "mail_from": "accounts@truedue.example"}


@contextmanager
def _opened(folder: Path) -> Iterator[App]:
    app = build(Settings.model_validate({"database_url": sqlite(folder), "key": KEY}))
    try:
        yield app
    finally:
        app.close()


@pytest.fixture
def organisation(tmp_path: Path) -> str:
    """An organisation with a ledger and one bank account in it."""
    with _opened(tmp_path) as app:
        made = connected(app)
        with app.store.write() as db:
            db.execute(insert(t.account).values(id="acc", organisation_id=made, purpose="bank", **BANK))
    return made


def _settings(folder: Path, *arguments: str, **settings: str) -> dict[str, Any]:
    own = {"key": KEY, "database_url": sqlite(folder), **settings}
    result = truedue("settings", *arguments, "--json", folder=folder, **own)
    assert (result.returncode, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _state(folder: Path) -> tuple[list[Any], ...]:
    with _opened(folder) as app, app.store.read() as db:
        return tuple(list(db.execute(select(table))) for table in (t.organisation, t.bank_account, t.event))


def test_settings_are_shown_and_changed_step_by_step(tmp_path: Path, organisation: str) -> None:
    found = _settings(tmp_path)
    assert found == {
        "organisation": organisation,
        "name": NAME,
        "sending": False,
        "thanks": False,
        "card_payments": False,
        "transfers": False,
        "autopay": False,
        "ledger_history": False,
        "shared_limit": False,
        "others_remind": None,
        "systems_remind": {},
        "missing_mail_settings": ["TRUEDUE_SMTP_HOST", "TRUEDUE_MAIL_FROM"],
        "banks": [BANK | UNPROVED],
        "treatments": {},
        "prevents_sending": [
            "nothing is declared for the bank account Current account",
            "no mail server is set up",
            "sending is switched off",
        ],
    }
    found = _settings(tmp_path, "--bank", "090", "--statements", "IE29 AIBK 9311 5212 3456 78", **MAIL)
    statements = {"declares": "statement", "identification": "IE29AIBK93115212345678"}
    assert found["banks"] == [BANK | UNPROVED | statements]
    assert found["prevents_sending"] == ["sending is switched off"]
    found = _settings(
        tmp_path, "--org", organisation, "--sending", "on", "--bank", "090", "--attested-by", "Dana Fenwick", **MAIL
    )
    assert found["banks"] == [
        BANK | UNPROVED | statements | {"declares": "attested", "attested_by": "Dana Fenwick"},
    ]
    assert (found["sending"], found["missing_mail_settings"], found["prevents_sending"]) == (True, [], [])
    assert _settings(tmp_path, "--sending", "off", **MAIL)["sending"] is False
    assert [_settings(tmp_path, "--ledger-history", said)["ledger_history"] for said in ("on", "off")] == [True, False]
    assert [_settings(tmp_path, "--shared-limit", said)["shared_limit"] for said in ("on", "off")] == [True, False]
    assert [_settings(tmp_path, "--others-remind", said)["others_remind"] for said in ("yes", "no")] == [True, False]


def test_settings_are_spoken_without_json(tmp_path: Path, organisation: str) -> None:
    own = {"key": KEY, "database_url": sqlite(tmp_path)}
    result = truedue("settings", "--bank", "090", "--statements", "IE29", folder=tmp_path, **own)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"{NAME} ({organisation})",
        "sending      off",
        "thanks       off",
        "cards        off",
        "transfers    off",
        "autopay      off",
        "history      off",
        "limit        by itself",
        "others       not said whether they remind",
        "mail server  missing: TRUEDUE_SMTP_HOST, TRUEDUE_MAIL_FROM",
        "bank         090 (Current account): statement files of IE29, none imported yet",
        "nothing is sent: no mail server is set up; sending is switched off",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bank", "090"),
        ("--statements", "IE29"),
        ("--attested-by", "Dana"),
        ("--bank", "090", "--statements", "IE29", "--attested-by", "Dana"),
    ],
)
def test_a_bank_goes_with_exactly_one_proof(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    line = refused("settings", *arguments, folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
    assert line == "--bank HANDLE goes with exactly one of --statements and --attested-by"


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--bank", "999", "--statements", "IE29"), "the ledger has no bank account 999"),
        (
            ("--bank", "090", "--statements", " "),
            "name the account number or IBAN in the statement files of Current account",
        ),
        (("--bank", "090", "--statements", "1" * 65), "the account number is longer than 64 characters"),
        (
            ("--bank", "090", "--attested-by", ""),
            "name the person who attests that the ledger is complete for Current account",
        ),
        (("--sending", "maybe"), "Invalid value for '--sending': 'maybe' is not one of 'on', 'off'."),
        (("--autopay", "on"), "no processor is connected that could take payments: connect Stripe first"),
        (("--org", "nobody"), "there is no organisation nobody"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_else_is_changed_either(
    tmp_path: Path, arguments: tuple[str, ...], line: str
) -> None:
    before = _state(tmp_path)
    both = arguments if "--sending" in arguments else ("--sending", "on", *arguments)
    result = truedue("settings", *both, folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
    assert (result.returncode, result.stdout, one_line(result)) == (2, "", line)
    assert _state(tmp_path) == before


def test_without_a_database_there_is_nothing_to_set(tmp_path: Path) -> None:
    line = refused("settings", "--sending", "on", folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
    assert line.endswith("there is no database; run `truedue serve` or set TRUEDUE_DATABASE_URL")


def test_a_treatment_is_named_and_forgotten(tmp_path: Path, organisation: str) -> None:
    with _opened(tmp_path) as app, app.store.write() as db:
        fees = {"id": "fee", "organisation_id": organisation, "handle": "404", "name": "Charges", "purpose": "fees"}
        db.execute(insert(t.account).values(**fees))
    found = _settings(tmp_path, "--treatment", "discount=404", "--treatment", "write_off=404")
    assert found["treatments"] == {
        "discount": {"account": "404", "tax_code": ""},
        "write_off": {"account": "404", "tax_code": ""},
    }
    assert set(_settings(tmp_path, "--treatment", "discount=")["treatments"]) == {"write_off"}


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize("named", ["discount=999", "discount", "charity=090", "discount=090:INPUT"])
def test_a_treatment_that_the_ledger_cannot_follow_is_bad_input(tmp_path: Path, named: str) -> None:
    before = _state(tmp_path)
    result = truedue("settings", "--treatment", named, folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
    assert result.returncode == 2
    one_line(result)
    assert _state(tmp_path) == before
