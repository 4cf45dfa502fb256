"""End a connection, from our side or because the vendor's side ended it."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, update

from connectors import registry
from connectors.contract import Role
from connectors.errors import ConnectorError, Reconnect
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.reminding.facts import SAID_BY
from runtime.operations.systems.pull import pull
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import DISCONNECTED, VendorConnection
from runtime.store.isolation import among_everybody
from runtime.vault import VaultError

CONSENT_STANDS = "consent_stands"


def disconnect(app: App, *, organisation_id: str, role: Role, actor: str) -> VendorConnection:
    """End a connection here, then tell the vendor; nothing more is read, written or sent through it.

    What people have said there is read once more before: nobody would ever hear of a dispute that was noted since the
    last reading. A vendor that cannot be told is named in a problem: its consent stands until a person ends it there.
    RefusedError when nothing serves the role.
    """
    with app.store.read() as db:
        standing = _standing(db, organisation_id, role)
    _look_once_more(app, standing)
    with app.store.write() as db:
        connection = _standing(db, organisation_id, role)
        db.execute(update(t.connection).where(t.connection.c.id == connection.id).values(status=DISCONNECTED))
        connections.regain(db, connection, app.clock())
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="disconnected",
            subject=connection.id,
            detail=connection.account.name,
        )
    try:
        _tell(app, connection)
    except Reconnect:
        pass  # the consent is over already
    except (ConnectorError, VaultError) as error:
        _say_it_stands(app, connection, error)
    app.vendors.forget(connection)
    return connection


def _standing(db: Connection, organisation_id: str, role: Role) -> VendorConnection:
    for each in connections.connections(db, organisation_id):
        if each.role is role and each.status != DISCONNECTED:
            return each
    raise RefusedError(f"no {role} is connected")


def _look_once_more(app: App, connection: VendorConnection) -> None:
    """Read what reminders rest on there, as far as it can be read: the connection ends all the same."""
    if connection.status == connections.CONNECTED:
        with suppress(ConnectorError, VaultError):
            pull(app, connection, kinds=SAID_BY.get(connection.role, ()))


def look_after(app: App, *, system: str, account: str) -> None:
    """Find out whether an account is still ours: somebody came from the vendor's page that ends connections.

    The visit itself proves nothing. An account that nobody connected is nobody's business.
    """
    with app.store.read() as db:
        connection = connections.connection_for_account(db, system, account)
    if connection is None or connection.status != connections.CONNECTED:
        return
    try:
        app.vendors.renew(connection)
        kind = registry.declaration(system).reads[0]
        next(app.vendors.connector(connection).read(kind, since=app.clock()), None)
    except Reconnect as error:
        with app.store.write() as db:
            connections.lose(db, connection, str(error), app.clock())


def _tell(app: App, connection: VendorConnection) -> None:
    """End the consent, or only this account's part of one that others share."""
    declaration = registry.declaration(connection.system)
    token = app.vendors.token(connection.consent_id, connection.system)
    with among_everybody(), app.store.read() as db:
        others = connections.of_consent(db, connection.consent_id)
    if declaration.leave is not None:
        declaration.leave(app.settings.endpoint(connection.system), token, connection.account)
    if not others:
        app.vendors.flow(connection.system).revoke(token, account=connection.account.external_id)


def _say_it_stands(app: App, connection: VendorConnection, error: Exception) -> None:
    title = registry.declaration(connection.system).title
    problem = Problem(
        CONSENT_STANDS,
        f"{connection.account.name} is disconnected here, but {title} could not be told: {error}",
        f"End TrueDue's access in {title}'s own list of connected apps.",
        connection.id,
    )
    with app.store.write() as db:
        journal.raise_problem(db, organisation_id=connection.organisation_id, problem=problem, at=app.clock())
