"""What a company has that a write depends on: its home currency, a field for order numbers, accounts, items, tax rates.

Looked up when a write needs it and kept for one call of the writer only: people change these things in QuickBooks.
"""

from __future__ import annotations

import re
from decimal import Decimal

from connectors.errors import Reject
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.ledgers.quickbooks.order_number import is_order_field
from connectors.ledgers.quickbooks.read import QuickBooksReader
from receivables.identity import stable_id

_FIELD_NAME = re.compile(r"SalesFormsPrefs\.SalesCustomName(\d+)")


class Company:
    """The lookups of one call of the writer."""

    def __init__(self, client: QuickBooksClient, reader: QuickBooksReader) -> None:
        self._client = client
        self._reader = reader
        self._preferences: Json | None = None
        self._items: dict[str, str] = {}

    def home_currency(self) -> str:
        """The currency that the books are kept in."""
        return str(self._said()["CurrencyPrefs"]["HomeCurrency"]["value"])

    def order_field(self) -> str | None:
        """The id of the sales forms' own field that is called like a purchase order's number; None without one."""
        groups = (self._said().get("SalesFormsPrefs") or {}).get("CustomField") or []
        fields = {str(field.get("Name")): field for group in groups for field in group.get("CustomField") or []}
        for name, field in sorted(fields.items()):
            named = _FIELD_NAME.fullmatch(name)
            used = named and fields.get(f"SalesFormsPrefs.UseSalesCustom{named[1]}", {}).get("BooleanValue")
            if named and used is not False and is_order_field(str(field.get("StringValue") or "")):
                return named[1]
        return None

    def receivables_account(self, currency: str) -> str:
        """The account of receivables in `currency`; Reject when there is none."""
        for account in self._listed("Account", "AccountType = 'Accounts Receivable'"):
            if (account.get("CurrencyRef") or {}).get("value", currency) == currency:
                return str(account["Id"])
        raise Reject(
            f"QuickBooks has no receivables account in {currency}",
            code="no_receivables_account",
            remedy=f"Issue an invoice in {currency} in QuickBooks first: that opens the account.",
        )

    def item(self, account: str) -> str:
        """The service that is sold through `account`, made when there is none: a sale's line names no account."""
        if account not in self._items:
            found = self._listed("Item", "Type = 'Service'")
            sold = (item for item in found if (item.get("IncomeAccountRef") or {}).get("value") == account)
            self._items[account] = str((next(sold, None) or self._made_item(account))["Id"])
        return self._items[account]

    def tax_rate(self, code: str) -> Decimal:
        """The part of a net amount that a tax code adds (0.2 for 20 %); Reject when it has no rate for sales."""
        details = [
            detail
            for found in self._reader.by_ids("TaxCode", [code])
            for detail in (found.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
        ]
        if not details:
            raise Reject(
                f"QuickBooks has no rate for sales under the tax code {code}",
                code="no_tax_rate",
                remedy="Choose another tax code in the settings, or none, and correct the tax in QuickBooks.",
            )
        rates = self._reader.by_ids("TaxRate", [str(detail["TaxRateRef"]["value"]) for detail in details])
        return sum((Decimal(str(rate["RateValue"])) for rate in rates), Decimal(0)) / 100

    def _made_item(self, account: str) -> Json:
        body = {"Name": f"TrueDue {account}", "Type": "Service", "IncomeAccountRef": {"value": account}}
        return self._client.create("Item", body, key=stable_id("td", "item", account))

    def _listed(self, entity: str, where: str) -> list[Json]:
        return [item for items in self._reader.items(entity, where=where, urgent=True) for item in items]

    def _said(self) -> Json:
        if self._preferences is None:
            found = self._client.query("SELECT * FROM Preferences", urgent=True).get("Preferences") or [{}]
            self._preferences = dict(found[0])
        return self._preferences
