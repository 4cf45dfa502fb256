"""QuickBooks Online: customers, invoices, credit memos and money received, through the SDK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.contract import Access, Declaration, OAuthShape, Role
from connectors.intents import Done, EditCustomer, EditDocument, Intent, Outcome, PostPayout, PostReceipt, UndoPosting
from connectors.ledgers.quickbooks.client import QuickBooksClient
from connectors.ledgers.quickbooks.hooks import accounts, notices, verify
from connectors.ledgers.quickbooks.read import FETCH_BATCH, QuickBooksReader
from connectors.ledgers.quickbooks.write import QuickBooksWriter
from connectors.limits import Limit
from connectors.records import Kind, Page


class QuickBooksConnector:
    """One company of QuickBooks Online."""

    def __init__(self, access: Access) -> None:
        self._client = QuickBooksClient(access)
        self._reader = QuickBooksReader(self._client, access.clock)
        self._writer = QuickBooksWriter(self._client, self._reader)

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
    system="quickbooks",
    title="QuickBooks",
    role=Role.LEDGER,
    reads=(Kind.ACCOUNT, Kind.CUSTOMER, Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PAYMENT, Kind.CODED_RECEIPT),
    writes=(PostReceipt, UndoPosting, PostPayout, EditDocument, EditCustomer),
    # Published for each company: 500 calls a minute, and 10 a second for each app; one of these is left to `accounts`.
    limits=(Limit(499, 60.0, reserve=50), Limit(9, 1.0, reserve=2)),
    oauth=OAuthShape(
        authorize_path="/connect/oauth2",
        token_path="/oauth2/v1/tokens/bearer",  # noqa: S106 - a path
        revoke_path="/v2/oauth2/tokens/revoke",
        scopes=("com.intuit.quickbooks.accounting", "openid"),
    ),
    open=QuickBooksConnector,
    accounts=accounts,
    verify=verify,
    notices=notices,
    fetch_batch=FETCH_BATCH,
)
