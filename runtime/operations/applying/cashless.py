"""The receipt of no cash that keeps a person's decision to close an invoice's rest: given up, or a discount."""

from __future__ import annotations

from receivables.identity import stable_id

CASHLESS = "write_off"  # the source of such a receipt


def cashless_id(organisation_id: str, document_id: str) -> str:
    """Return its id: the same one each time such a decision is made about an invoice."""
    return stable_id("rcp", organisation_id, CASHLESS, document_id)
