"""`truedue people`: who may sign in, before anybody can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from runtime.app import build
from runtime.cli.members import people as command
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.people.members import take_invitation
from runtime.operations.people.sessions import begin_session, digest_of
from runtime.settings import Settings
from runtime.store import people
from runtime.store import tables as t
from runtime.store.people import Person
from tests.cli.books import connected
from tests.cli.command import KEY, environment, sqlite

SAM = Person("per-sam", "sam@example.com", "Sam")


def _said(folder: Path, *arguments: str) -> str:
    """What the command prints; in this process, which takes a tenth of the time."""
    settings = environment(database_url=sqlite(folder), key=KEY)
    result = CliRunner().invoke(command, arguments, env=settings, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_first_owner_is_invited_on_the_machine_and_the_last_one_stays(tmp_path: Path) -> None:
    app = build(Settings.model_validate({"database_url": sqlite(tmp_path), "key": KEY}))
    organisation = connected(app)
    link = _said(tmp_path, "invite", "Sam@Example.com", "--role", "owner").strip()
    assert link.startswith("http://127.0.0.1:8000/join/")
    secret = link.rsplit("/", 1)[1]
    with app.store.write() as db:
        invited = people.invitation_of(db, digest_of(secret), app.clock())
        assert invited is not None and (invited.email, invited.role) == (SAM.email, "owner")
        people.add_person(db, SAM, issuer="xero", subject="sam", at=app.clock())
        take_invitation(db, app, invited, SAM)
        begin_session(db, SAM.id, now=app.clock())
    listed = json.loads(_said(tmp_path, "list", "--json"))
    assert (listed["email"], listed["role"]) == ("sam@example.com", "owner")
    with pytest.raises(RefusedError, match="only owner"):
        _said(tmp_path, "remove", "sam@example.com")
    with app.store.write() as db:
        db.execute(update(t.membership).values(role="viewer"))
    assert _said(tmp_path, "sign-out", "SAM@example.com") == "Signed out of 1 browser(s).\n"
    with app.store.read() as db:
        assert db.scalars(select(t.session.c.digest)).all() == []
        assert list(people.roles(db, SAM.id)) == [organisation]
    with pytest.raises(InputError, match="is no member"):
        _said(tmp_path, "role", "nobody@example.com", "--role", "viewer")
    with pytest.raises(InputError, match="not an e-mail address"):
        _said(tmp_path, "invite", "sam", "--role", "owner")
    app.close()
