"""Commands that settle what two systems say differently: conflicts, links of accounts, owners of fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import click
from sqlalchemy import Connection

from runtime.cli.opened import chosen_organisation, opened_app, opened_store
from runtime.cli.printed import EACH_AS_JSON
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER
from runtime.operations.systems import conflicts as settling
from runtime.operations.systems import links as linking
from runtime.operations.systems.owners import change_owner
from runtime.operations.views.conflicts import ConflictView
from runtime.operations.views.conflicts import conflicts as conflict_list
from runtime.operations.views.links import ProposalView, proposed_links
from runtime.store.owners import owners_of
from sync.owners import RULES

_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")

Found = TypeVar("Found")


@click.command()
@click.argument("action", type=click.Choice(("restore", "keep")), required=False)
@click.argument("conflict_id", required=False)
@_ORG
@EACH_AS_JSON
def conflicts(action: str | None, conflict_id: str | None, organisation_id: str | None, as_json: bool) -> None:
    """List the values that lost against another system's, or settle one: restore ID, keep ID."""
    if (action is None) != (conflict_id is None):
        raise InputError("name the conflict: truedue conflicts restore ID, or keep ID")
    if action is not None and conflict_id is not None:
        with opened_app() as app:
            chosen = chosen_organisation(app.store, organisation_id)
            settle = settling.restore if action == "restore" else settling.keep
            settle(app, organisation_id=chosen.id, conflict_id=conflict_id, actor=OWNER)
    found = _read(conflict_list, organisation_id)
    for each in found.rows:
        click.echo(json.dumps(_conflict_facts(each)) if as_json else _conflict_line(each))


def _conflict_facts(each: ConflictView) -> dict[str, object]:
    return {
        "id": each.conflict_id,
        "invoice": each.number or None,
        "customer": each.customer_name,
        "field": each.field,
        "kept": each.kept,
        "lost": each.lost,
        "system": each.system,
        "found_at": each.found_at.isoformat(),
        "restorable": each.restorable,
    }


def _conflict_line(each: ConflictView) -> str:
    about = f"{each.number} ({each.customer_name})" if each.number else each.customer_name
    return f"{each.conflict_id}  {about}  {each.field}: {each.kept or 'empty'} stands, not {each.lost or 'empty'}"


@click.command()
@click.argument("action", type=click.Choice(("confirm", "separate")), required=False)
@click.argument("proposal_id", required=False)
@click.argument("customer_id", required=False)
@_ORG
@EACH_AS_JSON
def links(
    *,
    action: str | None,
    proposal_id: str | None,
    customer_id: str | None,
    organisation_id: str | None,
    as_json: bool,
) -> None:
    """List the accounts that may be customers, or answer: confirm ID CUSTOMER, separate ID."""
    needed = {None: (False, False), "confirm": (True, True), "separate": (True, False)}[action]
    if (proposal_id is not None, customer_id is not None) != needed:
        raise InputError("answer with: truedue links confirm ID CUSTOMER, or separate ID")
    if proposal_id is not None:
        with opened_app() as app:
            chosen = chosen_organisation(app.store, organisation_id)
            named = {"organisation_id": chosen.id, "proposal_id": proposal_id, "actor": OWNER}
            if customer_id is not None:
                linking.confirm(app, **named, customer_id=customer_id)
            else:
                linking.separate(app, **named)
    found = _read(proposed_links, organisation_id)
    for each in found.rows:
        click.echo(json.dumps(_link_facts(each)) if as_json else _link_lines(each))


def _link_facts(each: ProposalView) -> dict[str, object]:
    return {
        "id": each.proposal_id,
        "system": each.system,
        "account": each.external_id,
        "name": each.name,
        "candidates": [
            {"customer": may.customer_id, "name": may.name, "score": may.score, "reasons": list(may.reasons)}
            for may in each.candidates
        ],
    }


def _link_lines(each: ProposalView) -> str:
    lines = [f"{each.proposal_id}  {each.name} ({each.system} {each.external_id})"]
    lines += [f"    {may.customer_id}  {may.name}: {'; '.join(may.reasons)}" for may in each.candidates]
    return "\n".join(lines)


@click.command()
@click.option("--field", help="A field, by its name as printed here.")
@click.option("--owner", help="Whose word counts for it: ledger, shared or crm.")
@_ORG
@EACH_AS_JSON
def owners(field: str | None, owner: str | None, organisation_id: str | None, as_json: bool) -> None:
    """Print whose word counts for which field, after changing one if asked to."""
    if (field is None) != (owner is None):
        raise InputError("--field and --owner go together")
    if field is not None and owner is not None:
        with opened_app() as app:
            chosen = chosen_organisation(app.store, organisation_id)
            change_owner(app, organisation_id=chosen.id, field=field, owner=owner, actor=OWNER)
    table = _read(owners_of, organisation_id)
    for rule in RULES:
        facts = {
            "field": rule.field,
            "owner": table[rule.field].value,
            "choices": [each.value for each in rule.choices],
            "why": rule.why,
        }
        plain = f"{rule.field:<15} {table[rule.field]:<7} {'fixed  ' if rule.fixed else '       '} {rule.why}"
        click.echo(json.dumps(facts) if as_json else plain)


def _read(view: Callable[[Connection, str], Found], organisation_id: str | None) -> Found:
    """Return what `view` shows of the organisation that was chosen."""
    with opened_store() as store:
        chosen = chosen_organisation(store, organisation_id)
        with store.read() as db:
            return view(db, chosen.id)
