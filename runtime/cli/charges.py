"""`truedue charges`: what late invoices have come to, for a person to decide about. Nothing is posted or sent."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from decimal import Decimal

import click

from receivables.money import Money
from reminders.late_payment import LatePaymentError, Rate, Regime, contracted
from runtime.cli.opened import aware, chosen_organisation, opened_store
from runtime.clock import system_clock
from runtime.operations.charges import Proposed, propose_charges
from runtime.operations.errors import InputError
from runtime.store.connections import Organisation

_PER_CENT = re.compile(r"-?\d{1,3}(\.\d{1,2})?")
_MONTHS = 12


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
    """Propose interest and fixed sums for truly due invoices of businesses. A person decides; nothing is posted."""
    given = [_rate(text) for text in rates]
    now = system_clock() if as_of is None else aware(as_of)
    with opened_store() as store:
        organisation = chosen_organisation(store, organisation_id)
        contract = None if contract_rate is None else _contract(contract_rate, contract_fee, organisation)
        with store.read() as db:
            found = propose_charges(db, organisation, now=now, rates=given, contract=contract, businesses=businesses)
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
    return Rate(since, _basis_points(per_cent, "--rate"))


def _basis_points(text: str, option: str) -> int:
    if not _PER_CENT.fullmatch(text):
        raise InputError(f"{option} {text}: not a number of per cent with at most two decimals")
    return int(Decimal(text) * 100)


def _contract(rate: str, fee: str, organisation: Organisation) -> Regime:
    currency = organisation.base_currency
    try:
        fixed = Money.parse(fee, currency).minor
        return contracted(basis_points=_basis_points(rate, "--contract-rate"), currency=currency, fixed_minor=fixed)
    except LatePaymentError as error:
        raise InputError(str(error)) from None


def _facts(organisation: Organisation, each: Proposed, now: datetime) -> dict[str, object]:
    charge = each.charge
    return {
        "organisation": organisation.id,
        "as_of": now.isoformat(),
        "item_id": each.item_id,
        "number": each.number,
        "customer_id": each.customer_id,
        "customer_name": each.customer_name,
        "open": each.open_amount.text(),
        "currency": each.open_amount.currency,
        "days_overdue": each.days_overdue,
        "interest": charge.interest.text() if charge else None,
        "fixed": charge.fixed.text() if charge else None,
        "source": charge.regime.source if charge else None,
        "spans": [
            {
                "since": span.since.isoformat(),
                "days": span.days,
                "owed": span.owed.text(),
                "basis_points": span.basis_points,
            }
            for span in (charge.spans if charge else ())
        ],
        "why_not": each.why_not or None,
    }


def _spoken(each: Proposed) -> str:
    what = f"{each.number}  {each.customer_name}: {each.open_amount} open, {each.days_overdue} days late"
    if each.charge is None:
        return f"{what}; no charge: {each.why_not}"
    return f"{what}; interest {each.charge.interest}, fixed sum {each.charge.fixed} ({each.charge.regime.name})"
