"""`truedue charges`: what late invoices have come to, for a person to decide about. Nothing is posted or sent."""

from __future__ import annotations

import json
from datetime import date, datetime

import click

from receivables.money import Money, MoneyError
from reminders.late_payment import Rate, Regime
from runtime.cli.opened import aware, chosen_organisation, opened_store
from runtime.clock import system_clock
from runtime.operations.charges.propose import Proposed, propose_charges
from runtime.operations.charges.terms import basis_points, contract_of
from runtime.operations.errors import InputError
from runtime.store.connections import Organisation


@click.command()
@click.option("--org", "organisation_id", help="The organisation's id, where there are several.")
@click.option("--as-of", "as_of", help="Work it out for this time (ISO 8601 with zone); the default is now.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="DAY=PERCENT",
    help="A reference rate and its first day, 2026-01-01=3.75: each half-year that is charged for needs its own.",
)
@click.option("--contract-rate", help="The contract's own rate instead of the law's: 18, per cent a year.")
@click.option("--contract-fee", default="0", show_default=True, help="The contract's flat fee an invoice.")
@click.option("--business", "businesses", multiple=True, metavar="CUSTOMER_ID", help="This customer is a business.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one an invoice.")
def charges(
    *,
    organisation_id: str | None,
    as_of: str | None,
    rates: tuple[str, ...],
    contract_rate: str | None,
    contract_fee: str,
    businesses: tuple[str, ...],
    as_json: bool,
) -> None:
    """Propose interest and fixed sums for truly due invoices of businesses, and those paid late where a policy says so.

    A person decides; nothing is posted.
    """
    given = [_rate(text) for text in rates]
    now = system_clock() if as_of is None else aware(as_of)
    with opened_store() as store:
        organisation = chosen_organisation(store, organisation_id)
        contract = None if contract_rate is None else _contract(contract_rate, contract_fee, organisation)
        with store.read() as db:
            found = propose_charges(db, organisation, now=now, rates=given, contract=contract, businesses=businesses)
    for each in found:
        if each.is_unknown:
            raise InputError(f"invoice {each.number}: {each.why_not}")
    for each in found:
        click.echo(json.dumps(_facts(organisation, each, now)) if as_json else _spoken(each))


def _rate(text: str) -> Rate:
    day, equals, per_cent = text.partition("=")
    try:
        since = date.fromisoformat(day)
    except ValueError:
        raise InputError(f"--rate {text}: not DAY=PERCENT such as 2026-01-01=3.75") from None
    if not equals:
        raise InputError(f"--rate {text}: not DAY=PERCENT such as 2026-01-01=3.75")
    return Rate(since, basis_points(per_cent, "--rate"))


def _contract(rate: str, fee: str, organisation: Organisation) -> Regime:
    try:
        fixed = Money.parse(fee, organisation.base_currency).minor
    except MoneyError as error:
        raise InputError(str(error)) from None
    return contract_of(basis_points(rate, "--contract-rate"), fixed, organisation)


def _facts(organisation: Organisation, each: Proposed, now: datetime) -> dict[str, object]:
    ask = each.ask
    return {
        "organisation": organisation.id,
        "as_of": now.isoformat(),
        "item_id": each.item_id,
        "number": each.number,
        "customer_id": each.customer_id,
        "customer_name": each.customer_name,
        "open": each.open_amount.text(),
        "currency": each.open_amount.currency,
        "days_late": each.days_late,
        "paid_on": each.paid_on.isoformat() if each.paid_on else None,
        "interest": ask.interest.text() if ask else None,
        "fixed": ask.fixed.text() if ask else None,
        "source": ask.whole.regime.source if ask else None,
        "spans": [
            {
                "since": span.since.isoformat(),
                "days": span.days,
                "owed": span.owed.text(),
                "basis_points": span.basis_points,
            }
            for span in (ask.whole.spans if ask else ())
        ],
        "why_not": each.why_not or None,
    }


def _spoken(each: Proposed) -> str:
    state = f"paid on {each.paid_on}" if each.paid_on else f"{each.open_amount} open"
    what = f"{each.number}  {each.customer_name}: {state}, {each.days_late} days late"
    if each.ask is None:
        return f"{what}; no charge: {each.why_not}"
    return f"{what}; interest {each.ask.interest}, fixed sum {each.ask.fixed} ({each.ask.whole.regime.name})"
