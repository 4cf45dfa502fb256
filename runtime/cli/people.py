"""Commands for the people who look after an installation."""

from __future__ import annotations

import json

import click

from connectors import registry
from runtime.cli.opened import chosen_organisation, opened_app
from runtime.cli.printed import AS_JSON, print_counts, print_result
from runtime.operations.doctor import examine
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER, create_organisation, time_zones
from runtime.operations.systems.connect import begin_connect
from runtime.operations.systems.disconnect import disconnect as end_connection
from runtime.operations.work import poll, work
from runtime.settings import load
from runtime.store import connections

_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")


def _zone(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if name not in time_zones():
        raise click.BadParameter(f"{name!r} is not a time zone such as Europe/Dublin")
    return name


def _country(_context: click.Context, _option: click.Parameter, code: str) -> str:
    if not (code.isascii() and code.isalpha() and len(code) == 2):
        raise click.BadParameter(f"{code!r} is not a country of two letters such as IE")
    return code.upper()


@click.command()
@click.argument("system", type=click.Choice(registry.SYSTEMS), metavar="SYSTEM")
@_ORG
@click.option("--create", "name", help="Make an organisation of this name first.")
@click.option("--currency", default="EUR", show_default=True, help="Its base currency.")
@click.option("--time-zone", "time_zone", default="UTC", show_default=True, callback=_zone, help="Its time zone.")
@click.option("--country", default="IE", show_default=True, callback=_country, help="Its country (two letters).")
@AS_JSON
def connect(
    *,
    system: str,
    organisation_id: str | None,
    name: str | None,
    currency: str,
    time_zone: str,
    country: str,
    as_json: bool,
) -> None:
    """Print the address where a person gives consent; `truedue serve` must be running to take the answer."""
    load().endpoint(system)  # refused before an organisation is made
    with opened_app(may_make=name is not None) as app:
        if name is not None:
            made = create_organisation(app, name=name, base_currency=currency, time_zone=time_zone, country=country)
            organisation_id = made.id
        chosen = chosen_organisation(app.store, organisation_id)
        address = begin_connect(app, organisation_id=chosen.id, system=system)
    print_result(address, {"organisation": chosen.id, "system": system, "address": address}, as_json=as_json)


@click.command()
@click.argument("system", type=click.Choice(registry.SYSTEMS), metavar="SYSTEM")
@_ORG
@AS_JSON
def disconnect(*, system: str, organisation_id: str | None, as_json: bool) -> None:
    """End the connection to SYSTEM, here and at the vendor."""
    role = registry.declaration(system).role
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        with app.store.read() as db:
            standing = {each.role: each.system for each in connections.connections(db, chosen.id)}
        if standing.get(role) != system:
            raise InputError(f"{chosen.name} has not connected {system}")
        ended = end_connection(app, organisation_id=chosen.id, role=role, actor=OWNER)
    name = ended.account.name
    facts = {"organisation": chosen.id, "system": system, "account": ended.account.external_id, "name": name}
    print_result(f"{name} is disconnected", facts, as_json=as_json)


@click.command()
@AS_JSON
def sync(as_json: bool) -> None:
    """Read what changed in every connected system, match, and write what is due."""
    with opened_app() as app:
        counted = poll(app)
        counted.update(work(app))
        print_counts(counted, as_json=as_json)


@click.command()
@AS_JSON
def doctor(as_json: bool) -> int:
    """Check this installation: settings, database, key, vendors, mail. Exit 1 when something does not hold."""
    found = examine(load)
    for check in found:
        if as_json:
            click.echo(json.dumps({"check": check.name, "ok": check.ok, "detail": check.detail}))
        else:
            click.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}")
    return 0 if all(check.ok for check in found) else 1
