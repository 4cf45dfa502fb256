"""Channels beside e-mail: the switches with their costs, and noting how one customer is reached."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import Form
from starlette.responses import Response

from receivables.address import AddressError, PostalAddress
from reminders.evidence import Channel, LawfulBasis
from runtime.operations.errors import InputError
from runtime.operations.reaching.channels import channel_setups, switch_channel
from runtime.operations.reaching.contact_points import forget_contact, note_contact, text_is_read
from runtime.operations.views.contacts import monthly_costs
from runtime.web.access import CHASE, SEE, SWITCH, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.setup import Switch
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("channels")
Optional = Annotated[str, Form(max_length=500)]


class Step(StrEnum):
    """What is done with a contact."""

    NOTE = "note"
    FORGET = "forget"


@ROUTES.get("/o/{organisation_id}/channels", dependencies=[SEE])
def show_channels(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show which channels are on, by which carrier, and what messages cost."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        setups = channel_setups(app, db, organisation_id)
        costs = monthly_costs(db, organisation)
    return page("channels.html", organisation=organisation, setups=setups, costs=costs, notice=notice)


@ROUTES.post("/o/{organisation_id}/channels/{channel}", dependencies=[SWITCH], status_code=303)
def switch(
    app: Running,
    who: Who,
    organisation_id: str,
    channel: Channel,
    *,
    on: Annotated[Switch, Form()],
    carrier: Optional = "",
    name: Optional = "",
    street: Optional = "",
    extra: Optional = "",
    post_code: Optional = "",
    city: Optional = "",
    region: Optional = "",
    country: Optional = "",
    iban: Optional = "",
    bic: Optional = "",
) -> Response:
    """Switch a channel on or off; of letters, with who sends them and where to pay."""
    known(app, organisation_id)
    address = {"name": name, "street": street, "extra": extra, "post_code": post_code, "city": city}
    details = address | {"region": region, "country": country, "iban": iban, "bic": bic}
    switch_channel(
        app,
        organisation_id=organisation_id,
        channel=channel,
        on=on is Switch.ON,
        carrier=carrier,
        details=details,
        actor=who,
    )
    return go(f"/o/{organisation_id}/channels", f"channel_{on}")


@ROUTES.post("/o/{organisation_id}/customers/{customer_id}/contacts/{channel}", dependencies=[CHASE], status_code=303)
def take_contact(
    app: Running,
    who: Who,
    organisation_id: str,
    customer_id: str,
    channel: Channel,
    *,
    step: Annotated[Step, Form()],
    number: Optional = "",
    name: Optional = "",
    street: Optional = "",
    extra: Optional = "",
    post_code: Optional = "",
    city: Optional = "",
    region: Optional = "",
    country: Optional = "",
    basis: Optional = "",
    evidence: Optional = "",
) -> Response:
    """Note where the customer is reached by a channel, or forget it."""
    known(app, organisation_id)
    whom = {"organisation_id": organisation_id, "customer_id": customer_id}
    back = f"/o/{organisation_id}/customers/{quote(customer_id)}"
    if step is Step.FORGET:
        forget_contact(app, **whom, channel=channel, actor=who)
        return go(back, "contact_forgotten")
    address = number
    if channel is Channel.LETTER:
        try:
            address = PostalAddress(
                name=name,
                street=street,
                extra=extra,
                post_code=post_code,
                city=city,
                region=region,
                country=country.strip().upper(),
            ).as_text()
        except AddressError as error:
            raise InputError(str(error)) from None
    note_contact(app, **whom, channel=channel, address=address, basis=_basis(basis), evidence=evidence, actor=who)
    return go(back, "contact_noted")


@ROUTES.post("/o/{organisation_id}/customers/{customer_id}/text-read", dependencies=[CHASE], status_code=303)
def mark_text_read(app: Running, who: Who, organisation_id: str, customer_id: str) -> Response:
    """Say that the customer's answer by text was read."""
    known(app, organisation_id)
    text_is_read(app, organisation_id=organisation_id, customer_id=customer_id, actor=who)
    return go(f"/o/{organisation_id}/customers/{quote(customer_id)}", "text_read")


def _basis(text: str) -> LawfulBasis | None:
    if not text:
        return None
    try:
        return LawfulBasis(text)
    except ValueError:
        raise InputError(f"{text!r} is no lawful basis") from None
