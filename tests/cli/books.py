"""An organisation with one connection, in a database made here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from connectors.oauth import TokenSet
from runtime.app import App
from runtime.operations.organisations import create_organisation
from runtime.store import tables as t
from runtime.store.connections import CONNECTED
from tests.databases import migrate

NAME = "Harbour Supplies Ltd"


def connected(app: App, *, status: str = CONNECTED) -> str:
    """Migrate the database and connect a Xero organisation that nobody answers for; gives the organisation's id."""
    migrate(app.store)
    organisation = create_organisation(app, name=NAME, base_currency="EUR", time_zone="UTC", country="IE")
    now = datetime.now(UTC)
    tokens = TokenSet(access_token="a", refresh_token="r", expires_at=now + timedelta(minutes=30), answer={})
    with app.store.write() as db:
        db.execute(
            insert(t.consent).values(
                id="consent", system="xero", generation=0, **app.vendors.sealed("consent", "xero", tokens)
            )
        )
        db.execute(
            insert(t.connection).values(
                id="connection",
                organisation_id=organisation.id,
                system="xero",
                role="ledger",
                account="tenant",
                account_name=NAME,
                instance_url="",
                consent_id="consent",
                status=status,
                connected_at=now,
            )
        )
    return organisation.id
