"""Credits set against invoices. An allocation is known by its path in Xero: it has no id that could be looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.errors import Absent, Retry
from connectors.intents import Done
from connectors.ledgers.xero import read
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.convert import day
from connectors.records import PaymentLine
from receivables.identity import stable_id


@dataclass(frozen=True, slots=True)
class CreditKind:
    """A kind of credit: where it is listed, and the SDK's operations that allocate it and take that back."""

    source: read.Source
    allocate: str
    delete: str

    def path(self, credit_id: str, allocation_id: str) -> str:
        """The path of an allocation, which serves as its external id."""
        return f"{self.source.items}/{credit_id}/Allocations/{allocation_id}"

    def paths(self, credit: Mapping[str, Any]) -> list[str]:
        """The paths of all allocations of a credit."""
        credit_id = str(credit[self.source.identity])
        return [self.path(credit_id, str(part["AllocationID"])) for part in credit.get("Allocations") or []]


CREDIT_NOTE = CreditKind(read.CREDIT_NOTES, "create_credit_note_allocation", "delete_credit_note_allocations")
CREDIT_KINDS = (
    CREDIT_NOTE,
    CreditKind(read.OVERPAYMENTS, "create_overpayment_allocations", "delete_overpayment_allocations"),
    CreditKind(read.PREPAYMENTS, "create_prepayment_allocations", "delete_prepayment_allocations"),
)


class Allocations:
    """Allocations of one tenant."""

    def __init__(self, client: XeroClient, reader: read.XeroReader) -> None:
        self._client = client
        self._reader = reader

    def make(
        self,
        credit_id: str,
        lines: Sequence[PaymentLine],
        *,
        on: date,
        key: str,
        kinds: Sequence[CreditKind] = CREDIT_KINDS,
    ) -> Done:
        """Set a credit against invoices, all lines or none. Its id does not tell of which of `kinds` it is."""
        body: Json = {
            "Allocations": [
                {"Invoice": {"InvoiceID": line.document_external_id}, "Amount": line.amount, "Date": on}
                for line in lines
            ]
        }
        for kind in kinds:
            operation = getattr(self._client.api, kind.allocate)
            try:
                answer = self._client.put(operation, credit_id, body, key=stable_id("td", key, kind.source.items))
            except Absent:
                continue
            ids = [part.get("AllocationID") for part in answer.get("Allocations") or []]
            if len(ids) == len(lines) and all(ids):
                return Done(tuple(kind.path(credit_id, str(each)) for each in ids))
            found = self.find(credit_id, lines, on=on, kinds=(kind,))
            if found is None:
                raise Retry("Xero's answer to an allocation cannot be read", ambiguous=True)
            return found
        raise Absent("the credit is no longer in Xero")

    def find(
        self, credit_id: str, lines: Sequence[PaymentLine], *, on: date, kinds: Sequence[CreditKind] = CREDIT_KINDS
    ) -> Done | None:
        """Look up allocations by what they show, invoice, amount and day: they carry no text of ours."""
        for kind in kinds:
            for credit in self._reader.one(kind.source, credit_id):
                return _matching(kind, credit, lines, on)
        return None

    def stands(self, path: str) -> bool:
        """Whether an allocation is still there."""
        kind, credit_id, _ = _split(path)
        return any(path in kind.paths(credit) for credit in self._reader.one(kind.source, credit_id))

    def delete(self, path: str) -> None:
        """Take an allocation back; nothing happens when it is gone already."""
        kind, credit_id, allocation_id = _split(path)
        try:
            self._client.delete(getattr(self._client.api, kind.delete), credit_id, allocation_id)
        except Absent:
            return


def is_allocation(external_id: str) -> bool:
    """Whether an external id is the path of an allocation."""
    return "/Allocations/" in external_id


def _split(path: str) -> tuple[CreditKind, str, str]:
    items, credit_id, _, allocation_id = path.split("/")
    kind = next(kind for kind in CREDIT_KINDS if kind.source.items == items)
    return kind, credit_id, allocation_id


def _matching(kind: CreditKind, credit: Json, lines: Sequence[PaymentLine], on: date) -> Done | None:
    left = list(credit.get("Allocations") or [])
    paths = []
    for line in lines:
        part = next((part for part in left if _shows(part, line, on)), None)
        if part is None:
            return None
        left.remove(part)
        paths.append(kind.path(str(credit[kind.source.identity]), str(part["AllocationID"])))
    return Done(tuple(paths))


def _shows(part: Mapping[str, Any], line: PaymentLine, on: date) -> bool:
    return (
        str((part.get("Invoice") or {}).get("InvoiceID")) == line.document_external_id
        and Decimal(str(part.get("Amount"))) == line.amount.decimal
        and day(part, "Date") == on
    )
