"""The key changes: what was sealed or signed with the old one opens until it is taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from runtime.app import App
from runtime.operations.people.rotate_key import rotate_key
from runtime.operations.systems.pull import pull
from runtime.portal_links import PortalLinks
from runtime.settings import SettingsError
from runtime.signed_tokens import LinkError
from runtime.store import tables as t
from runtime.vault import Vault, VaultError
from tests.cli.command import ANOTHER_KEY, KEY, truedue
from tests.operations.firm import START, Firm

OLD, NEW = bytes(32), bytes(range(32))


def _consents(app: App) -> list[Any]:
    with app.store.read() as db:
        return list(db.execute(select(t.consent).order_by(t.consent.c.id)).all())


def _switch_to(app: App, vault: Vault) -> None:
    app.vault = app.vendors._vault = vault


def test_every_token_is_sealed_anew_once_and_still_works(unconnected: Firm) -> None:
    app = unconnected.app
    connection = unconnected.connect("xero", unconnected.ledger.account)
    unconnected.connect("stripe", unconnected.stripe.account_id)
    before = app.settings.encryption_key()
    _switch_to(app, Vault(NEW, [OLD, before]))
    assert rotate_key(app).sealed_anew == 2
    assert rotate_key(app).sealed_anew == 0
    _switch_to(app, Vault(NEW))  # the old key is taken away
    assert {row.key_version for row in _consents(app)} == {Vault(NEW).version}
    unconnected.time.advance(minutes=31)
    assert pull(app, connection)["customer"] == 2
    _switch_to(app, Vault(before))
    with pytest.raises(VaultError):
        app.vendors.token(connection.consent_id, "xero")


def test_a_token_that_no_key_opens_is_named_and_left(unconnected: Firm) -> None:
    app = unconnected.app
    connection = unconnected.connect("xero", unconnected.ledger.account)
    before = _consents(app)
    _switch_to(app, Vault(NEW, [OLD]))
    rotation = rotate_key(app)
    assert (rotation.sealed_anew, rotation.closed) == (0, (("xero", connection.consent_id),))
    assert _consents(app) == before


def test_links_that_the_old_key_signed_open_until_it_is_taken_away() -> None:
    token = PortalLinks(OLD, lambda: START).link("org", "customer")
    assert PortalLinks(NEW, lambda: START, [OLD]).read(token) == ("org", "customer", START)
    with pytest.raises(LinkError):
        PortalLinks(NEW, lambda: START).read(token)
    with pytest.raises(LinkError):  # new links are signed with the new key
        PortalLinks(OLD, lambda: START).read(PortalLinks(NEW, lambda: START, [OLD]).link("org", "customer"))


def test_a_key_that_is_none_is_refused(unconnected: Firm) -> None:
    settings = unconnected.app.settings.model_copy(update={"old_keys": SecretStr(f"{KEY}, {ANOTHER_KEY},")})
    assert len(settings.old_encryption_keys()) == 2
    with pytest.raises(SettingsError, match="TRUEDUE_OLD_KEYS"):
        settings.model_copy(update={"old_keys": SecretStr("short")}).old_encryption_keys()


def test_the_commands(tmp_path: Path) -> None:
    made = truedue("key", "new", folder=tmp_path).stdout.strip()
    assert made != truedue("key", "new", folder=tmp_path).stdout.strip()
    database = f"sqlite:///{tmp_path}/store.sqlite3"
    founding = {"key": made, "database_url": database, "xero_client_id": "id", "xero_client_secret": "x"}
    assert truedue("connect", "xero", "--create", "Firm", folder=tmp_path, **founding).returncode == 0
    done = truedue("key", "rotate", "--json", folder=tmp_path, key=KEY, old_keys=made, database_url=database)
    assert (done.returncode, done.stdout) == (0, '{"sealed_anew": 0, "closed": []}\n')
