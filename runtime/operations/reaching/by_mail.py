"""How customers are written to by e-mail: at which address, and in which time zone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from reminders.evidence import Channel, ContactEvidence, LawfulBasis
from reminders.places import country_code, time_zone_of
from runtime.operations.reaching.bad_addresses import Bad, bad_addresses, normal
from runtime.operations.reaching.opt_outs import OptOuts, is_stopped, opt_outs
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import rows_of

_NOT_READ: Mapping[str, Any] = {"name": "", "email": None, "parent_id": None, "country": None}


@dataclass(frozen=True)
class Mailing:
    """How customers are written to by e-mail; the parents that pay for them are among the customers."""

    organisation: Organisation
    customers: Mapping[str, Mapping[str, Any]]
    opt_outs: OptOuts
    bad_addresses: Bad
    known: dict[str, ContactEvidence] = field(default_factory=dict)

    def contact(self, customer_id: str) -> ContactEvidence:
        """Return how one of them is written to; what was sent to them lately is not counted."""
        if customer_id not in self.known:  # it is asked for each invoice
            self.known[customer_id] = self._contact(customer_id)
        return self.known[customer_id]

    def _contact(self, customer_id: str) -> ContactEvidence:
        # A document can be read before its customer is: until then nobody can be written to.
        customer = self.customers.get(customer_id, _NOT_READ)
        parent = self.customers.get(customer["parent_id"] or "")
        # A branch without an address at which mail arrives is reached through the parent that pays for it.
        addresses = [each["email"] for each in (customer, parent) if each is not None and each["email"]]
        working = [each for each in addresses if (Channel.EMAIL, normal(each)) not in self.bad_addresses]
        address = next(iter([*working, *addresses]), None)
        is_parents = parent is not None and address is not None and normal(address) == normal(parent["email"] or "")
        readers = [customer_id, *([parent["id"]] if parent is not None and is_parents else [])]
        country, time_zone = place_of(self.organisation, customer["country"])
        return ContactEvidence(
            recipient_id=customer_id,
            recipient_name=customer["name"],
            channel=Channel.EMAIL,
            address=address,
            lawful_basis=LawfulBasis.CONTRACT,
            time_zone=time_zone,
            country=country,
            opted_out=any(is_stopped(self.opt_outs, each, Channel.EMAIL) for each in readers),
            bounced=address is not None and not working,
        )


def read_mailing(db: Connection, organisation: Organisation, customer_ids: Collection[str]) -> Mailing:
    """Return how these customers are written to."""
    customers = _customers(db, organisation.id, customer_ids)
    return Mailing(
        organisation=organisation,
        customers=customers,
        opt_outs=opt_outs(db, organisation.id, list(customers)),
        bad_addresses=bad_addresses(db, organisation.id),
    )


def place_of(organisation: Organisation, country: str | None) -> tuple[str, str]:
    """Return the country of a customer, from what the ledger says of it, and its time zone.

    A country of several times is taken to keep the organisation's own.
    """
    code = country_code(country) or organisation.country
    return code, time_zone_of(code) or organisation.time_zone


def _customers(db: Connection, organisation_id: str, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The customers with the parents that pay for them."""
    found = {row["id"]: row for row in rows_of(db, organisation_id, t.customer, ids)}
    parents = {row["parent_id"] for row in found.values() if row["parent_id"]} - found.keys()
    return {**found, **{row["id"]: row for row in rows_of(db, organisation_id, t.customer, parents)}}
