"""Whom an account or a name pays for, by what it paid before: a customer, a group, or whoever comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

SHARED_BY: Final = 4  # a payer of so many unrelated customers is nobody's: a factor, an agent, a collecting bank
MAIN_SHARE: Final = 0.9  # unless nearly all that it paid was one customer's


def shares_of(times: Mapping[str, int], parents: Mapping[str, str]) -> dict[str, float]:
    """Return for whom a payer paid, with shares of its receipts; `times` counts them, `parents` pay for their children.

    Several customers of one group are their parent, who pays for any of them. A shared payer tells nothing: who it
    paid for says not for whom it pays next.
    """
    groups: Counter[str] = Counter()
    for customer, count in times.items():
        groups[parents.get(customer, customer)] += count
    whole = groups.total()
    if len(groups) == 1 and len(times) > 1:
        return dict.fromkeys(groups, 1.0)
    if len(groups) >= SHARED_BY and max(groups.values()) < MAIN_SHARE * whole:
        return {}
    return {customer: count / whole for customer, count in times.items()}
