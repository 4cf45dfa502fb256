"""The payer's own page of autopay: what would be taken is read first, then agreed on; one press switches it off."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from receivables.money import Money, MoneyError
from reminders.autopay import CARD_NOTICE_DAYS, DEBIT_NOTICE_BANKING_DAYS, Terms
from reminders.autopay_message import Means, named
from reminders.wording import wording
from runtime.operations.autopay.agree import CEILING_IN_ITS_CURRENCY, begin_autopay, end_autopay
from runtime.operations.autopay.mandates import Mandate
from runtime.operations.errors import InputError
from runtime.operations.payers.payers_word import amount_of
from runtime.operations.views.autopay import payers_autopay
from runtime.web.access import PAYER, routes
from runtime.web.languages import Language
from runtime.web.numbers import AmountText
from runtime.web.pages import go
from runtime.web.portal import ACTOR, Visit, Visiting
from runtime.web.running import Running

ROUTES = routes("portal", prefix="/p/{token}", dependencies=[PAYER])
CONSENT_VERSION = 1  # of the sentences below: a change of what they say gets a new number
_WHO = "I allow %(name)s to take payments from the card or bank account that I save."
_WHAT = "What is taken is what is open of each of my invoices in %(currency)s."
_DAYS = {
    0: "Each is taken on its due date, and what is overdue as soon as I was told of it.",
    1: "Each is taken the day before its due date, and what is overdue as soon as I was told of it.",
}
_CEILING = "An invoice of more than %(amount)s is not taken."
_TOLD = "I am told of each payment by e-mail before, with its amount and day."
_NOTICE = "That is at least %(card)s days before for a card and %(debit)s banking days for a direct debit."
_INSTEAD = "We agree on this instead of a longer notice."
_END = "I can switch this off on this page at any time, and it counts at once."
Currency = Annotated[str, Form(pattern="^[A-Z]{3}$")]
DaysBefore = Annotated[int, Form(ge=0, le=1)]


@ROUTES.get("/autopay")
def show_autopay(
    app: Running,
    visiting: Visiting,
    *,
    currency: Annotated[str, Query(pattern="^([A-Z]{3})?$")] = "",
    days_before: Annotated[int, Query(ge=0, le=1)] = 0,
    ceiling: Annotated[str, Query(max_length=20)] = "",
    notice: str = "",
) -> Response:
    """Show how autopay stands, and what is agreed to by the terms that were chosen."""
    organisation, account = visiting.organisation, visiting.account
    with app.store.read() as db:
        view = payers_autopay(db, organisation, account.customer_id, now=app.clock())
    if view.mandate is None and not view.offered:
        return go(f"/p/{visiting.token}")
    terms = _terms(currency, days_before, ceiling) if currency else None
    return visiting.page(
        "portal_autopay.html",
        notice=notice,
        autopay=view,
        means=_means(view.mandate, visiting.language),
        currencies=[each.opened.currency for each in account.balances] or [organisation.base_currency],
        terms=terms,
        consent=_consent(visiting, terms) if terms else [],
        ceiling=ceiling,
    )


@ROUTES.post("/autopay")
def agree(
    app: Running,
    visiting: Visiting,
    *,
    currency: Currency,
    days_before: DaysBefore = 0,
    ceiling: AmountText = "",
    agreed: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Keep what the payer agreed to, and lead them to the page on which they save a means of payment."""
    if agreed != "yes":
        raise InputError("please agree to automatic payment first")
    terms = _terms(currency, days_before, ceiling)
    address = begin_autopay(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        terms=terms,
        consent=" ".join(_consent(visiting, terms)),
        consent_version=CONSENT_VERSION,
        language=visiting.language.code,
        back_to=f"{app.settings.public_url.rstrip('/')}/p/{visiting.token}/autopay",
        actor=ACTOR,
    )
    return visiting.page("portal_autopay_begun.html", address=address)


@ROUTES.post("/autopay/end", status_code=303)
def end(app: Running, visiting: Visiting) -> Response:
    """Switch autopay off, at once."""
    end_autopay(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}/autopay", "autopay_ended")


def _terms(currency: str, days_before: int, ceiling: str) -> Terms:
    try:
        nothing = Money.zero(currency)
    except MoneyError:
        raise InputError(CEILING_IN_ITS_CURRENCY) from None
    most = amount_of(ceiling, nothing.currency) if ceiling.strip() else None
    return Terms(nothing.currency, most, days_before)


def _consent(visiting: Visit, terms: Terms) -> list[str]:
    """The sentences that are agreed to, in the payer's language; what is kept is what was read."""
    say = visiting.language.gettext
    words = wording(visiting.language.code)
    return [
        say(_WHO) % {"name": visiting.organisation.name},
        say(_WHAT) % {"currency": terms.currency},
        say(_DAYS[terms.days_before]),
        *([say(_CEILING) % {"amount": words.money(terms.ceiling)}] if terms.ceiling else []),
        say(_TOLD),
        say(_NOTICE) % {"card": CARD_NOTICE_DAYS, "debit": DEBIT_NOTICE_BANKING_DAYS},
        say(_INSTEAD),
        say(_END),
    ]


def _means(mandate: Mandate | None, language: Language) -> str:
    """The payer's means as they know it, "" before there is one."""
    if mandate is None or not mandate.means_external_id:
        return ""
    return named(Means(mandate.method, mandate.ending), wording(language.code))
