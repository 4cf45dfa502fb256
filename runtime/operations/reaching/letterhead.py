"""What an organisation's letters bear: the sender's address, the account to pay to, the sheet; and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connectors.channels import registry
from connectors.channels.contract import CarrierDeclaration
from receivables.address import AddressError, PostalAddress
from reminders.evidence import Channel
from reminders.letter import Form
from reminders.payment_code import AccountError, BankAccount, bank_account
from runtime.operations.errors import InputError
from runtime.operations.reaching.contact_book import contact_point
from runtime.store import tables as t

ADDRESS = ("name", "extra", "street", "post_code", "city", "region", "country")
DETAILS = (*ADDRESS, "iban", "bic")
_INCHES = frozenset({"US", "CA"})  # countries that write on paper of 8.5 × 11 inches


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The sender of letters, and by which carrier they go."""

    sender: PostalAddress
    account: BankAccount | None
    carrier: CarrierDeclaration

    @property
    def form(self) -> Form:
        """The sheet that the carrier takes, else that of the sender's country."""
        inches = self.carrier.prints_addresses or self.sender.country in _INCHES
        return Form.US_10 if inches else Form.DIN_5008


def letterhead(db: Connection, organisation_id: str) -> Letterhead:
    """Return the letterhead; LookupError where letters were never switched on."""
    switch = t.channel_switch.c
    mine = (switch.organisation_id == organisation_id) & (switch.channel == Channel.LETTER.value)
    row = db.execute(select(t.channel_switch).where(mine)).first()
    if row is None:
        raise LookupError(f"{organisation_id} has no letterhead")
    return read_letterhead(row.details, registry.carrier(row.carrier))


def read_letterhead(details: Mapping[str, str], carrier: CarrierDeclaration) -> Letterhead:
    """Read what was said for letters; InputError where an address or account cannot be."""
    plain = {name: details.get(name, "").strip() for name in DETAILS}
    try:
        sender = PostalAddress(**{name: plain[name] for name in ADDRESS} | {"country": plain["country"].upper()})
        account = bank_account(holder=sender.name, iban=plain["iban"], bic=plain["bic"]) if plain["iban"] else None
    except (AddressError, AccountError) as error:
        raise InputError(f"letters need to say who sends them: {error}") from None
    return Letterhead(sender, account, carrier)


def postal_address(db: Connection, organisation_id: str, customer_id: str) -> PostalAddress:
    """Return where letters to a customer go; LookupError where nobody says."""
    point = contact_point(db, organisation_id, customer_id, Channel.LETTER)
    if point is None or point.postal is None:
        raise LookupError(f"{customer_id} has no address for letters")
    return point.postal
