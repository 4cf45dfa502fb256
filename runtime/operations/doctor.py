"""Examine an installation: each part is checked for itself, and each finding says what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from connectors import registry
from runtime.settings import Settings, SettingsError
from runtime.store import connections, migrate
from runtime.store.engine import Store, StoreAddressError

CONNECT_SECONDS = 3.0


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
    return checks


def _key(settings: Settings) -> Check:
    try:
        settings.encryption_key()
    except SettingsError as error:
        return Check("key", False, str(error))
    return Check("key", True, "32 bytes")


def _database(settings: Settings) -> list[Check]:
    file = settings.sqlite_file()
    if file is not None and not file.exists():
        return [Check("database", True, f"{file} is made at the first start")]
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
        store.close()
    except (DBAPIError, StoreAddressError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        return [Check("database", False, " ".join(str(reason).split()))]
    return checks


def _vendor(settings: Settings, system: str) -> Check:
    try:
        endpoint = settings.endpoint(system)
    except SettingsError as error:
        return Check(system, True, f"not set up ({error})")
    secret = settings.webhook_secret(system)
    detail = endpoint.api_url if secret or system == "salesforce" else f"{endpoint.api_url}, no webhook secret"
    return Check(system, bool(secret) or system == "salesforce", detail)


def _mail(settings: Settings) -> Check:
    if not settings.smtp_host or not settings.mail_from:
        return Check("mail", True, "not set up: no reminder is sent (TRUEDUE_SMTP_HOST, TRUEDUE_MAIL_FROM)")
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with socket.create_connection((settings.smtp_host, settings.smtp_port), timeout=CONNECT_SECONDS):
            return Check("mail", True, where)
    except OSError as error:
        return Check("mail", False, f"{where} does not answer: {error.strerror or error}")
