"""Draws the whole sample company from one seed: same seed, same world."""

from __future__ import annotations

import random

from sandbox.world.bank import Teller
from sandbox.world.cases import plan_cases, plan_ordinary_receipts
from sandbox.world.company import PROFILES, Profile, found
from sandbox.world.model import DEMO_START, Organisation
from sandbox.world.takings import Takings
from sandbox.world.trade import Trade


def draw(seed: int) -> dict[str, Organisation]:
    """Return the organisations by key, with everything that happened until DEMO_START."""
    return {profile.key: _organisation(profile, random.Random(f"{seed}:{profile.key}")) for profile in PROFILES}  # noqa: S311 - a sample, no secret


def _organisation(profile: Profile, rng: random.Random) -> Organisation:
    organisation = found(profile, rng)
    Trade(profile, organisation, rng).run()
    teller = Teller(profile, rng)
    takings = Takings(profile, organisation, teller, rng)
    plan_cases(takings)
    plan_ordinary_receipts(takings)
    for number, invoice in enumerate(organisation.by_role("card"), start=1):
        charge = takings.charge(invoice, method="card", state="live", days_ago=0)
        charge.created_at = DEMO_START
        charge.key = f"card:{number}"
    teller.pay_running_costs()
    organisation.statements = teller.statements()
    return organisation
