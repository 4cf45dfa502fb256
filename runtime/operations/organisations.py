"""Set an organisation up: make it, say what its bank accounts prove, switch sending on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy import Connection, insert, update

from receivables.identity import stable_id
from receivables.money import MoneyError, exponent
from reminders.evidence import BankDeclaration
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.roles import MemberRole
from runtime.store import journal, people
from runtime.store import tables as t
from runtime.store.connections import Organisation, lock_organisation
from runtime.store.rows import upsert

MAX_NAME_CHARS = 200
OWNER = "owner"  # who decides on this machine, where nobody signs in


@cache
def time_zones() -> frozenset[str]:
    """Name every time zone that this machine knows: the files are looked through once a process."""
    return frozenset(available_timezones())


def create_organisation(
    app: App, *, name: str, base_currency: str, time_zone: str, country: str, owner_id: str | None = None
) -> Organisation:
    """Make an organisation, which belongs to the person `owner_id`. Sending is off until a person switches it on.

    InputError when the name is empty or too long, the currency is not of ISO 4217, the zone is unknown, or the country
    is not two capital letters.
    """
    _check(name=name, base_currency=base_currency, time_zone=time_zone, country=country)
    organisation = Organisation(
        id=stable_id("org", name, secrets.token_hex(8)),
        name=name,
        base_currency=base_currency,
        time_zone=time_zone,
        country=country,
        sending_on=False,
    )
    with app.store.write() as db:
        db.execute(
            insert(t.organisation).values(
                id=organisation.id,
                name=name,
                base_currency=base_currency,
                time_zone=time_zone,
                country=country,
                created_at=app.clock(),
            )
        )
        if owner_id is not None:
            people.add_member(
                db,
                organisation_id=organisation.id,
                person_id=owner_id,
                role=MemberRole.OWNER,
                at=app.clock(),
                actor=OWNER,
            )
    return organisation


def _check(*, name: str, base_currency: str, time_zone: str, country: str) -> None:
    if not name.strip() or not name.isprintable():
        raise InputError("give the organisation a name")
    if len(name) > MAX_NAME_CHARS:
        raise InputError(f"the name is longer than {MAX_NAME_CHARS} characters")
    try:
        exponent(base_currency)
    except MoneyError as error:
        raise InputError(str(error)) from None
    if time_zone not in time_zones():
        raise InputError(f"{time_zone!r} is not a time zone such as Europe/Dublin")
    if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        raise InputError(f"{country!r} is not a country of two letters such as IE")


def switch_sending(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Allow or stop reminders of an organisation."""
    with app.store.write() as db:
        keep_switch(db, organisation_id, {"sending_on": on}, action="sending_switched", actor=actor, at=app.clock())


def keep_switch(
    db: Connection, organisation_id: str, switch: Mapping[str, object], *, action: str, actor: str, at: datetime
) -> None:
    """Keep where a switch of an organisation stands (a column, and its value) and who put it there."""
    db.execute(update(t.organisation).where(t.organisation.c.id == organisation_id).values(**switch))
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action=action,
        subject=organisation_id,
        detail="on" if all(switch.values()) else "off",
    )


def declare_evidence(
    app: App,
    *,
    organisation_id: str,
    ledger_account: str,
    identification: str,
    currency: str,
    declares: BankDeclaration,
    attested_by: str | None = None,
    actor: str = OWNER,
) -> None:
    """Say what a bank account of the ledger proves: statement files of account `identification`, a feed, or a name.

    It replaces what was declared for this ledger account before: two proofs of one account would contradict each other.
    """
    if declares is BankDeclaration.ATTESTED and not attested_by:
        raise RefusedError("name the person who attests that the ledger is complete for this account")
    with app.store.write() as db:
        lock_organisation(db, organisation_id)
        declare(
            db,
            organisation_id=organisation_id,
            ledger_account=ledger_account,
            identification=identification,
            currency=currency,
            declares=declares,
            attested_by=attested_by,
            actor=actor,
            at=app.clock(),
        )


def declare(
    db: Connection,
    *,
    organisation_id: str,
    ledger_account: str,
    identification: str,
    currency: str,
    declares: BankDeclaration,
    attested_by: str | None = None,
    actor: str,
    at: datetime,
) -> None:
    """The same inside the caller's unit of work; the organisation is locked."""
    row = {
        "id": stable_id("bnk", organisation_id, identification, currency),
        "organisation_id": organisation_id,
        "identification": identification,
        "currency": currency,
        "ledger_account": ledger_account,
        "declares": declares.value,
        "attested_by": attested_by,
    }
    withdraw_declaration(db, organisation_id, ledger_account)
    upsert(db, t.bank_account, [row], keys=["organisation_id", "identification", "currency"], keep=["id"])
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action="evidence_declared",
        subject=organisation_id,
        detail=f"{ledger_account}: {declares.value} {attested_by or identification}",
    )


def withdraw_declaration(db: Connection, organisation_id: str, ledger_account: str) -> None:
    """Let nothing prove a bank account of the ledger any more; reminders wait until something is declared again."""
    db.execute(
        update(t.bank_account)
        .where(
            t.bank_account.c.organisation_id == organisation_id,
            t.bank_account.c.ledger_account == ledger_account,
        )
        .values(ledger_account=None, declares=BankDeclaration.STATEMENT.value, attested_by=None)
    )
