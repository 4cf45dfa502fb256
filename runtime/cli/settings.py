"""`truedue settings`: what the settings page does, for an installation without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from runtime.app import App
from runtime.cli.opened import chosen_organisation, opened_app
from runtime.cli.printed import AS_JSON
from runtime.operations.autopay.agree import switch_autopay
from runtime.operations.bank_files.bank_proof import prove_by_name, prove_by_statements
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER, switch_sending
from runtime.operations.payers.pay_by_card import switch_card_payments
from runtime.operations.payers.pay_by_transfer import switch_transfers
from runtime.operations.reaching.shared_limit import switch_shared_limit
from runtime.operations.reminding.thank import switch_thanks
from runtime.operations.systems.other_reminders import OtherReminders, say_what_else_reminds
from runtime.operations.systems.tell_history import switch_ledger_history
from runtime.operations.systems.treatments import set_treatment
from runtime.operations.views.setup import BankProof, Setup, setup
from runtime.store.connections import Organisation


@click.command()
@click.option("--org", "organisation_id", help="The organisation's id, where there are several.")
@click.option("--sending", type=click.Choice(("on", "off")), help="Switch reminders on or off.")
@click.option("--thanks", type=click.Choice(("on", "off")), help="Thank for payments of what was reminded, or not.")
@click.option("--card-payments", type=click.Choice(("on", "off")), help="Offer payers to pay by card, or no more.")
@click.option(
    "--transfers", type=click.Choice(("on", "off")), help="Offer payers bank transfer beside the card, or no more."
)
@click.option(
    "--autopay", type=click.Choice(("on", "off")), help="Offer payers autopay, or no more; off takes nothing."
)
@click.option(
    "--ledger-history",
    type=click.Choice(("on", "off")),
    help="Tell the ledger's history of each invoice what happens to it, or nothing more.",
)
@click.option(
    "--shared-limit",
    type=click.Choice(("on", "off")),
    help="Count contacts together with the owner's other organisations that share it, or by itself.",
)
@click.option(
    "--others-remind",
    type=click.Choice(("yes", "no")),
    help="Say whether the ledger or Stripe sends reminders of its own to the same customers.",
)
@click.option("--bank", "handle", help="A bank account of the ledger, by its handle as printed here.")
@click.option("--statements", "identification", help="Statement files of this account number or IBAN prove --bank.")
@click.option("--attested-by", help="This person attests that the ledger is complete for --bank.")
@click.option(
    "--treatment",
    "named",
    multiple=True,
    metavar="KIND=ACCOUNT[:TAXCODE]",
    help="Book this kind of difference to an account of the ledger; nothing after = forgets it.",
)
@AS_JSON
def settings(
    *,
    organisation_id: str | None,
    sending: str | None,
    thanks: str | None,
    card_payments: str | None,
    transfers: str | None,
    autopay: str | None,
    ledger_history: str | None,
    shared_limit: str | None,
    others_remind: str | None,
    handle: str | None,
    identification: str | None,
    attested_by: str | None,
    named: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change the settings of an organisation, if asked to, and print them."""
    proofs = sum(each is not None for each in (identification, attested_by))
    if proofs != (0 if handle is None else 1):
        raise InputError("--bank HANDLE goes with exactly one of --statements and --attested-by")
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        if handle is not None and identification is not None:
            prove_by_statements(
                app, organisation_id=chosen.id, handle=handle, identification=identification, actor=OWNER
            )
        if handle is not None and attested_by is not None:
            prove_by_name(app, organisation_id=chosen.id, handle=handle, attested_by=attested_by, actor=OWNER)
        for each in named:
            _treat(app, chosen.id, each)
        switches: tuple[tuple[str | None, Callable[..., None]], ...] = (
            (card_payments, switch_card_payments),
            (transfers, switch_transfers),
            (autopay, switch_autopay),
            (ledger_history, switch_ledger_history),
            (shared_limit, switch_shared_limit),
            (sending, switch_sending),
            (thanks, switch_thanks),
        )
        for said, switch in switches:
            if said is not None:
                switch(app, organisation_id=chosen.id, on=said == "on", actor=OWNER)
        if others_remind is not None:
            says = others_remind == "yes"
            say_what_else_reminds(app, organisation_id=chosen.id, others_remind=says, actor=OWNER)
        _show(app, chosen.id, as_json=as_json)


def _treat(app: App, organisation_id: str, named: str) -> None:
    kind, equals, where = named.partition("=")
    if not equals:
        raise InputError(f"{named!r} is not KIND=ACCOUNT or KIND=ACCOUNT:TAXCODE")
    account, _, tax_code = where.partition(":")
    set_treatment(app, organisation_id=organisation_id, kind=kind, account=account, tax_code=tax_code, actor=OWNER)


def _show(app: App, organisation_id: str, *, as_json: bool) -> None:
    organisation = chosen_organisation(app.store, organisation_id)
    with app.store.read() as db:
        found = setup(db, app, organisation)
    if as_json:
        click.echo(json.dumps(_facts(organisation, found)))
        return
    click.echo(f"{organisation.name} ({organisation.id})")
    click.echo(f"sending      {'on' if found.sending_on else 'off'}")
    click.echo(f"thanks       {'on' if organisation.thanks_since else 'off'}")
    click.echo(f"cards        {'on' if found.card_payments_on else 'off'}")
    click.echo(f"transfers    {'on' if organisation.transfers_on else 'off'}")
    click.echo(f"autopay      {'on' if organisation.autopay_on else 'off'}")
    click.echo(f"history      {'on' if organisation.history_from else 'off'}")
    click.echo(f"limit        {'shared' if organisation.limit_key else 'by itself'}")
    click.echo(f"others       {_others(found.other_reminders)}")
    click.echo(f"mail server  {'missing: ' + ', '.join(found.missing_mail) if found.missing_mail else 'set up'}")
    for bank in found.banks:
        click.echo(f"bank         {bank.handle} ({bank.name}): {_spoken(bank)}")
    for each in found.treatments:
        if each.account is not None:
            click.echo(f"treatment    {each.kind}: {each.account} {each.tax_code}".rstrip())
    click.echo(f"nothing is sent: {'; '.join(found.obstacles)}" if found.obstacles else "nothing prevents sending")


def _others(found: OtherReminders) -> str:
    if found.reminding:
        return f"{' and '.join(found.reminding)} reminds too: customers hear twice"
    return "do not remind" if found.all_tell or found.said is False else "not said whether they remind"


def _facts(organisation: Organisation, found: Setup) -> dict[str, object]:
    return {
        "organisation": organisation.id,
        "name": organisation.name,
        "sending": found.sending_on,
        "thanks": organisation.thanks_since is not None,
        "card_payments": found.card_payments_on,
        "transfers": organisation.transfers_on,
        "autopay": organisation.autopay_on,
        "ledger_history": organisation.history_from is not None,
        "shared_limit": organisation.limit_key is not None,
        "others_remind": organisation.others_remind,
        "systems_remind": dict(found.other_reminders.told),
        "missing_mail_settings": list(found.missing_mail),
        "banks": [
            {
                "handle": bank.handle,
                "name": bank.name,
                "currency": bank.currency,
                "declares": bank.declares,
                "identification": bank.identification,
                "evidence_until": bank.evidence_until.isoformat() if bank.evidence_until else None,
                "attested_by": bank.attested_by,
            }
            for bank in found.banks
        ],
        "treatments": {
            each.kind: {"account": each.account, "tax_code": each.tax_code}
            for each in found.treatments
            if each.account is not None
        },
        "prevents_sending": list(found.obstacles),
    }


def _spoken(bank: BankProof) -> str:
    if bank.declares is None:
        return "nothing declared"
    if bank.attested_by is not None:
        return f"attested by {bank.attested_by}"
    until = f"until {bank.evidence_until.isoformat()}" if bank.evidence_until else "none imported yet"
    return f"statement files of {bank.identification}, {until}"
