"""The settings page: the sending switch, what each bank account proves, and how differences are booked."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from reminders.policy import Tone
from runtime.operations.bank_files.bank_proof import prove_by_name, prove_by_statements
from runtime.operations.organisations import switch_sending
from runtime.operations.payers.brand import brand
from runtime.operations.payers.pay_button import pay_button, switch_pay_button
from runtime.operations.payers.pay_by_card import switch_card_payments
from runtime.operations.payers.pay_by_transfer import switch_transfers
from runtime.operations.reaching.shared_limit import switch_shared_limit
from runtime.operations.reminding.replay import open_invoices, replay_days
from runtime.operations.reminding.send_statements import switch_statements
from runtime.operations.reminding.signatures import signatures
from runtime.operations.reminding.thank import switch_thanks
from runtime.operations.systems.link_back import switch_links_back
from runtime.operations.systems.other_reminders import say_what_else_reminds
from runtime.operations.systems.read_tax_codes import read_accounts_again
from runtime.operations.systems.tell_history import switch_ledger_history
from runtime.operations.systems.treatments import set_treatment
from runtime.operations.views.setup import setup
from runtime.web.access import CONFIGURE, SEE, SWITCH, Seated, Who, routes
from runtime.web.organisations import may_add
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("settings")
MAX_REPLAYED_UNASKED = 2_000  # open invoices: with more, the days are played only when somebody asks for it
REPLAYED_DAYS = 30  # before yesterday, while no other days are named
Text = Annotated[str, Form()]


class Proof(StrEnum):
    """How a bank account can be proved by saying so; a feed is linked and confirmed instead (`bank_feeds`)."""

    STATEMENT = "statement"
    ATTESTED = "attested"


class Switch(StrEnum):
    """Where a switch goes."""

    ON = "on"
    OFF = "off"


class Answer(StrEnum):
    """What a person says."""

    YES = "yes"
    NO = "no"


@ROUTES.get("/o/{organisation_id}/settings", dependencies=[SEE])
def show_settings(
    app: Running,
    visitor: Seated,
    organisation_id: str,
    *,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    notice: str = "",
) -> Response:
    """Show the switch, with what would have been sent in past days while it is off or where days are named."""
    now = app.clock()
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = setup(db, app, organisation)
        button = pay_button(db, app, organisation_id)
        looks = brand(db, organisation_id)
        signed = signatures(db, organisation_id)
        yesterday = now.astimezone(organisation.zone).date() - timedelta(days=1)
        until = last or yesterday
        since = first or until - timedelta(days=REPLAYED_DAYS - 1)
        asked = first is not None or last is not None
        unasked = not view.sending_on and open_invoices(db, organisation_id) <= MAX_REPLAYED_UNASKED
        replayed = replay_days(db, organisation, first=since, last=until, now=now) if asked or unasked else None
    return page(
        "settings.html",
        organisation=organisation,
        view=view,
        button=button,
        looks=looks,
        signatures=signed,
        tones=tuple(Tone),
        replayed=replayed,
        since=since,
        until=until,
        yesterday=yesterday,
        may_add=may_add(app, visitor),
        notice=notice,
    )


@ROUTES.post("/o/{organisation_id}/settings/sending", dependencies=[SWITCH], status_code=303)
def switch(app: Running, who: Who, organisation_id: str, sending: Annotated[Switch, Form()]) -> Response:
    """Switch sending on or off."""
    known(app, organisation_id)
    switch_sending(app, organisation_id=organisation_id, on=sending is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"sending_{sending}")


@ROUTES.post("/o/{organisation_id}/settings/thanks", dependencies=[SWITCH], status_code=303)
def switch_thanking(app: Running, who: Who, organisation_id: str, thanks: Annotated[Switch, Form()]) -> Response:
    """Switch thanking on or off."""
    known(app, organisation_id)
    switch_thanks(app, organisation_id=organisation_id, on=thanks is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"thanks_{thanks}")


@ROUTES.post("/o/{organisation_id}/settings/statements", dependencies=[SWITCH], status_code=303)
def switch_stating(app: Running, who: Who, organisation_id: str, statements: Annotated[Switch, Form()]) -> Response:
    """Switch monthly statements on or off."""
    known(app, organisation_id)
    switch_statements(app, organisation_id=organisation_id, on=statements is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"statements_{statements}")


@ROUTES.post("/o/{organisation_id}/settings/shared-limit", dependencies=[SWITCH], status_code=303)
def switch_sharing(app: Running, who: Who, organisation_id: str, shared: Annotated[Switch, Form()]) -> Response:
    """Count contacts together with the owner's other organisations, or alone."""
    known(app, organisation_id)
    switch_shared_limit(app, organisation_id=organisation_id, on=shared is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"limit_sharing_{shared}")


@ROUTES.post("/o/{organisation_id}/settings/cards", dependencies=[SWITCH], status_code=303)
def switch_cards(app: Running, who: Who, organisation_id: str, cards: Annotated[Switch, Form()]) -> Response:
    """Offer payers to pay by card, or no more."""
    known(app, organisation_id)
    switch_card_payments(app, organisation_id=organisation_id, on=cards is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"cards_{cards}")


@ROUTES.post("/o/{organisation_id}/settings/transfers", dependencies=[SWITCH], status_code=303)
def switch_transferring(app: Running, who: Who, organisation_id: str, transfers: Annotated[Switch, Form()]) -> Response:
    """Offer payers to pay by bank transfer through the processor, or no more."""
    known(app, organisation_id)
    switch_transfers(app, organisation_id=organisation_id, on=transfers is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"transfers_{transfers}")


@ROUTES.post("/o/{organisation_id}/settings/pay-button", dependencies=[SWITCH], status_code=303)
def switch_button(app: Running, who: Who, organisation_id: str, button: Annotated[Switch, Form()]) -> Response:
    """Put a pay-now button on the ledger's invoices, or end the page that it leads to."""
    known(app, organisation_id)
    left = switch_pay_button(app, organisation_id=organisation_id, on=button is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", "button_partly" if left else f"button_{button}")


@ROUTES.post("/o/{organisation_id}/settings/links-back", dependencies=[SWITCH], status_code=303)
def switch_linking(app: Running, who: Who, organisation_id: str, links: Annotated[Switch, Form()]) -> Response:
    """Put links to our pages on the ledger's invoices, or put no more."""
    known(app, organisation_id)
    switch_links_back(app, organisation_id=organisation_id, on=links is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"links_{links}")


@ROUTES.post("/o/{organisation_id}/settings/ledger-history", dependencies=[SWITCH], status_code=303)
def switch_history(app: Running, who: Who, organisation_id: str, history: Annotated[Switch, Form()]) -> Response:
    """Tell the ledger's history of invoices what happens to them, or nothing more."""
    known(app, organisation_id)
    switch_ledger_history(app, organisation_id=organisation_id, on=history is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"history_{history}")


@ROUTES.post("/o/{organisation_id}/settings/others", dependencies=[CONFIGURE], status_code=303)
def say_others(app: Running, who: Who, organisation_id: str, others: Annotated[Answer, Form()]) -> Response:
    """Keep whether the ledger or the processor reminds by itself."""
    known(app, organisation_id)
    say_what_else_reminds(app, organisation_id=organisation_id, others_remind=others is Answer.YES, actor=who)
    return go(f"/o/{organisation_id}/settings", f"others_{others}")


@ROUTES.post("/o/{organisation_id}/settings/bank", dependencies=[CONFIGURE], status_code=303)
def prove(
    app: Running,
    who: Who,
    organisation_id: str,
    *,
    handle: Text,
    proof: Annotated[Proof, Form()],
    identification: Text = "",
    attested_by: Text = "",
) -> Response:
    """Keep what a bank account of the ledger proves."""
    known(app, organisation_id)
    if proof is Proof.STATEMENT:
        prove_by_statements(
            app, organisation_id=organisation_id, handle=handle, identification=identification, actor=who
        )
    else:
        prove_by_name(app, organisation_id=organisation_id, handle=handle, attested_by=attested_by, actor=who)
    return go(f"/o/{organisation_id}/settings", "declared")


@ROUTES.post("/o/{organisation_id}/settings/treatment", dependencies=[CONFIGURE], status_code=303)
def treat(
    app: Running, who: Who, organisation_id: str, *, kind: Text, account: Text = "", tax_code: Text = ""
) -> Response:
    """Keep how the ledger books what closes an item without cash; no account forgets it."""
    known(app, organisation_id)
    set_treatment(
        app, organisation_id=organisation_id, kind=kind, account=account, tax_code=tax_code.strip(), actor=who
    )
    return go(f"/o/{organisation_id}/settings", "declared")


@ROUTES.post("/o/{organisation_id}/settings/accounts", dependencies=[CONFIGURE], status_code=303)
def read_again(app: Running, organisation_id: str) -> Response:
    """Read the ledger's accounts and tax codes again."""
    known(app, organisation_id)
    read_accounts_again(app, organisation_id=organisation_id)
    return go(f"/o/{organisation_id}/settings", "accounts_read")
