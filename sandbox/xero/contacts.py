"""Contacts: created, changed and merged."""

from __future__ import annotations

from sandbox.xero.ledger import Ledger
from sandbox.xero.values import Commit, Record, Refused

_WRITABLE = {"Name", "EmailAddress", "ContactNumber", "AccountNumber", "FirstName", "LastName", "ContactStatus"}
_WRITABLE |= {
    "Addresses",
    "Phones",
    "ContactPersons",
    "DefaultCurrency",
    "TaxNumber",
    "PaymentTerms",
    "BankAccountDetails",
}
_STATUSES = ("ACTIVE", "ARCHIVED", "GDPRREQUEST")


def plan(books: Ledger, item: Record) -> Commit:
    """Plan to create a contact, or to change the one that `item` names."""
    existing = books.contacts.get(str(item.get("ContactID")))
    if item.get("ContactID") and existing is None:
        raise Refused("The contact could not be found")
    _check(books, item, existing)

    def commit() -> Record:
        record = existing if existing is not None else _blank(books)
        record.update({name: value for name, value in item.items() if name in _WRITABLE})
        books.changed("CONTACT", "CREATE" if existing is None else "UPDATE", record)
        return record

    return commit


def merge(books: Ledger, contact_id: str, into: str) -> None:
    """Move every document of a contact to another and archive it, as Merge in Xero does."""
    gone, kept = books.contacts[contact_id], books.contacts[into]
    gone |= {"ContactStatus": "ARCHIVED", "MergedToContactID": into}
    for collection, category in ((books.invoices, "INVOICE"), (books.credit_notes, "CREDITNOTE")):
        for record in collection.values():
            if record["Contact"]["ContactID"] == contact_id:
                record["Contact"] = {"ContactID": into}
                books.changed(category, "UPDATE", record)
    for collection in (books.overpayments, books.prepayments, books.bank_transactions):
        for record in collection.values():
            if record.get("Contact", {}).get("ContactID") == contact_id:
                record["Contact"] = {"ContactID": into}
                books.changed("", "UPDATE", record)
    books.changed("CONTACT", "UPDATE", gone)
    books.changed("CONTACT", "UPDATE", kept)


def _check(books: Ledger, item: Record, existing: Record | None) -> None:
    name = item.get("Name")
    if existing is None and not name:
        raise Refused("The contact name must be specified")
    if item.get("ContactStatus", "ACTIVE") not in _STATUSES:
        raise Refused("The contact status is not valid")
    email = item.get("EmailAddress")
    if email and "@" not in str(email):
        raise Refused("Email address must be valid.")
    if name and (existing is None or existing["Name"] != name):
        for other in books.contacts.values():
            if other["Name"] == name and other["ContactStatus"] == "ACTIVE" and other is not existing:
                raise Refused(
                    f"The contact name {name} is already assigned to another contact. "
                    "The contact name must be unique across all active contacts."
                )


def _blank(books: Ledger) -> Record:
    contact_id = books.new_id("contact")
    record: Record = {"ContactID": contact_id, "ContactStatus": "ACTIVE", "EmailAddress": "", "BankAccountDetails": ""}
    record |= {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": [], "IsSupplier": False}
    record |= {"IsCustomer": True, "HasAttachments": False, "HasValidationErrors": False}
    books.contacts[contact_id] = record
    return record
