"""The page of one customer: what they owe, their statement and their own page, and how they are reached."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, HTTPException
from starlette.responses import Response

from reminders.evidence import Channel, LawfulBasis
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.payers.end_links import end_links
from runtime.operations.payers.give_link import give_link
from runtime.operations.payers.hold_by_hand import MAX_WHY_CHARS
from runtime.operations.payers.pause import MAX_DAYS
from runtime.operations.payers.payers_word import plain
from runtime.operations.payers.print_statement import print_statement
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reaching.opt_out import MAX_REASON_CHARS, opt_out, take_opt_out_back
from runtime.operations.reaching.opt_outs import EVERY
from runtime.operations.views.contacts import customer_contacts, customer_exists
from runtime.operations.views.customer import paused_invoices, profile
from runtime.operations.views.portal import portal
from runtime.portal_links import LIFETIME_DAYS
from runtime.web.access import CHASE, EXPORT, SEE, Who, routes
from runtime.web.pages import go, page
from runtime.web.portal import file_name
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.words import OPT_OUTS

ROUTES = routes("customers", prefix="/o/{organisation_id}/customers/{customer_id}")


@ROUTES.get("", dependencies=[SEE])
def show_customer(app: Running, organisation_id: str, customer_id: str, notice: str = "") -> Response:
    """Show what a customer owes, how they are reached and what became of the messages to them."""
    return _show(app, organisation_id, customer_id, notice=notice)


@ROUTES.post("/link", dependencies=[CHASE])
def give(app: Running, who: Who, organisation_id: str, customer_id: str) -> Response:
    """Make a link to the customer's own page, and show it this once."""
    _require(app, organisation_id, customer_id)
    link = give_link(app, organisation_id=organisation_id, customer_id=customer_id, actor=who)
    return _show(app, organisation_id, customer_id, link=link)


@ROUTES.post("/end-links", dependencies=[CHASE], status_code=303)
def end(app: Running, who: Who, organisation_id: str, customer_id: str) -> Response:
    """End the links to the customer's own page."""
    _require(app, organisation_id, customer_id)
    end_links(app, organisation_id=organisation_id, customer_id=customer_id, actor=who)
    return go(f"/o/{organisation_id}/customers/{quote(customer_id)}", "links_ended")


@ROUTES.post("/opt-out", dependencies=[CHASE], status_code=303)
def note_opt_out(
    app: Running,
    who: Who,
    organisation_id: str,
    customer_id: str,
    *,
    channel: Annotated[str, Form(max_length=16)],
    said: Annotated[str, Form()] = "",
) -> Response:
    """Note that a customer told somebody that they want no messages, by a channel or at all, and in which words."""
    _require(app, organisation_id, customer_id)
    words = plain(said, MAX_REASON_CHARS, "write down what they said, in at most %(longest)s characters")
    opt_out(
        app,
        organisation_id=organisation_id,
        customer_id=customer_id,
        channel=_channel(channel),
        actor=who,
        words=words,
    )
    return go(f"/o/{organisation_id}/customers/{quote(customer_id)}", "opt_out_noted")


@ROUTES.post("/take-opt-out-back", dependencies=[CHASE], status_code=303)
def write_again(
    app: Running,
    who: Who,
    organisation_id: str,
    customer_id: str,
    *,
    channel: Annotated[str, Form(max_length=16)],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Say why a customer who wanted no messages, by a channel or at all, may be written to again."""
    _require(app, organisation_id, customer_id)
    take_opt_out_back(
        app,
        organisation_id=organisation_id,
        customer_id=customer_id,
        channel=_channel(channel),
        actor=who,
        reason=reason,
    )
    return go(f"/o/{organisation_id}/customers/{quote(customer_id)}", "opt_out_taken_back")


@ROUTES.get("/statement.pdf", dependencies=[EXPORT])
def give_statement(app: Running, organisation_id: str, customer_id: str) -> Response:
    """Give the customer's statement of account as it stands now, in the language that they are written to in."""
    now = app.clock()
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        account = portal(db, organisation, customer_id, now=now)
        if account is None:
            raise HTTPException(404)
        language = language_for(db, organisation.id, account.customer_id, account.country)
    pdf = print_statement(organisation, account, language=language, now=now)
    name = file_name(f"statement-{now.astimezone(organisation.zone).date()}-{account.customer_name}")
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


def _show(app: App, organisation_id: str, customer_id: str, *, link: str = "", notice: str = "") -> Response:
    now = app.clock()
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = customer_contacts(db, organisation, customer_id)
        account = portal(db, organisation, customer_id, now=now)
        paused = paused_invoices(db, organisation_id, customer_id, now=now)
        known = profile(db, organisation, customer_id, now=now)
    if view is None or account is None:
        raise HTTPException(404)
    today = now.astimezone(organisation.zone).date()
    return page(
        "customer.html",
        organisation=organisation,
        view=view,
        balances=account.balances,
        known=known,
        link=link,
        link_days=LIFETIME_DAYS,
        paused=paused,
        today=today,
        pause_by=today + timedelta(days=MAX_DAYS),
        longest_why=MAX_WHY_CHARS,
        longest_reason=MAX_REASON_CHARS,
        bases=LawfulBasis,
        notice=notice,
    )


def _channel(chosen: str) -> Channel | None:
    """Return the channel that a form names, None for all of them; InputError for any other word."""
    if chosen != EVERY and chosen not in OPT_OUTS:
        raise InputError("choose what they want no more of")
    return None if chosen == EVERY else Channel(chosen)


def _require(app: App, organisation_id: str, customer_id: str) -> None:
    """HTTPException 404 unless the organisation has this customer."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        if not customer_exists(db, organisation_id, customer_id):
            raise HTTPException(404)
