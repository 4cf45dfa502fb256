"""The organisation's Salesforce: accounts and contacts that exist already, and what sales people do there."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.schema import INDUSTRIES
from sandbox.world.model import Customer, Organisation, TrueInvoice

if TYPE_CHECKING:
    from sandbox.salesforce import SalesforceOrg


class CrmBooks:
    """One Salesforce org."""

    def __init__(self, org: SalesforceOrg, organisation: Organisation) -> None:
        self.org = org
        self._organisation = organisation
        self._ids: dict[str, str] = {}  # the record of an invoice when last looked for, by number

    def seed(self) -> None:
        """Create an account and a contact for every customer; the ledger's ids must be known already."""
        for customer in self._organisation.customers.values():
            parent = self._organisation.customers[customer.parent].crm_account_id if customer.parent else None
            customer.crm_account_id = self.org.create(
                "Account",
                Name=customer.name,
                AccountNumber=self._account_number(customer),
                ParentId=parent,
                BillingCountry=customer.country,
                Phone=customer.phone,
                **_business(customer),
            )
            customer.crm_contact_id = self.org.create(
                "Contact",
                AccountId=customer.crm_account_id,
                FirstName=customer.first_name,
                LastName=customer.last_name,
                Email=customer.email,
                HasOptedOutOfEmail=customer.opted_out,
            )

    def edit_invoice(self, invoice: TrueInvoice, **fields: Any) -> None:  # noqa: ANN401 - Salesforce fields
        """Change the product's record of an invoice; LookupError when the product has not written it yet."""
        record = self.invoice(invoice)
        if record is None:
            raise LookupError(f"{invoice.organisation} {invoice.number} is not in the CRM yet")
        self.org.update("TrueDue_Invoice__c", str(record["Id"]), **fields)

    def edit_email(self, customer: Customer, email: str) -> None:
        """Correct a contact's address."""
        self.org.update("Contact", customer.crm_contact_id, Email=email)

    def has_contact(self, customer: Customer) -> bool:
        """Whether the customer's contact is there, and not in the bin."""
        return not self.org.records["Contact"][customer.crm_contact_id]["IsDeleted"]

    def invoice(self, invoice: TrueInvoice) -> dict[str, Any] | None:
        """The product's record of an invoice."""
        records = self.org.records["TrueDue_Invoice__c"]
        known = records.get(self._ids.get(invoice.number, ""))
        if known is not None and _shows(known, invoice):
            return known
        found = next((each for each in reversed(records.values()) if _shows(each, invoice)), None)
        if found is not None:
            self._ids[invoice.number] = str(found["Id"])
        return found

    def balance(self, invoice: TrueInvoice) -> Decimal | None:
        """The balance that the CRM shows."""
        record = self.invoice(invoice)
        return None if record is None or record["Balance__c"] is None else Decimal(str(record["Balance__c"]))

    def currencies(self, invoice: TrueInvoice) -> set[str]:
        """The currencies that the CRM's record of an invoice names: one, where it is right."""
        record = self.invoice(invoice) or {}
        return {str(record[name]) for name in ("Currency__c", "CurrencyIsoCode") if record.get(name)}

    def due_on(self, invoice: TrueInvoice) -> str | None:
        """The due date that the CRM shows, ISO."""
        record = self.invoice(invoice)
        return None if record is None or record["Due_Date__c"] is None else str(record["Due_Date__c"])

    def _account_number(self, customer: Customer) -> str | None:
        if not customer.crm_by_number:
            return None
        return customer.number if self._organisation.system == "xero" else customer.ledger_id


def _business(customer: Customer) -> dict[str, Any]:
    """What sales people noted of a customer's business: of some nothing. Drawn apart from everything else."""
    rng = random.Random(f"{customer.key} {customer.name}")  # noqa: S311 - a sample company
    industry = rng.choice(INDUSTRIES) if rng.random() < 0.7 else None
    return {"Industry": industry, "NumberOfEmployees": round(10 ** rng.uniform(0, 4)) if rng.random() < 0.6 else None}


def _shows(record: dict[str, Any], invoice: TrueInvoice) -> bool:
    return record["Number__c"] == invoice.number and not record["IsDeleted"]
