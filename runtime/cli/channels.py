"""`truedue channel` and `truedue contact`: what the pages of the same names do, without a browser."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from reminders.evidence import Channel, LawfulBasis
from runtime.cli.opened import chosen_organisation, opened_app
from runtime.cli.printed import AS_JSON, print_result
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER
from runtime.operations.reaching.channels import SWITCHED, channel_setups, switch_channel
from runtime.operations.reaching.contact_points import NOTED, note_contact
from runtime.operations.reaching.letterhead import DETAILS
from runtime.operations.views.contacts import monthly_costs

_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")
_SWITCHED = click.Choice([each.value for each in SWITCHED])


@click.group()
def channel() -> None:
    """By what customers are reached beside e-mail."""


@channel.command("show")
@_ORG
@AS_JSON
def show(*, organisation_id: str | None, as_json: bool) -> None:
    """Print how each channel stands and what messages cost."""
    with opened_app() as app:
        organisation = chosen_organisation(app.store, organisation_id)
        with app.store.read() as db:
            setups = channel_setups(app, db, organisation.id)
            costs = monthly_costs(db, organisation)
    facts = [
        {
            "channel": each.channel.value,
            "on": each.switched_on,
            "carrier": each.carrier,
            "can_send": each.can_send,
            "missing": {offer.name: list(offer.missing) for offer in each.offers},
        }
        for each in setups
    ]
    spent = [
        {"month": each.month, "carrier": each.carrier, "messages": each.messages, "cost": list(each.amounts)}
        for each in costs
    ]
    if as_json:
        click.echo(json.dumps({"organisation": organisation.id, "channels": facts, "costs": spent}))
        return
    for each in setups:
        missing = "; ".join(f"{offer.title} needs {', '.join(offer.missing)}" for offer in each.offers if offer.missing)
        state = f"on, by {each.carrier}" if each.switched_on else "off"
        click.echo(f"{each.channel.value:10} {state}{'; ' + missing if missing else ''}")
    for cost in costs:
        click.echo(
            f"{cost.month}    {cost.carrier}: {cost.messages} messages, {', '.join(cost.amounts) or 'no cost told'}"
        )


@channel.command("on")
@click.argument("name", type=_SWITCHED, metavar="CHANNEL")
@click.option("--carrier", default="", help="Which carrier, where there are several.")
@click.option("--detail", "given", multiple=True, metavar="NAME=VALUE", help=f"Of letters: {', '.join(DETAILS)}.")
@_ORG
@AS_JSON
def switch_on(*, name: str, carrier: str, given: tuple[str, ...], organisation_id: str | None, as_json: bool) -> None:
    """Switch a channel on."""
    pairs = [each.partition("=") for each in given]
    if wrong := [each for each, (_, equals, _value) in zip(given, pairs, strict=True) if not equals]:
        raise InputError(f"{wrong[0]!r} is not NAME=VALUE")
    details = {key: value for key, _, value in pairs}
    _switch(name, organisation_id, on=True, carrier=carrier, details=details, as_json=as_json)


@channel.command("off")
@click.argument("name", type=_SWITCHED, metavar="CHANNEL")
@_ORG
@AS_JSON
def switch_off(*, name: str, organisation_id: str | None, as_json: bool) -> None:
    """Switch a channel off: nothing leaves by it any more."""
    _switch(name, organisation_id, on=False, carrier="", details={}, as_json=as_json)


def _switch(
    name: str, organisation_id: str | None, *, on: bool, carrier: str, details: Mapping[str, str], as_json: bool
) -> None:
    with opened_app() as app:
        owner = chosen_organisation(app.store, organisation_id).id
        switch_channel(
            app,
            organisation_id=owner,
            channel=Channel(name),
            on=on,
            carrier=carrier,
            details=details,
            actor=OWNER,
        )
    facts = {"organisation": owner, "channel": name, "on": on}
    print_result(f"{name} is {'on' if on else 'off'}", facts, as_json=as_json)


@click.command()
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("name", type=click.Choice([each.value for each in NOTED]), metavar="CHANNEL")
@click.argument("address")
@click.option("--basis", type=click.Choice([each.value for each in LawfulBasis]), default="contract", show_default=True)
@click.option("--evidence", default="", help="What proves a consent: when, where, in which words.")
@_ORG
@AS_JSON
def contact(
    *,
    customer_id: str,
    name: str,
    address: str,
    basis: str,
    evidence: str,
    organisation_id: str | None,
    as_json: bool,
) -> None:
    """Note where a customer is reached: a number, or for letters an address as JSON (name, street, city …)."""
    with opened_app() as app:
        owner = chosen_organisation(app.store, organisation_id).id
        note_contact(
            app,
            organisation_id=owner,
            customer_id=customer_id,
            channel=Channel(name),
            address=address,
            basis=LawfulBasis(basis),
            evidence=evidence,
            actor=OWNER,
        )
    facts = {"organisation": owner, "customer": customer_id, "channel": name, "basis": basis}
    print_result(f"{customer_id} is reached by {name}", facts, as_json=as_json)
