"""Xero: contacts, sales invoices, credit notes and money received, through the official SDK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.contract import Access, Declaration, OAuthShape, Role
from connectors.intents import Done, EditCustomer, EditDocument, Intent, Outcome, PostPayout, PostReceipt, UndoPosting
from connectors.ledgers.xero.client import XeroClient
from connectors.ledgers.xero.hooks import accounts, notices, verify
from connectors.ledgers.xero.read import FETCH_BATCH, XeroReader
from connectors.ledgers.xero.write import XeroWriter
from connectors.limits import Limit
from connectors.records import Kind, Page


class XeroConnector:
    """One tenant of Xero."""

    def __init__(self, access: Access) -> None:
        self._client = XeroClient(access)
        self._reader = XeroReader(self._client)
        self._writer = XeroWriter(self._client, self._reader, access.clock)

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind`, or those changed at or after `since`."""
        return self._reader.read(kind, since=since)

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again, now."""
        return self._reader.fetch(kind, external_ids)

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents, one outcome each."""
        return self._writer.write(intents)

    def find(self, intent: Intent) -> Done | None:
        """Look up whether an intent whose answer was lost took effect."""
        return self._writer.find(intent)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()


DECLARATION = Declaration(
    system="xero",
    title="Xero",
    role=Role.LEDGER,
    reads=(Kind.ACCOUNT, Kind.CUSTOMER, Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PAYMENT, Kind.CODED_RECEIPT),
    writes=(PostReceipt, UndoPosting, PostPayout, EditDocument, EditCustomer),
    # Published for each tenant: 60 calls a minute and 5,000 a day.
    limits=(Limit(60, 60.0, reserve=10), Limit(5000, 86_400.0, reserve=500)),
    oauth=OAuthShape(
        authorize_path="/identity/connect/authorize",
        token_path="/connect/token",  # noqa: S106 - a path
        revoke_path="/connect/revocation",
        scopes=(
            "offline_access",
            "accounting.invoices",
            "accounting.payments",
            "accounting.banktransactions",
            "accounting.contacts",
            "accounting.settings",
        ),
    ),
    open=XeroConnector,
    accounts=accounts,
    verify=verify,
    notices=notices,
    fetch_batch=FETCH_BATCH,
    concurrent=5,
)
