"""Late charges in the lives: some firms charge for late payment; the accountant approves, waives, or takes her time.

What she is shown when she decides is judged by the firm's books, as far as the product had read them by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import select

from reminders.charges import Ask
from reminders.policy_book import PolicyBook
from reminders.policy_file import write_policies
from runtime.operations.charges.decide import Shown, approve_charge, waive_charge
from runtime.operations.charges.propose import Proposed
from runtime.operations.charges.terms import set_terms, switch_charges
from runtime.operations.errors import RefusedError
from runtime.operations.reminding.policies import current, set_policies
from runtime.operations.systems.treatments import LATE_CHARGE, set_treatment
from runtime.operations.views.charges import charges_view
from runtime.simulation.stage import Play, source
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Debt, Fact, Firm, Lateness, Source, Verdict
from sandbox.life.lateness import wrong_to_charge

ACCOUNTANT = "accountant"
CHARGED = "charge for lateness"  # what may happen more or less often than usual, by this name
PER_CENT, FEE, DUE_DAYS = Decimal(18), Decimal("25.00"), 14
_CHARGED, _ALSO_PAID, _DECIDES, _APPROVES, _IS_LATE = 0.3, 0.7, 0.08, 0.7, 0.3
_PRESSES_AFTER_HOURS = (2.0, 40.0)


def charge_late_payment(play: Play) -> None:
    """Let some firms charge for late payment, from soon on: most of them also what was paid late."""
    rng = source(play.seed, "charges")
    for key in play.life.firms:
        if rng.random() < _CHARGED * play.often.get(CHARGED, 1.0):
            own = play.life.firms[key].profile.currency
            terms = Lateness(PER_CENT, FEE, own, is_charged_paid=rng.random() < _ALSO_PAID)
            play.agenda.later(timedelta(minutes=4), CHARGED, partial(_charge, play, key, terms))


def _charge(play: Play, key: str, terms: Lateness) -> str:
    organisation_id, account = play.ids[key], t.account.c
    income = select(account.handle).where(account.organisation_id == organisation_id, account.purpose == "income")
    with play.app.store.read() as db:
        booked_to = str(db.scalar(income.order_by(account.id)))
        book = current(db, organisation_id).book
    whose = {"organisation_id": organisation_id, "actor": ACCOUNTANT}
    play.life.firms[key].lateness = terms
    set_treatment(play.app, **whose, kind=LATE_CHARGE, account=booked_to)
    set_terms(play.app, **whose, contract_rate=str(terms.per_cent), contract_fee=str(terms.fee), due_days=DUE_DAYS)
    if terms.is_charged_paid:
        policies = [replace(each, policy=replace(each.policy, charges_paid_late=True)) for each in book.choices]
        set_policies(play.app, **whose, text=write_policies(PolicyBook(tuple(policies))), source="simulation")
    switch_charges(play.app, **whose, on=True)
    return f"{key}: late payment is charged for{', also once paid' if terms.is_charged_paid else ''}"


def decide_charges(play: Play, key: str) -> None:
    """The accountant looks at the page, and approves or waives some of what waits: at once, or hours later."""
    if play.life.firms[key].lateness is None:
        return
    with play.app.store.read() as db:
        organisation = connections.organisation(db, play.ids[key])
        waiting = charges_view(db, organisation, now=play.clock()).waiting if organisation else ()
    decides = _DECIDES * play.often.get(CHARGED, 1.0)
    for each in waiting:
        if each.ask is None or play.rng.random() >= decides:
            continue
        press = partial(_press, play, key, each, each.ask, is_charged=play.rng.random() < _APPROVES)
        if play.rng.random() < _IS_LATE:
            after = timedelta(hours=play.rng.uniform(*_PRESSES_AFTER_HOURS))
            play.agenda.later(after, "charge decided", press)
        else:
            press()


def _press(play: Play, key: str, seen: Proposed, ask: Ask, *, is_charged: bool) -> str:
    """What she says counts unless it is refused; where the product dies before it answers, nobody is sure."""
    firm, which = play.life.firms[key], {"organisation_id": play.ids[key], "document_id": seen.item_id}
    act, said = approve_charge if is_charged else waive_charge, _verdict(seen, ask, is_charged=is_charged)
    try:
        act(play.app, **which, shown=Shown(ask.until, ask.interest, ask.fixed), actor=ACCOUNTANT)
    except RefusedError as error:
        return f"{key}: {seen.number} is not decided: {error}"
    except BaseException:
        firm.verdicts.append(replace(said, is_sure=False))  # it may count, or have been refused unheard
        raise
    _judge(play, firm, said)
    firm.verdicts.append(said)
    return f"{key}: {said.amount} for {said.number} through {said.until} {'charged' if is_charged else 'waived'}"


def _verdict(seen: Proposed, ask: Ask, *, is_charged: bool) -> Verdict:
    return Verdict(seen.number, ask.until, ask.total.decimal, is_charged)


def _judge(play: Play, firm: Firm, said: Verdict) -> None:
    at, debt = play.time.now(), firm.debts[said.number]
    why = wrong_to_charge(firm, debt, said, on=at.date(), known=_known(play, firm, debt, at))
    if why is not None:
        firm.charged_wrongly.append(f"{firm.key} {said.number}: {said.amount} shown to be charged, {why}")


def _known(play: Play, firm: Firm, debt: Debt, at: datetime) -> Callable[[Fact], bool]:
    """What the product has read by now; what the ledger showed before is read when a charge is approved."""
    knowledge = play.judge.knowledge

    def known(fact: Fact) -> bool:
        if fact.source is Source.LEDGER and knowledge.must_know(firm, fact, at):
            return True
        read_at = knowledge.last_read(firm, fact.source, debt.invoice.ledger_id)
        return fact.shown_at is not None and read_at is not None and fact.shown_at < read_at

    return known
