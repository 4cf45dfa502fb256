"""Early-payment discounts in the lives: a firm's policy gives one, payers look and take it, the accountant decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import select

from reminders.early_discount import EarlyDiscount
from reminders.policy import DEFAULT_POLICY
from reminders.policy_book import EVERYONE, Choice, PolicyBook
from reminders.policy_file import write_policies
from runtime.operations.discounts.decide import grant_discount, refuse_discount
from runtime.operations.discounts.offers import offer_on_page
from runtime.operations.errors import RefusedError
from runtime.operations.reminding.policies import set_policies
from runtime.operations.systems.treatments import set_treatment
from runtime.operations.views.discounts import Discount as Shown
from runtime.operations.views.discounts import discounts_view
from runtime.simulation.stage import Play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Debt, Discount, Fact, Firm, Offer, Source
from sandbox.life.discounts import TAKEN, offer_on, take_by_bank, told

ACCOUNTANT = "accountant"
TERMS = Discount(days=5, per_cent=Decimal(2))
GIVEN = "discount given"  # what may happen more or less often than usual, by this name
_GIVEN, _DECIDES, _GRANTS = 0.4, 0.08, 0.8


def give_discounts(play: Play) -> None:
    """Let the policies of some firms give a discount, from soon on."""
    for key in play.life.firms:
        if play.rng.random() < _GIVEN * play.often.get(GIVEN, 1.0):
            play.agenda.later(timedelta(minutes=2), GIVEN, partial(_give, play, key))


def _give(play: Play, key: str) -> str:
    terms = EarlyDiscount(days=TERMS.days, basis_points=int(TERMS.per_cent * 100))
    book = PolicyBook((Choice(EVERYONE, replace(DEFAULT_POLICY, early_discount=terms)),))
    organisation_id = play.ids[key]
    account = t.account.c
    fees = select(account.handle).where(account.organisation_id == organisation_id, account.purpose == "fees")
    with play.app.store.read() as db:
        booked_to = str(db.scalar(fees))
    set_treatment(play.app, organisation_id=organisation_id, kind="discount", account=booked_to, actor=ACCOUNTANT)
    play.life.firms[key].discount = TERMS
    set_policies(
        play.app, organisation_id=organisation_id, text=write_policies(book), source="simulation", actor=ACCOUNTANT
    )
    return f"{key}: {TERMS.per_cent} % are given within {TERMS.days} days"


def take_discount(play: Play, firm: Firm, debt: Debt, document_id: str) -> str:
    """A payer sees on their page what they may pay less, and pays so by bank. RefusedError where they see nothing."""
    found = offer_on_page(play.app, play.ids[firm.key], [document_id]).get(document_id)
    offer = told(firm, debt) if found is not None else None
    if offer is None:
        raise RefusedError("no discount is offered")
    return take_by_bank(play.life.hands, firm, debt, offer)


def decide_discounts(play: Play, key: str) -> None:
    """The accountant grants some of the discounts that were taken in time, and refuses the others."""
    firm, organisation_id = play.life.firms[key], play.ids[key]
    if firm.discount is None:
        return
    with play.app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        waiting = discounts_view(db, organisation, now=play.clock()).waiting if organisation else ()
    for shown in waiting:
        offer = firm.offers.get(shown.number)
        if (offer is not None and offer.is_granted) or play.rng.random() < _DECIDES:
            _decide(play, firm, shown, offer)


def _decide(play: Play, firm: Firm, shown: Shown, offer: Offer | None) -> None:
    """What she says counts unless it is refused, also where the product dies before it answers: she says it again."""
    was_granted = offer is not None and offer.is_granted
    is_right = offer is not None and offer.amount == shown.amount.decimal and offer.is_in_time
    grants = was_granted or (is_right and play.rng.random() < _GRANTS)
    act, is_refused = grant_discount if grants else refuse_discount, False
    try:
        act(
            play.app,
            organisation_id=play.ids[firm.key],
            document_id=shown.document_id,
            amount=shown.amount,
            actor=ACCOUNTANT,
        )
    except RefusedError:
        is_refused = True  # something else is open there, or the ledger cannot be read: another time
    finally:
        if not (is_refused or was_granted):
            _note(play, firm, firm.debts[shown.number], offer if grants else None)


def _note(play: Play, firm: Firm, debt: Debt, granted: Offer | None) -> None:
    at, paid = play.time.now(), Decimal(0)
    if granted is not None:
        granted.is_granted, paid = True, granted.amount
    firm.happened(debt, Fact(Source.DESK, at, at, paid=paid, frees=TAKEN))


def is_as_the_terms_say(firm: Firm, debt: Debt, amount: Decimal) -> bool:
    """Whether this is the discount that the firm gives on an invoice."""
    offer = firm.offers.get(debt.number) or offer_on(firm, debt)
    return offer is not None and offer.amount == amount
