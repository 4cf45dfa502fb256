"""The objects of an org: Salesforce's own, and those that the project installs."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.salesforce.field import Field
from sandbox.salesforce.metadata import custom_objects
from sandbox.salesforce.refusal import Refused

READ_ONLY = frozenset({"Organization"})  # objects that nobody writes through the API
_PREFIXES = {"Account": "001", "Contact": "003", "Opportunity": "006", "Organization": "00D", "User": "005"}

# The values of Account.Industry in a new org; an administrator may add others, so none is refused.
INDUSTRIES = (
    "Agriculture",
    "Apparel",
    "Banking",
    "Biotechnology",
    "Chemicals",
    "Communications",
    "Construction",
    "Consulting",
    "Education",
    "Electronics",
    "Energy",
    "Engineering",
    "Entertainment",
    "Environmental",
    "Finance",
    "Food & Beverage",
    "Government",
    "Healthcare",
    "Hospitality",
    "Insurance",
    "Machinery",
    "Manufacturing",
    "Media",
    "Not For Profit",
    "Recreation",
    "Retail",
    "Shipping",
    "Technology",
    "Telecommunications",
    "Transportation",
    "Utilities",
    "Other",
)
_SYSTEM = (
    Field("Id", "id", 18, writable=False),
    Field("IsDeleted", "boolean", writable=False),
    Field("CreatedDate", "datetime", writable=False),
    Field("LastModifiedDate", "datetime", writable=False),
    Field("SystemModstamp", "datetime", writable=False),
)
_STANDARD: dict[str, tuple[Field, ...]] = {
    "Account": (
        Field("Name", "string", required=True),
        Field("AccountNumber", "string", 40),
        Field("ParentId", "reference", 18, refers_to="Account"),
        Field("MasterRecordId", "reference", 18, refers_to="Account", writable=False),
        Field("BillingCountry", "string", 80),
        Field("Phone", "phone", 40),
        Field("Industry", "picklist", values=INDUSTRIES),
        Field("NumberOfEmployees", "int", precision=8, scale=0),
    ),
    "Contact": (
        Field("AccountId", "reference", 18, refers_to="Account"),
        Field("MasterRecordId", "reference", 18, refers_to="Contact", writable=False),
        Field("FirstName", "string", 40),
        Field("LastName", "string", 80, required=True),
        Field("Name", "string", 121, writable=False),
        Field("Email", "email", 80),
        Field("HasOptedOutOfEmail", "boolean"),
        Field("MobilePhone", "phone", 40),
        Field("Phone", "phone", 40),
        Field("MailingStreet", "textarea", 255),
        Field("MailingCity", "string", 40),
        Field("MailingState", "string", 80),
        Field("MailingPostalCode", "string", 20),
        Field("MailingCountry", "string", 80),
    ),
    "Opportunity": (
        Field("Name", "string", 120, required=True),
        Field("AccountId", "reference", 18, refers_to="Account"),
        Field("StageName", "picklist", required=True),
        Field("CloseDate", "date", required=True),
        Field("Amount", "currency"),
        Field("IsWon", "boolean", writable=False),
    ),
    "Organization": (
        Field("Name", "string", writable=False),
        Field("IsSandbox", "boolean", writable=False),
        Field("OrganizationType", "picklist", writable=False),
    ),
}


class Schema:
    """The objects and fields of one org. With `currencies` each record names its own, the first unless given."""

    def __init__(self, *, currencies: Sequence[str] = ()) -> None:
        custom = custom_objects()
        names = [*_STANDARD, *(name for name in custom if name not in _STANDARD)]
        self.objects: dict[str, dict[str, Field]] = {}
        self._prefixes = dict(_PREFIXES)
        for number, name in enumerate(names):
            fields = [*_SYSTEM, *_STANDARD.get(name, ()), *custom.get(name, ())]
            if currencies and name not in READ_ONLY:
                fields.append(_currency_field(tuple(currencies)))
            self.objects[name] = {field.name: field for field in fields}
            self._prefixes.setdefault(name, f"a{number:02d}")

    def object_named(self, name: str) -> str:
        """Return the proper spelling of an object name (case does not count); Refused NOT_FOUND when unknown."""
        for known in self.objects:
            if known.lower() == name.lower():
                return known
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)

    def field_named(self, sobject: str, name: str) -> Field | None:
        """Find a field of an object, without regard to case."""
        fields = self.objects[sobject]
        return fields.get(name) or next((f for f in fields.values() if f.name.lower() == name.lower()), None)

    def unique_fields(self, sobject: str) -> list[Field]:
        """Return the fields of an object of which no two records hold the same value."""
        return [field for field in self.objects[sobject].values() if field.unique]

    def references_to(self, sobject: str) -> list[tuple[str, Field]]:
        """Return every object and field that refers to records of `sobject`."""
        return [
            (name, field)
            for name, fields in self.objects.items()
            for field in fields.values()
            if field.refers_to == sobject and field.writable
        ]

    def prefix(self, sobject: str) -> str:
        """Return the first three characters of an object's ids."""
        return self._prefixes[sobject]


def _currency_field(currencies: tuple[str, ...]) -> Field:
    return Field(
        "CurrencyIsoCode",
        "picklist",
        3,
        values=currencies,
        restricted=True,
        default=currencies[0],
        label="Currency ISO Code",
    )
