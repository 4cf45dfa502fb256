"""What every ledger's connector has in common: a client, a reader and a writer for one account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from connectors.intents import Found, Intent, Outcome
from connectors.records import Kind, Page, TaxCode
from receivables.invoiced import Invoiced, Issuer


class Client(Protocol):
    """Holds the connections to the vendor."""

    def close(self) -> None:
        """Let go of connections."""
        ...


class Reader(Protocol):
    """The reading half of `connectors.contract.Connector`."""

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind`, or those changed at or after `since`."""
        ...

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again, now."""
        ...

    def printed(self, external_id: str) -> bytes:
        """Return an invoice as PDF."""
        ...

    def online(self, external_id: str) -> str:
        """Return where the customer sees an invoice."""
        ...

    def tax_codes(self) -> tuple[TaxCode, ...]:
        """Return the codes under which sales can be booked."""
        ...

    def issuer(self) -> Issuer:
        """Return who issues the invoices."""
        ...

    def invoiced(self, external_id: str, issuer: Issuer) -> Invoiced:
        """Return an invoice in full."""
        ...


class Writer(Protocol):
    """The writing half of `connectors.contract.Connector`."""

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents, one outcome each."""
        ...

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Look up which intents took effect whose answer was lost, one answer each."""
        ...


class LedgerConnector:
    """One open account of a ledger (`connectors.contract.Connector`)."""

    def __init__(self, client: Client, reader: Reader, writer: Writer) -> None:
        self._client = client
        self._reader = reader
        self._writer = writer

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind`, or those changed at or after `since`."""
        return self._reader.read(kind, since=since)

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again, now."""
        return self._reader.fetch(kind, external_ids)

    def printed(self, external_id: str) -> bytes:
        """Return an invoice as PDF, as the organisation's customers know it (`connectors.contract.PrintsInvoices`)."""
        return self._reader.printed(external_id)

    def online(self, external_id: str) -> str:
        """Return where the customer sees an invoice (`connectors.contract.ShowsInvoicesOnline`)."""
        return self._reader.online(external_id)

    def tax_codes(self) -> tuple[TaxCode, ...]:
        """Return the codes under which sales can be booked (`connectors.contract.ListsTaxCodes`)."""
        return self._reader.tax_codes()

    def issuer(self) -> Issuer:
        """Return who issues the invoices, and what the taxes on them are (`connectors.contract.StatesInvoices`)."""
        return self._reader.issuer()

    def invoiced(self, external_id: str, issuer: Issuer) -> Invoiced:
        """Return an invoice in full (`connectors.contract.StatesInvoices`)."""
        return self._reader.invoiced(external_id, issuer)

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents, one outcome each."""
        return self._writer.write(intents)

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Look up which intents took effect whose answer was lost, one answer each."""
        return self._writer.find(intents)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
