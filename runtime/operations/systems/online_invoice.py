"""Where an invoice stands online in its ledger's own look: what its customer sees there, and may pay."""

from __future__ import annotations

import logging

from connectors.contract import ShowsInvoicesOnline
from connectors.errors import ConnectorError
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.print_invoice import LATER, at_ledger
from runtime.vault import VaultError

_log = logging.getLogger(__name__)


def online_invoice(app: App, *, organisation_id: str, document_id: str, customer_id: str | None = None) -> str:
    """Return the address at the ledger of an invoice that was sent (to this customer, where one is named).

    RefusedError where there is no such invoice, it has no page there, or the ledger cannot be asked now.
    """
    found = at_ledger(app, organisation_id=organisation_id, document_id=document_id, customer_id=customer_id)
    if not isinstance(found.connector, ShowsInvoicesOnline):
        raise RefusedError(LATER)
    try:
        address = found.connector.online(found.external_id)
    except (ConnectorError, VaultError) as error:
        _log.warning("the page of an invoice of %s cannot be found: %s", found.system, error)
        raise RefusedError(LATER) from error
    if not address.startswith("https://"):
        raise RefusedError("this invoice has no page in the ledger")
    return address
