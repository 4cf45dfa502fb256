"""Examine an installation: each part is checked for itself, and each finding says what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from connectors import registry
from connectors.channels import registry as carriers
from runtime.clock import system_clock
from runtime.operations.errors import InputError
from runtime.operations.matching.experience import describe
from runtime.operations.systems.other_reminders import OtherReminders, other_reminders
from runtime.settings import Settings, SettingsError
from runtime.store import connections, migrate
from runtime.store import tables as t
from runtime.store.engine import Store, StoreAddressError
from runtime.store.isolation import holds_for_us
from runtime.vault import Vault, VaultError

CONNECT_SECONDS = 3.0
_HEADER_BYTES = 20
_WAL = 2  # how an SQLite file in WAL mode says so, in bytes 18 and 19: https://www.sqlite.org/fileformat.html


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def examine(load: Callable[[], Settings]) -> list[Check]:
    """Look at settings, key, database, vendors and mail server. Nothing is changed, nothing is sent."""
    try:
        settings = load()
    except SettingsError as error:
        return [Check("settings", False, str(error))]
    checks = [Check("settings", True, f"pages at {settings.public_url}"), _key(settings)]
    checks += _database(settings)
    checks += [_vendor(settings, system) for system in registry.SYSTEMS]
    checks.append(_mail(settings))
    checks += [_carrier(settings, name) for name in carriers.CARRIERS]
    return checks


def is_database_file(file: Path) -> bool:
    """Whether an SQLite file can be one of ours: all of them are in WAL mode. Opening any other would change it."""
    with file.open("rb") as opened:
        header = opened.read(_HEADER_BYTES)
    return header.startswith(b"SQLite format 3\0") and header[18:] == bytes([_WAL, _WAL])


def require_key(store: Store, vault: Vault) -> None:
    """InputError when the key is not the one that the stored tokens were sealed with."""
    with store.read() as db:
        consent = db.execute(
            select(t.consent)
            .join(t.connection, t.connection.c.consent_id == t.consent.c.id)
            .where(t.connection.c.status == connections.CONNECTED)
            .limit(1)
        ).first()
    if consent is None:
        return
    try:
        vault.open(consent.access_token, consent.id, consent.system, "access")
    except VaultError:
        raise InputError("TRUEDUE_KEY is not the key that this database's tokens were sealed with") from None


def _key(settings: Settings) -> Check:
    try:
        settings.encryption_key()
        settings.old_encryption_keys()
    except SettingsError as error:
        return Check("key", False, str(error))
    return Check("key", True, "32 bytes")


def _database(settings: Settings) -> list[Check]:
    file = settings.sqlite_file()
    if file is not None and not file.exists():
        return [Check("database", True, f"{file} is made at the first start")]
    if file is not None and not is_database_file(file):
        return [Check("database", False, f"{file} is not a database of TrueDue")]
    try:
        store = Store(settings.database_url)
        current = migrate.is_current(store)
        checks = [Check("database", current, "up to date" if current else "run `truedue serve` to bring it up to date")]
        if current:
            with store.read() as db:
                for organisation in connections.organisations(db):
                    checks += [
                        Check(
                            f"{organisation.name}: {each.system}",
                            each.status == connections.CONNECTED,
                            each.account.name if each.status == connections.CONNECTED else "connect it again",
                        )
                        for each in connections.connections(db, organisation.id)
                    ]
                    said = describe(db, organisation.id, system_clock())
                    checks.append(Check(f"{organisation.name}: matching", True, said))
                    checks.append(_other_reminders(organisation.name, other_reminders(db, organisation)))
                checks += [_mailbox(row) for row in db.execute(select(t.mailbox).order_by(t.mailbox.c.name))]
                if not store.is_sqlite:
                    checks.append(_kept_apart(holds_for_us(db)))
            checks += _sealed(settings, store)
        store.close()
    except (DBAPIError, StoreAddressError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        return [Check("database", False, " ".join(str(reason).split()))]
    return checks


def _other_reminders(name: str, found: OtherReminders) -> Check:
    """Whether something else writes to the same customers, as systems tell and a person said."""
    if found.all_tell:
        detail = f"none, as {' and '.join(title for title, _ in found.told)} tells"
    else:
        detail = "not asked while sending is off" if found.said is None else "none, as a person said"
    return Check(f"{name}: other reminders", found.warning is None, found.warning or detail)


def _mailbox(row: Any) -> Check:  # noqa: ANN401 - a row of the table
    """Whether the mailbox that payers answer to could be looked into the last time."""
    return Check(
        f"mailbox {row.name}", not row.problem, row.problem or f"looked into at {row.read_at:%Y-%m-%d %H:%M} UTC"
    )


def _kept_apart(holds: bool) -> Check:
    """Whether the database keeps organisations apart as well as our queries do."""
    name = "organisations kept apart by the database"
    if holds:
        return Check(name, True, "row-level security holds for the user that we are there")
    return Check(name, False, "we are a superuser there, for whom row-level security does not hold: be another role")


def _sealed(settings: Settings, store: Store) -> list[Check]:
    try:
        require_key(store, Vault(settings.encryption_key(), settings.old_encryption_keys()))
    except SettingsError:
        return []  # the key's own check says so
    except InputError as error:
        return [Check("stored tokens", False, str(error))]
    return [Check("stored tokens", True, "can be opened")]


def _vendor(settings: Settings, system: str) -> Check:
    try:
        endpoint = settings.endpoint(system)
    except SettingsError as error:
        return Check(system, True, f"not set up ({error})")
    secret = settings.webhook_secret(system)
    detail = endpoint.api_url if secret or system == "salesforce" else f"{endpoint.api_url}, no webhook secret"
    return Check(system, bool(secret) or system == "salesforce", detail)


def _carrier(settings: Settings, name: str) -> Check:
    """Half a carrier is a mistake; none is a choice."""
    declaration = carriers.carrier(name)
    given = settings.of(name)
    missing = [f"TRUEDUE_{name}_{need}".upper() for need in declaration.needs if not given[need]]
    if not missing:
        return Check(name, True, f"set up: {declaration.channel} can be switched on")
    is_none = len(missing) == len(declaration.needs)
    return Check(name, is_none, f"{'not set up' if is_none else 'incomplete'}: set {', '.join(missing)}")


def _mail(settings: Settings) -> Check:
    if not settings.smtp_host or not settings.mail_from:
        return Check("mail", True, "not set up: no reminder is sent (TRUEDUE_SMTP_HOST, TRUEDUE_MAIL_FROM)")
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with socket.create_connection((settings.smtp_host, settings.smtp_port), timeout=CONNECT_SECONDS):
            return Check("mail", True, where)
    except OSError as error:
        return Check("mail", False, f"{where} does not answer: {error.strerror or error}")
