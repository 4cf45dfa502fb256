"""Who buys and pays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Customer:
    """Someone an organisation sells to on credit. `parent_id` names the customer that pays for this one."""

    customer_id: str
    name: str
    email: str | None = None
    parent_id: str | None = None
    country: str | None = None
    time_zone: str | None = None
    language: str | None = None
    do_not_contact: bool = False
