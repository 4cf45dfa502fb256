"""Telephones and postal addresses that the ledger and the CRM know of customers: kept beside what people note.

What they tell is typed by people in forms of every kind, so each is read as the customer's country writes it; what
cannot be used is kept with the reason, for a person to see. A number that is known is no consent to texts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from connectors.records import ContactWays, PostalFields
from receivables.address import AddressError, PostalAddress
from reminders.evidence import Channel
from reminders.places import country_code
from reminders.telephone import TelephoneError, number_of
from runtime.operations.reaching.bad_addresses import another_is_known
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.rows import chunks, upsert
from runtime.store.weighing import weigh_again

MAX_WRITTEN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What a system tells of how a customer is reached; `attention` is the person there, if one is named."""

    name: str
    country: str | None
    ways: ContactWays
    attention: str = ""


def keep_told(scope: Scope, told: Mapping[str, Told]) -> None:
    """Keep what this system tells of these customers, by id, in place of what it told before."""
    organisation = connections.organisation(scope.db, scope.organisation_id)
    home = organisation.country if organisation else ""
    known = _known(scope, told)
    rows, changed = [], set()
    for customer_id, each in told.items():
        new = {channel.value: way for channel, way in _read(each, home).items()}
        changed |= {customer_id for channel in known.get(customer_id, {}) if channel not in new}
        for channel, way in new.items():
            before = known.get(customer_id, {}).get(channel)
            if before is None or any(before[name] != value for name, value in way.items()):
                changed.add(customer_id)
                another_is_known(
                    scope.db, scope.organisation_id, customer_id, channel=Channel(channel), at=scope.read_at
                )
                mine = {"customer_id": customer_id, "channel": channel, "system": scope.system}
                rows.append(mine | way | {"organisation_id": scope.organisation_id, "told_at": scope.read_at})
        _forget(scope, [customer_id], [channel for channel in known.get(customer_id, {}) if channel not in new])
    upsert(scope.db, t.told_contact, rows, keys=["customer_id", "channel", "system"])
    weigh_again(scope.db, scope.organisation_id, customer_ids=sorted(changed))


def forget_told(scope: Scope, customer_ids: Collection[str]) -> None:
    """Let go of what this system told of customers whose contacts went there."""
    _forget(scope, customer_ids, [channel.value for channel in Channel])
    weigh_again(scope.db, scope.organisation_id, customer_ids=sorted(customer_ids))


def _known(scope: Scope, customer_ids: Collection[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
    told = t.told_contact.c
    mine = (told.organisation_id == scope.organisation_id) & (told.system == scope.system)
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for chunk in chunks(sorted(customer_ids)):
        for row in scope.db.execute(select(t.told_contact).where(mine, told.customer_id.in_(chunk))).mappings():
            found.setdefault(row["customer_id"], {})[row["channel"]] = dict(row)
    return found


def _forget(scope: Scope, customer_ids: Collection[str], channels: Collection[str]) -> None:
    if not channels:
        return
    told = t.told_contact.c
    mine = (told.organisation_id == scope.organisation_id) & (told.system == scope.system)
    for chunk in chunks(sorted(customer_ids)):
        scope.db.execute(delete(t.told_contact).where(mine, told.customer_id.in_(chunk), told.channel.in_(channels)))


def _read(told: Told, home: str) -> dict[Channel, dict[str, str]]:
    """What each channel can use of it: the address as it is used, or why it is not; nothing where nothing is told."""
    country = country_code(told.country) or home
    ways, found = told.ways, {}
    if ways.mobile:
        found[Channel.SMS] = _number(ways.mobile, country, takes_texts=True)
    if ways.telephone or ways.mobile:
        found[Channel.CALL_TASK] = _number(ways.telephone or ways.mobile, country, takes_texts=False)
    if ways.address is not None and any(ways.address.lines):
        found[Channel.LETTER] = _address(told, ways.address, country)
    return found


def _number(written: str, country: str, *, takes_texts: bool) -> dict[str, str]:
    try:
        return _way(written, number_of(written, country=country, takes_texts=takes_texts))
    except TelephoneError as error:
        return _way(written, why=str(error))


def _address(told: Told, fields: PostalFields, country: str) -> dict[str, str]:
    lines = [line for line in fields.lines if line]
    written = ", ".join([*lines, *filter(None, (fields.post_code, fields.city, fields.region, fields.country))])
    if fields.country and country_code(fields.country) is None:
        return _way(written, why=f"{fields.country!r} is no country that is known")
    above = [each for each in (told.attention, *lines[:-1]) if each and each != told.name]
    try:
        address = PostalAddress(
            name=told.name,
            extra=", ".join(above),
            street=lines[-1],
            post_code=fields.post_code,
            city=fields.city,
            region=fields.region,
            country=country_code(fields.country) or country,
        )
    except AddressError as error:
        return _way(written, why=str(error))
    return _way(written, address.as_text())


def _way(written: str, address: str = "", *, why: str = "") -> dict[str, str]:
    return {"written": written[:MAX_WRITTEN_CHARACTERS], "address": address, "why": why[:MAX_WRITTEN_CHARACTERS]}
