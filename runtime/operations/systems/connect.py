"""Connect an organisation to a vendor by OAuth."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, delete, insert, select, update

from connectors import registry
from connectors.contract import Account, Declaration
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.inbox.set_aside import resume
from runtime.operations.organisations import OWNER
from runtime.operations.systems.other_reminders import ask_whether_it_reminds
from runtime.roles import GRANTS, Permission
from runtime.store import connections, journal, people, queues
from runtime.store import tables as t
from runtime.store.connections import CONNECTED, DISCONNECTED, VendorConnection
from runtime.store.rows import upsert

STATE_LIFETIME = timedelta(minutes=15)
_TAKEN = "the account you chose at {} is connected to another organisation: disconnect it there"


def redirect_uri(app: App, system: str) -> str:
    """Return the address that the vendor sends the person back to."""
    return f"{app.settings.public_url}/connect/{system}/callback"


def begin_connect(app: App, *, organisation_id: str, system: str, person_id: str | None = None) -> str:
    """Return the vendor's consent page; the state and the PKCE verifier are kept until the person returns.

    Where a person is named nobody else can finish: a link that somebody passes on connects nobody's account to theirs.
    """
    authorization = app.vendors.flow(system).begin(redirect_uri(app, system))
    with app.store.write() as db:
        now = app.clock()
        db.execute(delete(t.oauth_state).where(t.oauth_state.c.created_at < now - STATE_LIFETIME))
        db.execute(
            insert(t.oauth_state).values(
                state=authorization.state,
                organisation_id=organisation_id,
                system=system,
                verifier=authorization.verifier,
                created_at=now,
                person_id=person_id,
            )
        )
    return authorization.url


def finish_connect(
    app: App, *, system: str, query: Mapping[str, str], person_id: str | None = None, actor: str = OWNER
) -> VendorConnection:
    """Take the person back from the vendor: trade the code, find the account, keep the connection.

    RefusedError when the state is unknown, old or another person's, when consent was denied, or the account belongs
    to another organisation already.
    """
    with app.store.write() as db:
        begun = db.execute(select(t.oauth_state).where(t.oauth_state.c.state == query.get("state", ""))).first()
        if begun is None or begun.system != system or begun.created_at < app.clock() - STATE_LIFETIME:
            raise RefusedError("this connection attempt is unknown or too old: start again from the connections page")
        _require_theirs(db, begun.organisation_id, begun.person_id, person_id)
        db.execute(delete(t.oauth_state).where(t.oauth_state.c.state == begun.state))
    if "code" not in query:
        raise RefusedError(f"{system} did not give consent ({query.get('error', 'no code')}): start again")
    declaration = registry.declaration(system)
    tokens = app.vendors.flow(system).finish(
        redirect_uri=redirect_uri(app, system), code=query["code"], verifier=begun.verifier
    )
    endpoint = app.settings.endpoint(system)
    access = partial(app.vendors.first_access, system=system, tokens=tokens)
    accounts = declaration.accounts(endpoint, {**tokens.answer, "access_token": tokens.access_token}, query, access)
    consent_id = stable_id("cns", system, secrets.token_hex(16))
    with app.store.write() as db:
        connections.lock_organisation(db, begun.organisation_id)
        account = _free_account(app, accounts, begun.organisation_id, system)
        _make_room(db, begun.organisation_id, declaration, account, app.clock())
        db.execute(
            insert(t.consent).values(
                id=consent_id, system=system, generation=0, **app.vendors.sealed(consent_id, system, tokens)
            )
        )
        row = {
            "id": stable_id("con", system, account.external_id),
            "organisation_id": begun.organisation_id,
            "system": system,
            "role": declaration.role.value,
            "account": account.external_id,
            "account_name": account.name,
            "instance_url": account.instance_url,
            "consent_id": consent_id,
            "status": CONNECTED,
            "connected_at": app.clock(),
        }
        upsert(db, t.connection, [row], keys=["id"], keep=["organisation_id"])
        _require_ours(db, begun.organisation_id, system, account)
        resumed = _share(db, system, accounts, consent_id, app.clock())
        journal.record(
            db,
            organisation_id=begun.organisation_id,
            at=app.clock(),
            actor=actor,
            action="connected",
            subject=str(row["id"]),
            detail=f"{declaration.title}: {account.name}",
        )
        connection = connections.connection_for_account(db, system, account.external_id)
    if resumed:
        app.wake()
    if connection is None:
        raise RefusedError(f"the connection to {system} could not be kept: start again")
    ask_whether_it_reminds(app, connection)
    return connection


def _require_theirs(db: Connection, organisation_id: str, begun_by: str | None, person_id: str | None) -> None:
    """RefusedError unless the person who began an attempt ends it, and may still connect."""
    if begun_by is None:
        return
    role = people.roles(db, begun_by).get(organisation_id)
    if begun_by != person_id or role is None or Permission.CONNECT not in GRANTS[role]:
        raise RefusedError("this connection was begun by somebody else: start again from the connections page")


def _share(db: Connection, system: str, accounts: list[Account], consent_id: str, at: datetime) -> int:
    """Let every account that the consent covers use it: one token set serves them all, and a renewal renews it for all.

    Each stays its own organisation's; what another organisation ended stays ended. Returns how many notices and
    writes that waited for a consent begin again.
    """
    covered = (t.connection.c.system == system) & t.connection.c.account.in_([each.external_id for each in accounts])
    db.execute(
        update(t.connection)
        .where(covered, t.connection.c.status != DISCONNECTED)
        .values(consent_id=consent_id, status=CONNECTED)
    )
    resumed = 0
    for account in accounts:
        connection = connections.connection_for_account(db, system, account.external_id)
        if connection is not None:
            connections.regain(db, connection, at)
            resumed += resume(db, connection, at)
    return resumed


def _free_account(app: App, accounts: list[Account], organisation_id: str, system: str) -> Account:
    """Return the first account of the consent that is this organisation's or nobody's yet."""
    with app.store.read() as db:
        for account in accounts:
            taken = connections.connection_for_account(db, system, account.external_id)
            if taken is None or taken.organisation_id == organisation_id:
                return account
    raise RefusedError(_TAKEN.format(system))


def _require_ours(db: Connection, organisation_id: str, system: str, account: Account) -> None:
    """RefusedError when another organisation connected this account since we looked: what is theirs stays theirs."""
    kept = connections.connection_for_account(db, system, account.external_id)
    if kept is None or kept.organisation_id != organisation_id:
        raise RefusedError(_TAKEN.format(system))


def _make_room(db: Connection, organisation_id: str, declaration: Declaration, account: Account, at: datetime) -> None:
    """Let a new connection take the place of ended ones, with nothing of theirs: it is read from the beginning.

    One that this organisation had to the same account is taken up where it ended, because what was deleted meanwhile
    shows among the changes since then, and nowhere else. What was promised to another account's books is not written to
    this one's, where an id may be something else's. RefusedError when another account still serves the role.
    """
    table, system, role = t.connection, declaration.system, declaration.role
    same_account = (table.c.system == system) & (table.c.account == account.external_id)
    same_role = (table.c.organisation_id == organisation_id) & (table.c.role == role.value)
    standing = db.execute(select(table).where(same_role, table.c.status != DISCONNECTED)).first()
    if standing is not None and (standing.system, standing.account) != (system, account.external_id):
        raise RefusedError(f"{standing.account_name} is connected as the {role} already: disconnect it first")
    ended = db.execute(select(table).where(same_account | same_role, table.c.status == DISCONNECTED)).all()
    for row in ended:
        if (row.system, row.account) != (system, account.external_id):
            queues.supersede_waiting(db, organisation_id=organisation_id, system=row.system, at=at)
    same = (organisation_id, system, account.external_id)
    ids = [row.id for row in ended if (row.organisation_id, row.system, row.account) != same]
    db.execute(delete(t.watermark).where(t.watermark.c.connection_id.in_(ids)))
    db.execute(delete(table).where(table.c.id.in_(ids)))
