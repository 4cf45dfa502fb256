"""Autopay in the lives: a firm offers it; payers save a means on a page of the processor, and withdraw later."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random

from sqlalchemy import select

from connectors.errors import ConnectorError
from receivables.money import Money
from reminders.autopay import Terms
from runtime.operations.autopay.agree import begin_autopay, end_autopay, switch_autopay
from runtime.operations.errors import RefusedError
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK
from runtime.simulation.stage import PUBLIC_URL, Play
from runtime.store import tables as t
from sandbox.life import Firm, Mandate
from sandbox.life.hands import REFUSALS
from sandbox.life.mandates import CARD, standing
from sandbox.life.processor import DEBIT_OF
from sandbox.world.model import Customer

ACTOR = "a payer"
CONSENT = "I allow it, as I was told."
OFFERED = "autopay offered"  # what may happen more or less often than usual, by this name
_OFFERED, _AT_FIRST = 0.7, 12  # how many firms offer it, and how many of their payers agree on the first day
_GIVES_UP, _DEBIT, _DAY_BEFORE, _CEILING = 0.2, 0.25, 0.3, 0.3
_OFFERED_AGAIN = timedelta(hours=1)
_SAVES_WITHIN_MINUTES = (1, 40)  # a page lives an hour by the product's clock
_FIRST_MINUTES = 240


def offer_autopay(play: Play) -> None:
    """Let firms offer autopay soon, and some of their payers agree to it on the first day."""
    for key in play.life.firms:
        if play.rng.random() < _OFFERED * play.often.get(OFFERED, 1.0):
            play.agenda.later(timedelta(minutes=1), OFFERED, partial(_offer, play, key))


def _offer(play: Play, key: str) -> str:
    try:
        switch_autopay(play.app, organisation_id=play.ids[key], on=True, actor="owner")
    except RefusedError as error:  # the processor is lost just now
        play.agenda.later(_OFFERED_AGAIN, OFFERED, partial(_offer, play, key))
        return f"{key}: autopay is not offered yet ({error})"
    firm = play.life.firms[key]
    owing = sorted({firm.customer_of(each).key for each in firm.unpaid.values()})
    for customer in play.rng.sample(owing, min(_AT_FIRST, len(owing))):
        after = timedelta(minutes=play.rng.uniform(1, _FIRST_MINUTES))
        play.agenda.later(after, "autopay", partial(_agree_at_first, play, firm, customer))
    return f"{key}: payers are offered autopay"


def _agree_at_first(play: Play, firm: Firm, customer: str) -> str:
    try:
        return f"{firm.key}: {agree(play, firm, firm.customer(customer))}"
    except (RefusedError, ConnectorError) as error:
        return f"{firm.key}: autopay is not agreed on ({error})"


def agree(play: Play, firm: Firm, customer: Customer) -> str:
    """A payer agrees to autopay on their page, and saves a means, or leaves the page where one is saved.

    RefusedError or ConnectorError where they cannot.
    """
    if standing(firm, customer.key) is not None:
        raise RefusedError(f"{customer.name} pays by autopay already")
    ceiling = _ceiling(play.rng, firm, customer) if play.rng.random() < _CEILING else None
    days_before = int(play.rng.random() < _DAY_BEFORE)
    most = None if ceiling is None else Money.parse(str(ceiling), customer.currency)
    address = begin_autopay(
        play.app,
        organisation_id=play.ids[firm.key],
        customer_id=_id_of(play, firm, customer),
        terms=Terms(customer.currency, most, days_before),
        consent=CONSENT,
        consent_version=1,
        language="en",
        back_to=f"{PUBLIC_URL}/p/page/autopay",
        actor=ACTOR,
    )
    if play.rng.random() >= _GIVES_UP:
        method = DEBIT_OF[customer.currency] if play.rng.random() < _DEBIT else CARD
        session = address.rsplit("/", 1)[-1]
        mandate = Mandate(customer.key, "", method, ceiling, days_before)
        after = timedelta(minutes=play.rng.uniform(*_SAVES_WITHIN_MINUTES))
        play.agenda.later(after, "means saved", lambda: _save(firm, session, mandate))
    return f"{customer.name} agrees to autopay"


def _save(firm: Firm, session: str, mandate: Mandate) -> str:
    try:
        mandate.means = firm.processor.account.complete_setup(session, method=mandate.method)
    except REFUSALS as error:
        return f"{firm.key}: no means is saved ({error})"
    firm.mandates[mandate.means] = mandate
    return f"{firm.key}: a means is saved for autopay"


def withdraw(play: Play, firm: Firm) -> str:
    """A payer switches autopay off: it counts at once."""
    live = [each for each in firm.mandates.values() if each.ended_at is None]
    if not live:
        raise RefusedError("nobody pays by autopay")
    customer = firm.customer(play.rng.choice(live).customer)
    end_autopay(play.app, organisation_id=play.ids[firm.key], customer_id=_id_of(play, firm, customer), actor=ACTOR)
    for each in live:
        if each.customer == customer.key:
            each.ended_at = play.time.now()
    return f"{customer.name} withdraws from autopay"


def _ceiling(rng: Random, firm: Firm, customer: Customer) -> Decimal:
    """Some of what they owe now is more than that, some is less."""
    theirs = (each.invoice for each in firm.unpaid.values() if firm.customer_of(each) is customer)
    owed = [each.total for each in theirs if each.currency == customer.currency]
    return max(Decimal(1), rng.choice(owed or [Decimal(100)]) - rng.randint(0, 1))


def _id_of(play: Play, firm: Firm, customer: Customer) -> str:
    link = t.link.c
    mine = (link.organisation_id == play.ids[firm.key]) & (link.system == firm.profile.system)
    customers = select(link.local_id).where(mine, link.kind == CUSTOMER_LINK)
    with play.app.store.read() as db:
        return str(db.scalar(customers.where(link.external_id == customer.ledger_id)))
