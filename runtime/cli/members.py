"""The command `people`: who belongs to an organisation."""

from __future__ import annotations

import json

import click

from runtime.cli.opened import chosen_organisation, opened_app
from runtime.cli.printed import AS_JSON, EACH_AS_JSON, print_result
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER
from runtime.operations.people.members import change_role, invite, remove_member
from runtime.operations.people.sessions import end_sessions
from runtime.roles import MemberRole
from runtime.store import people as rows
from runtime.store.engine import Store
from runtime.store.people import Member

_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")
_ROLE = click.option("--role", required=True, type=click.Choice([role.value for role in MemberRole]), help="As what.")


@click.group()
def people() -> None:
    """Who may sign in, and what they are."""


@people.command("invite")
@click.argument("email")
@_ROLE
@_ORG
@AS_JSON
def invite_somebody(*, email: str, role: str, organisation_id: str | None, as_json: bool) -> None:
    """Print a link by which whoever signs in with this address becomes a member, once, within seven days."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        link = invite(app, organisation_id=chosen.id, email=email, role=MemberRole(role), actor=OWNER)
    print_result(link, {"organisation": chosen.id, "email": email, "role": role, "link": link}, as_json=as_json)


@people.command("list")
@_ORG
@EACH_AS_JSON
def list_members(*, organisation_id: str | None, as_json: bool) -> None:
    """List the members."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        for each in _members(app.store, chosen.id):
            facts = {"email": each.person.email, "role": each.role.value, "since": each.since.isoformat()}
            click.echo(json.dumps(facts) if as_json else "  ".join(facts.values()))


@people.command("role")
@click.argument("email")
@_ROLE
@_ORG
@AS_JSON
def change_a_role(*, email: str, role: str, organisation_id: str | None, as_json: bool) -> None:
    """Give a member another role."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        for each in _named(app.store, chosen.id, email):
            change_role(app, organisation_id=chosen.id, person_id=each.person.id, role=MemberRole(role), actor=OWNER)
    facts = {"organisation": chosen.id, "email": email, "role": role}
    print_result(f"{email} is {role}", facts, as_json=as_json)


@people.command("remove")
@click.argument("email")
@_ORG
@AS_JSON
def remove_somebody(*, email: str, organisation_id: str | None, as_json: bool) -> None:
    """Let somebody be no member any more, and sign them out everywhere."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        for each in _named(app.store, chosen.id, email):
            remove_member(app, organisation_id=chosen.id, person_id=each.person.id, actor=OWNER)
            end_sessions(app, each.person.id)
    print_result(f"{email} is no member any more", {"organisation": chosen.id, "email": email}, as_json=as_json)


@people.command("sign-out")
@click.argument("email")
@_ORG
@AS_JSON
def sign_somebody_out(*, email: str, organisation_id: str | None, as_json: bool) -> None:
    """End every session of a member: where a device was lost, say."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        ended = sum(end_sessions(app, each.person.id) for each in _named(app.store, chosen.id, email))
    facts = {"organisation": chosen.id, "email": email, "sessions_ended": ended}
    print_result(f"Signed out of {ended} browser(s).", facts, as_json=as_json)


def _members(store: Store, organisation_id: str) -> list[Member]:
    with store.read() as db:
        return rows.members(db, organisation_id)


def _named(store: Store, organisation_id: str, email: str) -> list[Member]:
    """Return the members with an address: one for each account that they sign in with."""
    found = [each for each in _members(store, organisation_id) if each.person.email == email.strip().lower()]
    if not found:
        raise InputError(f"{email} is no member: `truedue people list` names them")
    return found
