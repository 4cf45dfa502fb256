"""A firm with its stand-ins whose pages are served: what payers press there reaches ledger and processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.portal_links import PortalLinks
from tests.operations.copied import synced
from tests.operations.firm import Firm, open_firm
from tests.web.serving import serving


@contextmanager
def served_firm(folder: Path, *, xero_payment_services: bool = False) -> Iterator[tuple[Firm, str]]:
    """A synced firm, and the address at which its pages are; Xero may let our app make payment services."""
    with open_firm(folder, xero_payment_services=xero_payment_services) as firm, serving(synced(firm).app) as address:
        firm.app.settings = firm.app.settings.model_copy(update={"public_url": address})
        yield firm, address


def payers_page(firm: Firm, number: str = "INV-1001") -> str:
    """The path of the page of an invoice's payer."""
    links = PortalLinks(firm.app.settings.encryption_key(), firm.app.clock)
    return f"/p/{links.link(firm.id, firm.document(number).customer_id)}"
