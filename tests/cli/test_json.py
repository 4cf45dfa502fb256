"""Programs read what commands print: each that prints a result prints it as JSON where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from runtime.app import App, build
from runtime.cli.program import program
from runtime.roles import MemberRole
from runtime.settings import Settings
from runtime.store import people
from runtime.store import tables as t
from runtime.store.people import Person
from tests.cli.books import NAME, connected
from tests.cli.command import KEY, environment, sqlite

NO_RESULT = {"serve", "worker"}  # they run until they are ended
NOWHERE = "http://127.0.0.1:9"  # a connection ends here whether or not its vendor can be told
SAM = Person("per-sam", "sam@example.com", "Sam")


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command, by its whole name."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(found, (*path, name))


def test_every_command_with_a_result_takes_json() -> None:
    every = dict(_commands(program))
    assert len(every) > 30
    without = {
        name
        for name, command in every.items()
        if not any("--json" in each.opts and isinstance(each, click.Option) and each.is_flag for each in command.params)
    }
    assert without == NO_RESULT


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = build(Settings.model_validate({"database_url": sqlite(tmp_path), "key": KEY}))
    yield app
    app.close()


def _run(folder: Path, *arguments: str, as_json: bool) -> str:
    settings = environment(
        database_url=sqlite(folder),
        key=KEY,
        salesforce_webhook_secret="not-a-real-secret",
        quickbooks_client_id="client",
        quickbooks_client_secret="not-a-real-secret",
        xero_client_id="client",
        xero_client_secret="not-a-real-secret",
        xero_api_url=NOWHERE,
        xero_identity_url=NOWHERE,
    )
    words = [*arguments, *(["--json"] if as_json else [])]
    result = CliRunner().invoke(program, words, env=settings, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("arguments", "said", "facts"),
    [
        ("people invite ana@example.com --role owner", "http", {"email": "ana@example.com", "role": "owner"}),
        ("people role sam@example.com --role viewer", "sam@example.com is viewer", {"role": "viewer"}),
        ("people remove sam@example.com", "sam@example.com is no member any more", {"email": "sam@example.com"}),
        ("people sign-out sam@example.com", "Signed out of 0 browser(s).", {"sessions_ended": 0}),
        ("contact acme sms +353851234567", "acme is reached by sms", {"customer": "acme", "channel": "sms"}),
        ("channel off sms", "sms is off", {"channel": "sms", "on": False}),
        ("connect quickbooks", "http", {"system": "quickbooks"}),
        ("disconnect xero", f"{NAME} is disconnected", {"system": "xero", "account": "tenant", "name": NAME}),
        ("key knock 00D000000000001EAA", "", {"system": "salesforce", "account": "00D000000000001EAA"}),
        ("key new", "", {}),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_was_done_is_a_line_or_an_object(
    app: App, tmp_path: Path, arguments: str, said: str, facts: dict[str, Any], *, as_json: bool
) -> None:
    organisation = connected(app)
    with app.store.write() as db:
        people.add_person(db, SAM, issuer="xero", subject="sam", at=app.clock())
        people.add_member(
            db,
            organisation_id=organisation,
            person_id=SAM.id,
            role=MemberRole.ACCOUNTANT,
            at=app.clock(),
            actor="owner",
        )
        row = {"id": "acme", "organisation_id": organisation, "name": "Acme", "country": "IE"}
        db.execute(insert(t.customer).values(**row, changed_at=app.clock()))
    (line,) = _run(tmp_path, *arguments.split(), as_json=as_json).splitlines()
    if not as_json:
        assert line.startswith(said)
        return
    found = json.loads(line)
    assert {name: found[name] for name in facts} == facts
    if not arguments.startswith("key"):
        assert found["organisation"] == organisation
